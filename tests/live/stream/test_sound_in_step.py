"""A click and a flash that happen together: streamed, and recorded, together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av import VideoFrame

from live.frames import Picture
from live.stream.hub import Hub
from live.stream.opus import RATE_HZ
from live.stream.presentation import CLOCK_HZ
from live.stream.recorder import Recorder, RecorderSettings
from live.stream.server import ServerSettings, ShowServer
from live.stream.sound import LEAD_S, Sound
from live.stream.sound_source import ScriptedSound
from tests.live.stream.pattern import read_number
from tests.live.stream.sounds import Timed, clicks, hear, onsets_s, read_sound
from tests.live.stream.tapped import HandHub
from tests.live.stream.watcher import Watcher

DELAY_S = 0.4
FPS = 30.0


class FlashingShow:
    """Publishes a picture `DELAY_S` after its capture; white in each whole second's first."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encode")

    def _run(self) -> None:
        first_s, number = float(int(time.monotonic())), 0
        while True:
            captured_s = first_s + number / FPS
            if self._stop.wait(max(0.0, captured_s + DELAY_S - time.monotonic())):
                return
            image = np.full((96, 96, 3), 235 if number % FPS == 0 else 30, np.uint8)
            self._hub.publish(Picture(image, captured_s, number, "generated"))
            number += 1

    def __enter__(self) -> FlashingShow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


async def flashes_pts(watcher: Watcher, seconds: float) -> list[int]:
    """The pts of each first white picture."""
    found, white = [], True
    for _ in range(round(seconds * FPS)):
        frame = await watcher.track.recv()
        assert isinstance(frame, VideoFrame)
        was, white = white, float(frame.to_ndarray(format="gray").mean()) > 130
        if white and not was:
            assert frame.pts is not None
            found.append(frame.pts)
    return found


async def measured_s(url: str, seconds: float) -> float:
    """How much later than its flash a click is sent, as a viewer reads it from RTP and RTCP."""
    watcher = Watcher(url, sound=True)
    assert watcher.sound is not None
    seen, heard = Timed(watcher.receiver, CLOCK_HZ), Timed(watcher.sound, RATE_HZ)
    async with watcher:
        flashes, (wave, first_pts) = await asyncio.wait_for(
            asyncio.gather(flashes_pts(watcher, seconds), hear(watcher.sound, seconds)), 60
        )
    flashes_s = [seen.ntp_s(pts) for pts in flashes]
    clicks_s = [heard.ntp_s(first_pts + round(at_s * RATE_HZ)) for at_s in onsets_s(wave)]
    assert len(flashes_s) >= 3
    assert len(clicks_s) >= 3
    apart_s = [min((one - flash for one in clicks_s), key=abs) for flash in flashes_s[1:-1]]
    print(f"{len(apart_s)} clicks against their flashes, ms:", np.round(np.array(apart_s) * 1e3))
    return float(np.median(apart_s))


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with (
        Sound(ScriptedSound(clicks), lambda: DELAY_S) as sound,
        ShowServer(ServerSettings(port=0), hub, dict, sound) as server,
        FlashingShow(hub),
    ):
        yield server.url


async def test_a_viewer_gets_the_click_ahead_of_its_flash_by_a_browsers_lead(url: str) -> None:
    assert await measured_s(url, 6.0) == pytest.approx(-LEAD_S, abs=0.1)
    # 0.1 s is generous for a busy machine; without the delay it would be 0.43 s.


@pytest.mark.parametrize("offset_s", [0.0, 0.3, -0.2])
def test_what_is_recorded_plays_the_click_with_its_picture(tmp_path: Path, offset_s: float) -> None:
    """Exactly: by capture times, whatever the clock on the wall did meanwhile."""
    hub, path = HandHub(), tmp_path / "show.mp4"
    sound, recorder = (
        Sound(ScriptedSound(clicks), lambda: 0.1, offset_s),
        Recorder(RecorderSettings(path)),
    )
    with sound:
        hub.origin_s = time.monotonic()
        recorder.start(hub, sound)
        while hub.number < 4 * FPS:
            time.sleep(max(0.0, hub.origin_s + 0.1 + hub.number / FPS - time.monotonic()))
            hub.show(1)
        time.sleep(0.2)
        recorder.close()
    assert recorder.trouble is None
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        picture = np.asarray(first.to_ndarray(format="rgb24"), np.uint8)
        assert (read_number(picture), first.time) == (0, 0.0)
    # FFmpeg puts a track's very first packet at the beginning, also where it comes later.
    whole = [at_s for at_s in onsets_s(read_sound(path)) if at_s > max(0.0, offset_s) + 0.05]
    found_s = [hub.origin_s + at_s - offset_s for at_s in whole]
    assert len(found_s) >= 2
    late_s = np.array(found_s) - np.round(found_s)
    print("clicks after their pictures, ms:", np.round(late_s * 1e3, 2))
    np.testing.assert_allclose(late_s, 0.0, atol=0.003)
