"""Cameras that are well, absent, black, frozen, slow or hung; clips, addresses and phones."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from live.doctor import cameras, source
from live.doctor.finding import Verdict
from live.doctor.list_cameras import cameras_say, list_cameras
from live.doctor.source import look_at_source
from live.sources import camera
from tests.live.doctor.plans import looked, plan_of
from tests.live.sources.clips import steady_ms, write_clip
from tests.live.sources.fakecamera import BUSY, HANG, Bench, Step, frozen, moving

SIZE = ("--camera-size", "32x24")


def frame_time(seconds: float = 1 / 30) -> Callable[[], object]:
    return lambda: threading.Event().wait(seconds)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Put a camera on the bench; OpenCV's capture is the one thing that is not real."""

    def put(script: Callable[[], Iterable[Step]] | None, tick_s: float = 1 / 30) -> Bench:
        bench = Bench(script, tick=frame_time(tick_s))
        monkeypatch.setattr(camera, "camera_capture", bench.open)
        monkeypatch.setattr(camera, "video_devices", lambda: ["/dev/video0", "/dev/video1"])
        monkeypatch.setattr(camera, "camera_name", {0: "A webcam"}.get)
        return bench

    return put


def black() -> Iterable[Step]:
    """A covered lens: noise and nothing else."""
    rng = np.random.default_rng(0)
    while True:
        yield rng.integers(0, 4, (24, 32, 3), np.uint8)


def test_one_that_is_well(subject: Path, plug: Callable[..., Bench]) -> None:
    bench = plug(lambda: moving(1))
    found = looked(look_at_source, plan_of(subject, *SIZE, "--camera-fps", 30, source=0))
    # A busy test machine may make it slow: then that is said, and it is no fault of the doctor's.
    assert found.verdict is not Verdict.WRONG and "camera 0 gives 32x24" in found.what
    assert bench.released == bench.openings


def test_another_size_than_was_asked_for(subject: Path, plug: Callable[..., Bench]) -> None:
    plug(lambda: moving(1))
    found = looked(look_at_source, plan_of(subject, source=0))
    assert found.verdict is Verdict.CAREFUL


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (black, "camera 0 shows black"),
        (lambda: frozen(1), "repeats the same picture"),
        (lambda: itertools.chain(moving(1, 8), [HANG]), "gives no picture for"),
        (lambda: moving(1, 2), "gives no picture"),
        (lambda: [HANG], "gives no picture within 4 s"),
        (BUSY, "camera 0 (/dev/video0) is busy"),
    ],
)
def test_one_that_is_not(
    subject: Path,
    plug: Callable[..., Bench],
    script: Callable[[], Iterable[Step]] | None,
    says: str,
) -> None:
    bench = plug(script)
    found = looked(look_at_source, plan_of(subject, *SIZE, source=0))
    bench.cleared.set()
    assert found.verdict is Verdict.WRONG
    assert says in found.what and found.remedy


def test_one_that_is_slow(subject: Path, plug: Callable[..., Bench]) -> None:
    plug(lambda: moving(1), tick_s=0.1)
    found = looked(look_at_source, plan_of(subject, *SIZE, source=0))
    assert found.verdict is Verdict.CAREFUL
    assert "30 were asked for" in found.what and "more light" in found.remedy


def test_one_that_is_not_there(subject: Path, plug: Callable[..., Bench]) -> None:
    plug(BUSY)
    found = looked(look_at_source, plan_of(subject, source=7))
    assert found.verdict is Verdict.WRONG and "camera 7 is not there" in found.what


def test_none_is_named(subject: Path, plug: Callable[..., Bench]) -> None:
    plug(lambda: moving(1))
    found = looked(look_at_source, plan_of(subject, source_named=False))
    assert found.verdict is Verdict.CAREFUL and "give --camera 0" in found.remedy
    assert found.details == ("--camera 0: A webcam, 32x24 at 30",)


def test_none_is_named_and_none_is_there(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "video_devices", list)
    found = looked(look_at_source, plan_of(subject, source_named=False))
    assert found.verdict is Verdict.CAREFUL and "--source browser" in found.remedy


def test_a_clip_and_what_is_none(subject: Path, tmp_path: Path) -> None:
    found = looked(look_at_source, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and "performer.mp4 gives 512x512" in found.what
    found = looked(look_at_source, plan_of(subject, source=tmp_path / "none.mp4"))
    assert found.verdict is Verdict.WRONG and found.remedy == "check the path"


def test_a_clip_that_is_played_once(subject: Path, tmp_path: Path) -> None:
    """It ends before the doctor is done with it."""
    clip = write_clip(tmp_path / "short.mp4", steady_ms(20))
    assert looked(look_at_source, plan_of(subject, "--once", source=clip)).verdict is Verdict.RIGHT


def test_an_address_where_nobody_answers(subject: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"http://127.0.0.1:{port}/film.mp4"
        found = looked(look_at_source, plan_of(subject, source=url))
    assert found.verdict is Verdict.WRONG and "cannot be opened" in found.what


@pytest.mark.parametrize(
    ("arguments", "verdict", "says"),
    [
        ([], Verdict.WRONG, "--host 0.0.0.0 --tls auto"),
        (["--host", "0.0.0.0"], Verdict.WRONG, "--tls auto"),
        (["--host", "0.0.0.0", "--tls", "auto"], Verdict.RIGHT, "/camera"),
    ],
)
def test_a_phone(subject: Path, arguments: list[str], verdict: Verdict, says: str) -> None:
    found = looked(look_at_source, plan_of(subject, *arguments, source="browser"))
    assert found.verdict is verdict and says in found.what + found.remedy
    assert "#" not in found.what, "the key is nobody's business"


def test_the_list(plug: Callable[..., Bench]) -> None:
    plug(lambda: moving(1))
    assert list_cameras() == "--camera 0: A webcam, 32x24 at 30"
    plug(BUSY)
    assert "another program uses it" in list_cameras()


def test_the_list_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows and macOS: those that open are there."""
    bench = Bench(lambda: moving(1))
    monkeypatch.setattr(camera, "video_devices", lambda: None)
    monkeypatch.setattr(camera, "camera_name", lambda index: None)
    monkeypatch.setattr(camera, "camera_capture", lambda index: bench.open(index) if index < 2 else
                        Bench(BUSY).open(index))  # fmt: skip
    assert [found.index for found in cameras.find_cameras()] == [0, 1]


def test_one_that_hangs_is_still_listed(
    plug: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(lambda: moving(1))
    end = threading.Event()
    monkeypatch.setattr(camera, "camera_capture", lambda index: end.wait())
    monkeypatch.setattr(cameras, "OPEN_S", 0.05)
    assert "does not open" in list_cameras()
    end.set()


@pytest.mark.parametrize(("platform", "says"), [("linux", "/dev/video0"), ("darwin", "Privacy")])
def test_no_camera_at_all(platform: str, says: str) -> None:
    said = cameras_say([], platform)
    assert said.startswith("There is no camera") and says in said and "--source browser" in said


def test_the_limit_is_longer_than_what_is_waited_for() -> None:
    assert source.LIMIT_S > source.OPEN_S + source.WATCHED_S
