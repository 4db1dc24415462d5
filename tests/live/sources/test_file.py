"""A clip is played by its own time stamps, looped, upright, and refused in one sentence."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av.error
import numpy as np
import pytest

from live.errors import SourceError
from live.frames import Frame
from live.sources import Clip, Source, SourceSettings, file, open_source
from live.sources.clip import ClipFrame, ClipReader
from tests.live.sources.clips import (
    HEIGHT,
    WIDTH,
    coded,
    read_code,
    steady_ms,
    write_audio,
    write_clip,
    write_cut_off,
    write_portrait,
)
from tests.live.sources.faketime import FakeTime
from tests.live.sources.servers import site


def play(path: Path, time: FakeTime, loop: bool = True) -> Source:
    return open_source(SourceSettings(str(path), loop=loop), time.base)


def read_all(source: Source) -> list[Frame]:
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


def test_every_frame_comes_at_its_own_time(tmp_path: Path) -> None:
    times_ms = [0, 100, 150, 500, 520]  # a variable frame rate
    clip = write_clip(tmp_path / "vfr.mp4", times_ms)
    frames = read_all(play(clip, FakeTime(), loop=False))
    assert [read_code(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.captured_s for frame in frames] == pytest.approx(
        [time_ms / 1000 for time_ms in times_ms], abs=1e-3
    )
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]


def test_a_loop_goes_on_in_time_and_number(tmp_path: Path) -> None:
    source = play(write_clip(tmp_path / "clip.mp4", steady_ms(6)), FakeTime(5.0))
    frames = [source.read() for _ in range(15)]
    assert isinstance(source, Clip)
    taken = [frame for frame in frames if frame is not None]
    assert [frame.sequence for frame in taken] == list(range(15))
    codes = [read_code(frame.image) for frame in taken]
    assert codes == [number % 6 for number in range(15)]
    assert [source.clip_index(frame.sequence) for frame in taken] == codes
    gaps_s = np.diff([frame.captured_s for frame in taken])
    assert gaps_s == pytest.approx(np.full(14, 1 / 30), abs=2e-3)
    assert source.fps == pytest.approx(30, rel=0.03)
    source.close()


def test_frames_that_are_too_late_are_skipped_not_queued(tmp_path: Path) -> None:
    time = FakeTime()
    source = play(write_clip(tmp_path / "clip.mp4", steady_ms(30)), time)
    taken = []
    for _ in range(6):
        frame = source.read()
        assert frame is not None
        taken.append(frame)
        time.now_s += 0.09  # a reader at a third of the clip's speed
    codes = [read_code(frame.image) for frame in taken]
    assert codes == [frame.sequence for frame in taken]
    assert min(np.diff(codes)) >= 2
    for frame, code in zip(taken, codes, strict=True):
        assert 0 <= frame.captured_s - code / 30 < 1 / 30 + 2e-3  # what is shown is what is due
    source.close()


def test_after_a_long_stall_it_goes_on_from_where_it_was(tmp_path: Path) -> None:
    time = FakeTime()
    source = play(write_clip(tmp_path / "clip.mp4", steady_ms(30)), time)
    source.read()
    time.now_s += 3600.0
    frames = [source.read() for _ in range(5)]
    assert [frame.sequence for frame in frames if frame is not None] == [1, 2, 3, 4, 5]
    source.close()


def test_portrait_of_a_phone_stands_upright(tmp_path: Path) -> None:
    frame = play(write_portrait(tmp_path / "phone.mp4"), FakeTime()).read()
    assert frame is not None
    assert frame.size == (WIDTH, HEIGHT)
    expected = np.rot90(coded(0), -1)
    assert np.abs(frame.image.astype(int) - expected).mean() < 12


@pytest.mark.parametrize(
    ("codec", "suffix", "size"),
    [("ffv1", ".mkv", (97, 63)), ("libx264", ".mp4", (97, 63)), ("mpeg4", ".avi", (96, 64))],
)
def test_odd_sizes_and_other_formats(
    tmp_path: Path, codec: str, suffix: str, size: tuple[int, int]
) -> None:
    width, height = size
    clip = write_clip(
        tmp_path / f"clip{suffix}", steady_ms(5), codec=codec, width=width, height=height
    )
    frames = read_all(play(clip, FakeTime(), loop=False))
    assert [read_code(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    for frame in frames:
        assert frame.size == (height, width)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous


def test_a_stream_without_time_stamps_plays_at_its_nominal_rate(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "raw.h264", steady_ms(5), container="h264")
    frames = read_all(play(clip, FakeTime(), loop=False))
    assert [read_code(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    assert np.diff([frame.captured_s for frame in frames]) == pytest.approx(np.full(4, 1 / 25))


def test_a_cut_off_file_plays_what_is_there_and_warns_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = play(write_cut_off(tmp_path / "cut.mp4", count=90), FakeTime())
    with caplog.at_level(logging.WARNING, "live"):
        frames = [source.read() for _ in range(200)]
    codes = [read_code(frame.image) for frame in frames if frame is not None]
    assert len(codes) == 200
    played = codes.index(0, 1)
    assert 10 < played < 90
    assert codes[:10] == list(range(10))
    assert codes[played : 2 * played] == codes[:played]
    assert ["cut off" in record.getMessage() for record in caplog.records] == [True]
    source.close()


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        play(path, FakeTime())
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_refusals_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "text.mp4"
    text.write_text("no video at all\n" * 100)
    cut = write_clip(tmp_path / "end.mp4", steady_ms(30))  # its index was at the end
    cut.write_bytes(cut.read_bytes()[:-2000])
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    assert "check the path" in refusal(tmp_path / "absent.mp4")
    assert "0 bytes" in refusal(empty)
    assert "folder" in refusal(tmp_path)
    assert "regular file" in refusal(pipe)
    assert "only sound" in refusal(write_audio(tmp_path / "song.m4a"))
    assert "cannot be read as video" in refusal(text)
    assert "cannot be read as video" in refusal(cut)
    assert "--camera 0" in refusal(Path("/dev/null"))
    assert "--camera 63" in refusal(Path("/dev/video63"))
    assert "number: --camera 7" in refusal(Path("7"))


def test_a_playlist_in_a_file_cannot_reach_the_network(tmp_path: Path) -> None:
    with site() as server:
        playlist = tmp_path / "list.m3u8"
        entry = f"{server.url}/segment.ts"
        playlist.write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{entry}\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(SourceError):
            play(playlist, FakeTime())
        assert server.asked == []


def test_a_file_that_vanishes_while_playing_is_an_error_of_the_source(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", steady_ms(5))
    source = play(clip, FakeTime())
    for _ in range(5):
        assert source.read() is not None
    clip.unlink()
    with pytest.raises(SourceError, match="cannot be opened"):
        source.read()
    source.close()


class Spoilt:
    """A reader whose demuxer gives up after some pictures, as on a disk with a bad sector."""

    def __init__(self, reader: ClipReader, good: int) -> None:
        self._reader = reader
        self._good = good

    def frames(self) -> Iterator[ClipFrame]:
        yield from islice(self._reader.frames(), self._good)
        raise av.error.OSError(5, "Input/output error")

    def close(self) -> None:
        self._reader.close()


@pytest.mark.parametrize("good", [0, 3])
def test_reading_through_a_file_that_turns_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, good: int
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", steady_ms(9))
    reader = file.open_clip(clip)
    monkeypatch.setattr(file, "open_clip", lambda path: Spoilt(reader, good))
    if not good:
        with pytest.raises(SourceError, match="no picture that can be decoded"):
            list(file.read_through(clip))
        return
    with caplog.at_level(logging.WARNING, "live"):
        frames = list(file.read_through(clip))
    assert [read_code(frame.image) for frame in frames] == [0, 1, 2]
    assert "damaged after 3 frames" in caplog.text


def test_close_wakes_the_reader(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "slow.mp4", [0, 9000, 9100])
    source = open_source(SourceSettings(str(clip)))
    source.read()
    got: list[Frame | None] = []
    reader = threading.Thread(target=lambda: got.append(source.read()), daemon=True)
    reader.start()
    source.close()
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert got == [None]
    assert source.read() is None
