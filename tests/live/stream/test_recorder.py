from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from live.errors import SetupError
from live.stream.opus import BLOCK, RATE_HZ, Heard, OpusEncoder
from live.stream.recorder import (
    Recorder,
    RecorderSettings,
    add_recorder_arguments,
    recorder_settings,
)
from live.stream.recording import Recording, free_names, parameter_sets
from tests.live.stream.pattern import pattern, psnr_db, read_number
from tests.live.stream.tapped import HandHub

ROOT = Path(__file__).parents[3]

Start = Callable[..., Recorder]


@pytest.fixture
def record() -> Iterator[Start]:
    """Starts recorders, and closes them."""
    started: list[Recorder] = []

    def start(path: Path, hub: HandHub, sound: object = None) -> Recorder:
        recorder = Recorder(RecorderSettings(path))
        recorder.start(hub, sound)  # type: ignore[arg-type]
        started.append(recorder)
        return recorder

    yield start
    for recorder in started:
        recorder.close()


def read(path: Path) -> tuple[list[NDArray[np.uint8]], list[float]]:
    """The pictures of a file, RGB, and their times, seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [np.asarray(one.to_ndarray(format="rgb24"), np.uint8) for one in frames], [
        float(one.time or 0.0) for one in frames
    ]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(one) for one in container.demux(video=0) if one.size]


def test_it_records_the_very_packets_at_their_own_pace(tmp_path: Path, record: Start) -> None:
    hub, path = HandHub(), tmp_path / "show.mp4"
    sent = []
    recorder = record(path, hub)
    for _ in range(60):
        coded = hub.code()
        sent.append(bytes(coded.packet))
        recorder.put(coded)
    recorder.close()
    pictures, times_s = read(path)
    assert [read_number(one) for one in pictures] == list(range(60))
    assert psnr_db(pictures[59], pattern(59, (128, 192))) > 24
    np.testing.assert_allclose(times_s, np.arange(60) / 30, atol=1e-4)
    assert [annex_b_units(one) for one in sent] == [avcc_units(one) for one in packets(path)]
    assert recorder.files == (path,)
    assert recorder.trouble is None


def annex_b_units(data: bytes) -> list[bytes]:
    """The NAL units of a picture in Annex B form."""
    found = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [one for one in found if one]


def avcc_units(data: bytes) -> list[bytes]:
    """The same, of a picture as MP4 has it: each unit after its length (ISO 14496-15)."""
    units = []
    while data:
        length = int.from_bytes(data[:4], "big")
        units.append(data[4 : 4 + length])
        data = data[4 + length :]
    return units


KILLED = """
import sys, time
from pathlib import Path
from live.stream.recorder import Recorder, RecorderSettings
from tests.live.stream.tapped import HandHub
hub = HandHub()
recorder = Recorder(RecorderSettings(Path(sys.argv[1])))
recorder.start(hub)
while True:
    hub.show(1)
    print(hub.number, flush=True)
    time.sleep(1 / 30)
"""


def test_a_kill_loses_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        shown = 0
        while shown < 75:
            shown = int(process.stdout.readline())
        process.kill()
        shown = max([shown, *map(int, process.stdout.read().split())])
    finally:
        process.kill()
        process.communicate()
    pictures, times_s = read(path)
    assert [read_number(one) for one in pictures] == list(range(len(pictures)))
    assert shown - len(pictures) <= 30
    assert len(pictures) >= 45
    np.testing.assert_allclose(times_s, np.arange(len(pictures)) / 30, atol=1e-4)


def test_a_new_size_starts_a_new_file(tmp_path: Path, record: Start) -> None:
    hub, path = HandHub(), tmp_path / "show.mp4"
    recorder = record(path, hub)
    hub.show(20)
    hub.resize((96, 96))
    hub.show(20)
    recorder.close()
    assert recorder.files == (path, tmp_path / "show-2.mp4")
    first, _ = read(recorder.files[0])
    second, times_s = read(recorder.files[1])
    assert [one.shape for one in (first[0], second[0])] == [(128, 192, 3), (96, 96, 3)]
    assert [read_number(one) for one in second] == list(range(20, 40))
    assert times_s[0] == 0.0


def test_another_encoder_starts_a_new_file(tmp_path: Path, record: Start) -> None:
    hub = HandHub()
    recorder = record(tmp_path / "show.mp4", hub)
    hub.show(10)
    hub.resize((128, 192), bitrate_kbps=20_000)  # its level, and so its SPS, is another
    hub.show(10)
    recorder.close()
    assert [len(read(one)[0]) for one in recorder.files] == [10, 10]


def test_a_file_that_exists_is_kept(tmp_path: Path, record: Start) -> None:
    path = tmp_path / "show.mp4"
    path.write_bytes(b"dear")
    (tmp_path / "show-2.mp4").write_bytes(b"dear, too")
    hub = HandHub()
    recorder = record(path, hub)
    hub.show(5)
    recorder.close()
    assert path.read_bytes() == b"dear"
    assert recorder.files == (tmp_path / "show-3.mp4",)
    assert len(read(recorder.files[0])[0]) == 5


FULL = """
import logging, resource, sys, threading
from pathlib import Path
from live.stream.recorder import Recorder, RecorderSettings
from tests.live.stream.tapped import HandHub
logging.basicConfig(level=logging.WARNING, format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
hub = HandHub()
recorder = Recorder(RecorderSettings(Path(sys.argv[1])))
recorder.start(hub)
while recorder.trouble is None:
    hub.show(5)
hub.show(30)  # the show goes on
recorder.close()
assert hub.closed
print(recorder.trouble)
"""


def test_a_full_disk_ends_the_recording_and_not_the_show(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    command = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    said = [line for line in done.stderr.splitlines() if "recording" in line]
    assert len(said) == 1, done.stderr
    assert done.stdout.strip() in said[0]
    assert str(path) in said[0]
    assert "File too large" in said[0]
    assert path.stat().st_size <= 100_000
    pictures, _ = read(path)
    assert [read_number(one) for one in pictures] == list(range(len(pictures)))
    assert len(pictures) >= 15


@pytest.mark.parametrize("folder", ["missing", "/sys"])
def test_a_place_that_cannot_be_written(
    folder: str, tmp_path: Path, record: Start, caplog: pytest.LogCaptureFixture
) -> None:
    hub = HandHub()
    recorder = record(tmp_path / folder / "show.mp4", hub)
    hub.show(3)
    until(lambda: recorder.trouble is not None)
    hub.show(3)
    recorder.close()
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert len(errors) == 1
    assert recorder.trouble is not None
    assert str(Path(folder) / "show.mp4") in recorder.trouble
    assert hub.closed
    assert recorder.files == ()
    assert list(tmp_path.iterdir()) == []


def until(what: Callable[[], bool]) -> None:
    """Wait for another thread."""
    for _ in range(2000):
        if what():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_a_failure_half_way_keeps_what_is_whole(tmp_path: Path) -> None:
    hub = HandHub()
    recording = Recording(tmp_path / "show.mp4", hub.code(), sound=False)
    for _ in range(40):
        recording.write(hub.code())
    whole = recording.path.stat().st_size
    with open(recording.path, "ab") as file:
        file.write(b"half a fragment")
    recording._disk._file.seek(0, 2)
    recording.abandon()
    assert recording.path.stat().st_size == whole
    assert len(read(recording.path)[0]) >= 15


def test_a_file_that_is_cut_anywhere_plays_up_to_its_last_whole_fragment(tmp_path: Path) -> None:
    hub, ends = HandHub(), [0]
    recording = Recording(tmp_path / "show.mp4", hub.code(), sound=False)
    for _ in range(80):
        recording.write(hub.code())
        ends.append(recording.path.stat().st_size)
    recording.close()
    data = recording.path.read_bytes()
    cut = tmp_path / "cut.mp4"
    for length in range(ends[40], ends[-1], (ends[-1] - ends[40]) // 9):
        cut.write_bytes(data[:length])
        whole = max(number for number, end in enumerate(ends) if end <= length) - 16
        assert len(read_what_is_there(cut)) >= whole, length


def read_what_is_there(path: Path) -> list[int]:
    """Numbers of the pictures before the file breaks off."""
    found = []
    with av.open(str(path)) as container:
        try:
            for frame in container.decode(video=0):
                found.append(read_number(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
        except av.error.InvalidDataError:
            pass
    assert found == list(range(len(found)))
    return found


class StuckDisk(Recorder):
    """Its disk takes nothing until it is let."""

    def __init__(self, settings: RecorderSettings, longest: int) -> None:
        super().__init__(settings, longest)
        self.let = threading.Event()
        self.stuck = threading.Event()

    def _write(self, item: object) -> None:
        self.stuck.set()
        self.let.wait(10)
        super()._write(item)  # type: ignore[arg-type]


def test_a_slow_disk_costs_pictures_up_to_the_next_key_frame(tmp_path: Path) -> None:
    hub = HandHub()
    recorder = StuckDisk(RecorderSettings(tmp_path / "show.mp4"), longest=10)
    recorder.start(hub)
    hub.show(1)
    assert recorder.stuck.wait(10)
    hub.show(20)  # ten wait, ten are lost
    assert (recorder.dropped, recorder._waiting.qsize()) == (10, 10)
    assert hub.asked >= 1
    recorder.let.set()
    while recorder._waiting.qsize():
        recorder._thread.join(0.01)
    hub.ask_key_frame()
    hub.show(10)
    recorder.close()
    pictures, times_s = read(recorder.files[0])
    assert [read_number(one) for one in pictures] == [*range(11), *range(21, 31)]
    np.testing.assert_allclose(times_s[11], 21 / 30, atol=1e-4)
    assert psnr_db(pictures[-1], pattern(30, (128, 192))) > 24


class Whistle:
    """A sound of which the test sends each 20 ms by hand."""

    def __init__(self) -> None:
        self.put: Callable[[Heard], None] = lambda heard: None
        self.closed = False
        self._encoder = OpusEncoder()
        self._blocks = 0

    def tap(self, put: Callable[[Heard], None]) -> Callable[[], None]:
        self.put = put
        return self.close

    def close(self) -> None:
        self.closed = True

    def sound(self, at_s: float, tone: bool) -> None:
        times = np.arange(BLOCK) / RATE_HZ
        wave = np.sin(2 * np.pi * 1000 * times) * 12_000 * tone
        samples = np.repeat(wave[:, None], 2, axis=1).astype(np.int16)
        packet = self._encoder.encode(samples, 9600 + self._blocks * BLOCK)
        self._blocks += 1
        self.put(Heard(packet, at_s))


def test_sound_is_recorded_in_step(tmp_path: Path, record: Start) -> None:
    hub, whistle = HandHub(fps=50.0), Whistle()
    recorder = record(tmp_path / "show.mp4", hub, whistle)
    for number in range(100):  # 20 ms each; the tone lasts from 1.0 to 1.5 s
        whistle.sound(hub.origin_s - 0.1 + number / 50, tone=55 <= number < 80)
        hub.show(1)
    recorder.close()
    assert whistle.closed
    heard, at_s = loudness(recorder.files[0])
    loud = at_s[heard > 1000]
    np.testing.assert_allclose([loud[0], loud[-1]], [1.0, 1.5], atol=0.01)
    pictures, times_s = read(recorder.files[0])
    np.testing.assert_allclose(times_s[50], 1.0, atol=1e-4)
    assert read_number(pictures[50]) == 50


def loudness(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean level of each 2.5 ms of the file's sound, and when it begins, seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    levels, times = [], []
    for frame in frames:
        samples = np.abs(frame.to_ndarray()[0].astype(float))
        samples = samples * (32768 if frame.format.name.startswith("flt") else 1)
        for start in range(0, samples.size - 119, 120):
            levels.append(samples[start : start + 120].mean())
            times.append(float(frame.time or 0) + start / RATE_HZ)
    return np.array(levels), np.array(times)


def test_a_sound_that_stops_does_not_hold_the_pictures(tmp_path: Path, record: Start) -> None:
    hub, whistle = HandHub(), Whistle()
    recorder = record(tmp_path / "show.mp4", hub, whistle)
    whistle.sound(hub.origin_s, tone=True)
    hub.show(90)
    while recorder._waiting.qsize():
        recorder._thread.join(0.01)
    pictures, _ = read(recorder.files[0])  # not closed: as a kill would leave it
    assert len(pictures) >= 45
    recorder.close()
    assert len(read(recorder.files[0])[0]) == 90


def test_close_is_idempotent_and_may_come_before_the_start(tmp_path: Path) -> None:
    recorder = Recorder(RecorderSettings(tmp_path / "show.mp4"))
    recorder.close()
    recorder.start(HandHub())
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []  # nothing was shown


def test_parameter_sets_are_found() -> None:
    packet = bytes(HandHub().code().packet)
    assert [unit[0] & 0x1F for unit in parameter_sets(packet)] == [7, 8]
    assert parameter_sets(b"") == ()


def test_names_count_up() -> None:
    names = free_names(Path("a/show.mp4"))
    assert [next(names).name for _ in range(3)] == ["show.mp4", "show-2.mp4", "show-3.mp4"]


def settings(*arguments: str) -> RecorderSettings | None:
    parser = argparse.ArgumentParser()
    add_recorder_arguments(parser)
    return recorder_settings(parser.parse_args(arguments))


def test_the_options(tmp_path: Path) -> None:
    assert settings() is None
    assert settings("--record", str(tmp_path / "a.MP4")) == RecorderSettings(tmp_path / "a.MP4")
    with pytest.raises(SetupError, match=r"ends in .mp4"):
        settings("--record", str(tmp_path / "a.mkv"))
    with pytest.raises(SetupError, match="no folder"):
        settings("--record", str(tmp_path / "b" / "a.mp4"))
    with pytest.raises(SetupError, match="/proc cannot be written"):
        settings("--record", "/proc/a.mp4")
