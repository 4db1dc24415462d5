"""The show's sound: one encoder for all, to real listeners, whatever they and the source do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from live.stream.hub import Hub
from live.stream.opus import BLOCK, BLOCK_S, RATE_HZ, Heard, Samples, SoundPacket
from live.stream.sound import LEAD_S, Sound
from live.stream.sound_file import SoundFile
from live.stream.sound_source import ScriptedSound, silence
from live.stream.sound_track import LONGEST, SoundTrack
from tests.live.stream.pattern import Performance
from tests.live.stream.sounds import clicks, hear, onsets_s, write_clicks
from tests.live.stream.test_peer import meet
from tests.live.stream.test_whep import until
from tests.live.stream.watcher import Watcher

Begin = Callable[..., Sound]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts sounds, and closes them."""
    started: list[Sound] = []

    def start(source: object = None, *given: object, **more: object) -> Sound:
        source = source or ScriptedSound(clicks)
        sound = Sound(source, *given, **more)  # type: ignore[arg-type]
        started.append(sound)
        sound.start()
        return sound

    yield start
    for sound in started:
        sound.close()


async def test_a_file_is_heard_by_a_viewer_click_for_click(
    hub: Hub, begin: Begin, tmp_path: Path
) -> None:
    sound = begin(SoundFile(write_clicks(tmp_path / "song.wav", 3.0)))
    watcher = Watcher("", sound=True)
    with Performance(hub):
        peer = await meet(hub, watcher, sound)  # type: ignore[arg-type]
        assert watcher.sound is not None
        wave, _ = await asyncio.wait_for(hear(watcher.sound, 4.0), 30)
        found = onsets_s(wave)
        assert len(found) >= 3
        np.testing.assert_allclose(np.diff(found), 1.0, atol=0.003)
        await peer.close()
    await until(lambda: sound.counts.listeners == 0)
    await watcher.connection.close()


async def test_all_listeners_get_the_very_same_packets(begin: Begin) -> None:
    sound = begin()
    tapped: list[Heard] = []
    untap = sound.tap(tapped.append)
    tracks = [sound.track() for _ in range(3)]
    got = await asyncio.gather(*(receive(one, 10) for one in tracks))
    assert [id(one) for one in got[0]] == [id(one) for one in got[1]] == [id(one) for one in got[2]]
    np.testing.assert_array_equal(np.diff([one.pts or 0 for one in got[0]]), BLOCK)
    assert {id(one) for one in got[0]} <= {id(one.packet) for one in tapped}
    assert sound.counts.blocks >= 10
    untap()
    await asyncio.sleep(0.1)
    heard = len(tapped)
    await asyncio.sleep(0.1)
    assert len(tapped) == heard


async def receive(track: SoundTrack, count: int) -> list[SoundPacket]:
    return [await asyncio.wait_for(track.recv(), 10) for _ in range(count)]


async def test_a_slow_listener_loses_the_oldest_and_nobody_waits_for_it(begin: Begin) -> None:
    sound = begin()
    quick, slow = sound.track(), sound.track()
    first = await asyncio.wait_for(slow.recv(), 10)
    got = await receive(quick, 3 * LONGEST)
    assert slow.dropped >= LONGEST
    after = await asyncio.wait_for(slow.recv(), 10)
    assert after.pts is not None
    assert first.pts is not None
    assert after.pts >= first.pts + LONGEST * BLOCK, "it goes on near the newest"
    assert len(got) == 3 * LONGEST
    assert quick.dropped == 0
    dropped = sound.counts.dropped
    slow.stop()
    assert sound.counts.dropped >= dropped, "those of the gone are counted too"
    assert sound.counts.listeners == 1


async def test_what_came_before_a_viewer_listened_is_not_kept(begin: Begin) -> None:
    sound = begin()
    track, tapped = sound.track(), list[Heard]()
    sound.tap(tapped.append)
    await until(lambda: len(tapped) > LONGEST)
    newest = tapped[-1].packet.pts
    first = await asyncio.wait_for(track.recv(), 10)
    assert first.pts is not None
    assert newest is not None
    assert first.pts > newest
    assert track.dropped == 0


async def test_the_end_of_the_sound_ends_its_tracks(begin: Begin) -> None:
    source = ScriptedSound(clicks)
    sound = begin(source)
    track = sound.track()
    await receive(track, 2)
    waiting = asyncio.create_task(receive(track, 1000))
    await asyncio.sleep(0)
    sound.close()
    sound.close()
    with pytest.raises(MediaStreamError):
        await asyncio.wait_for(waiting, 10)
    assert source.closed
    assert sound.counts.listeners == 0
    with pytest.raises(MediaStreamError):
        await sound.track().recv()


def test_a_sound_that_never_began_is_closed_too() -> None:
    source = ScriptedSound(clicks)
    Sound(source).close()
    assert source.closed


def test_a_listener_whose_loop_is_gone_is_no_trouble(begin: Begin) -> None:
    sound, tapped = begin(), list[Heard]()

    async def come_and_go() -> None:
        await receive(sound.track(), 2)

    asyncio.run(come_and_go())
    sound.tap(tapped.append)
    end_s = time.monotonic() + 10
    while len(tapped) < 5:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert sound.trouble is None


class Taps:
    """Collects what is sent, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[Heard, float]] = []

    def __call__(self, heard: Heard) -> None:
        self.heard.append((heard, time.monotonic()))

    async def wait(self, count: int) -> list[tuple[Heard, float]]:
        """The next `count`."""
        already = len(self.heard)
        await until(lambda: len(self.heard) >= already + count)
        return self.heard[already : already + count]


async def test_it_is_sent_as_late_as_the_picture_less_a_browsers_lead(begin: Begin) -> None:
    sound, taps = begin(delay_s=lambda: 0.4), Taps()
    sound.tap(taps)
    for heard, sent_s in await taps.wait(10):
        assert sent_s - heard.captured_s >= 0.4 - LEAD_S, "never sooner"
    assert sound.delay_s == pytest.approx(0.4 - LEAD_S)
    assert sound.late_s == 0


async def test_a_sound_that_cannot_be_in_step_says_by_how_much(begin: Begin) -> None:
    source = ScriptedSound(clicks, lag_s=0.05)
    sound = begin(source, delay_s=lambda: 0.04)
    await until(lambda: sound.late_s > 0)
    assert sound.delay_s == pytest.approx(BLOCK_S + 0.05)
    assert sound.late_s == pytest.approx(BLOCK_S + 0.05 - (0.04 - LEAD_S))


async def test_while_the_pictures_delay_is_unknown_it_comes_as_soon_as_it_can(begin: Begin) -> None:
    delays_s = [0.0]
    sound, taps = begin(delay_s=lambda: delays_s[0]), Taps()
    sound.tap(taps)
    await taps.wait(3)
    assert sound.delay_s == BLOCK_S
    assert sound.late_s == 0
    delays_s[0] = 0.2
    await until(lambda: sound.delay_s > BLOCK_S)
    assert sound.delay_s == pytest.approx(0.2 - LEAD_S), "the first measure is taken at once"
    delays_s[0] = 0.0
    await taps.wait(60)
    assert sound.delay_s == pytest.approx(0.2 - LEAD_S), "and kept when there is no new one"


async def test_the_offset_is_adjusted_at_once_and_goes_with_another_picture(begin: Begin) -> None:
    sound, taps = begin(delay_s=lambda: 0.2, offset_s=0.1), Taps()
    sound.tap(taps)
    await taps.wait(2)
    assert sound.delay_s == pytest.approx(0.3 - LEAD_S)
    sound.offset_s = -0.05
    await until(lambda: sound.delay_s < 0.2)
    assert sound.delay_s == pytest.approx(0.15 - LEAD_S)
    for heard, _ in await taps.wait(3):
        # 0.05 s before it was captured: that is the picture which it goes with.
        ticks = heard.packet.pts
        assert ticks is not None
        assert heard.captured_s - ticks / RATE_HZ == pytest.approx(origin(taps) - 0.05, abs=1e-6)


def origin(taps: Taps) -> float:
    """Capture time of ticks 0, as the first packet has it, whose offset was 0.1 s."""
    heard, _ = taps.heard[0]
    assert heard.packet.pts is not None
    return heard.captured_s - 0.1 - heard.packet.pts / RATE_HZ


async def test_a_delay_that_changes_neither_drops_nor_invents_sound(begin: Begin) -> None:
    delays_s = [0.1]
    sound, taps = begin(delay_s=lambda: delays_s[0]), Taps()
    sound.tap(taps)
    await taps.wait(5)
    delays_s[0] = 0.3
    heard = await taps.wait(110)
    assert 0.05 < sound.delay_s < 0.1, "on its way, slowly"
    ticks = [one.packet.pts or 0 for one, _ in heard]
    np.testing.assert_array_equal(np.diff(ticks), BLOCK)
    np.testing.assert_allclose(np.diff([one.captured_s for one, _ in heard]), BLOCK_S, atol=1e-9)


class Stalled:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


async def test_after_a_sleep_it_goes_on_with_the_sound_of_now(begin: Begin) -> None:
    clock, taps = Stalled(), Taps()
    sound = begin(clock=clock)
    sound.tap(taps)
    await taps.wait(3)
    clock.ahead_s = 60.0
    await until(lambda: taps.heard[-1][0].captured_s > time.monotonic() + 50)
    await taps.wait(5)
    ticks = np.diff([one.packet.pts or 0 for one, _ in taps.heard])
    assert (ticks > 0).all()
    assert ticks.max() >= 58 * RATE_HZ, "what was missed is left out, not sent in a burst"
    for heard, _ in taps.heard:
        lag_s = heard.captured_s - (heard.packet.pts or 0) / RATE_HZ
        assert lag_s == pytest.approx(origin(taps) + 0.1, abs=1e-6), "each in its place"
    assert sound.trouble is None


async def test_a_source_that_fails_ends_the_sound_not_the_show(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(ScriptedSound):
        def take(self, captured_s: float) -> Samples:
            raise RuntimeError("never seen")

    sound = begin(Broken(clicks))
    await until(lambda: sound.trouble is not None)
    assert "never seen" in str(sound.trouble)
    assert "the sound ended" in caplog.text


def test_a_source_that_hangs_does_not_hang_the_end(caplog: pytest.LogCaptureFixture) -> None:
    let_go = threading.Event()

    class Hangs(ScriptedSound):
        def take(self, captured_s: float) -> Samples:
            let_go.wait()
            return silence()

    source = Hangs(clicks)
    sound = Sound(source)
    sound.start()
    time.sleep(0.1)
    sound.close()
    assert "does not answer" in caplog.text
    assert not source.closed
    let_go.set()
