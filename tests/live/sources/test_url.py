"""Streams over real sockets on the loopback: played live, reconnected, refused in one sentence."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest

from live.errors import SourceError
from live.frames import Frame
from live.sources import Source, SourceSettings, open_source
from tests.live.sources.clips import read_code, steady_ms, write_audio, write_clip
from tests.live.sources.fakecamera import QUICK
from tests.live.sources.servers import FRAME_S, free_port, rtsp, site


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("url") / "clip.mp4"
    return write_clip(path, steady_ms(12), options={"movflags": "+faststart"}).read_bytes()


def connect(url: str, **change: float) -> Source:
    return open_source(SourceSettings(url, **change), QUICK)  # type: ignore[arg-type]


def take(source: Source, count: int) -> list[Frame]:
    frames = [source.read() for _ in range(count)]
    assert None not in frames
    return [frame for frame in frames if frame is not None]


def test_a_live_feed_gives_its_newest_picture_without_pacing() -> None:
    with site() as server:
        source = connect(f"{server.url}/feed")
        frames = take(source, 10)
        source.close()
    codes = [read_code(frame.image) for frame in frames]
    assert codes == sorted(set(codes))
    assert source.name == f"{server.url}/feed"
    assert server.feeds == 1


@pytest.mark.parametrize("stall", [False, True], ids=["hung up", "stalled"])
def test_a_feed_that_breaks_off_is_connected_again(
    stall: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with site() as server, caplog.at_level(logging.WARNING, "live"):
        server.feed_length, server.stall = 30, stall
        source = connect(f"{server.url}/feed", url_stale_after_s=0.5)
        while server.feeds < 3:
            take(source, 1)
        source.close()
    assert "opening it again" in caplog.text
    assert "is back" in caplog.text


def test_a_clip_behind_a_url_is_paced_and_looped(clip: bytes) -> None:
    with site(clip) as server:
        source = open_source(SourceSettings(f"{server.url}/clip.mp4"))  # in real time
        frames = take(source, 24)
        source.close()
    lasted_s = frames[-1].captured_s - frames[0].captured_s
    shown = frames[-1].sequence - frames[0].sequence
    assert lasted_s >= 0.8 * shown / 30  # far from the speed at which it downloads
    assert len(server.asked) >= 3


def test_rtsp_plays_and_is_connected_again() -> None:
    with rtsp() as server:
        source = connect(server.url)
        codes = [read_code(frame.image) for frame in take(source, 10)]
        assert codes == sorted(set(codes))
        server.hang_up.set()
        while server.plays < 2:
            take(source, 1)
        source.close()


def test_close_wakes_the_reader_of_a_silent_feed() -> None:
    with site() as server:
        server.feed_length, server.stall = 30, True
        source = connect(f"{server.url}/feed", url_stale_after_s=60.0)
        reader = threading.Thread(target=lambda: list(iter(source.read, None)), daemon=True)
        reader.start()
        threading.Event().wait(30 * FRAME_S)
        source.close()
        source.close()
        reader.join(5)
        assert not reader.is_alive()


def refusal(url: str) -> str:
    with pytest.raises(SourceError) as caught:
        connect(url, open_timeout_s=5.0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refusals_name_the_address_and_the_remedy_but_no_password() -> None:
    with site() as server:
        assert "404" in refusal(f"{server.url}/absent")
        assert "check the address" in refusal(f"{server.url}/text")
        secret = refusal(server.url.replace("//", "//me:secret@") + "/absent")
    assert "secret" not in secret
    for scheme in ("http", "rtsp"):
        message = refusal(f"{scheme}://127.0.0.1:{free_port()}/feed")
        assert "refused" in message
        assert "127.0.0.1" in message


def test_a_silent_server_is_refused_in_time() -> None:
    with site() as server:
        server.feed_length, server.stall = 0, True
        with pytest.raises(SourceError):
            connect(f"{server.url}/feed", open_timeout_s=0.5)


def test_nothing_is_fetched_but_what_was_named(clip: bytes) -> None:
    with site(clip) as server:
        for path in ("/list.m3u8", "/moved"):
            server.asked.clear()
            refusal(server.url + path)
            assert set(server.asked) == {path}


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with site(write_audio(tmp_path / "song.mp4").read_bytes()) as server:
        assert "no video" in refusal(f"{server.url}/clip.mp4")


def test_frames_are_plain_bgr(clip: bytes) -> None:
    with site(clip) as server:
        source = connect(f"{server.url}/clip.mp4")
        (frame,) = take(source, 1)
        source.close()
    assert frame.image.dtype == np.uint8
    assert frame.image.shape == (64, 96, 3)
