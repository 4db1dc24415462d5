"""The virtual webcam: pyvirtualcam's own refusal for real, the rest with the fake."""

from __future__ import annotations

import argparse
import builtins
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from live.errors import SetupError, StreamError
from live.frames import Image, Picture
from live.latest import Latest
from live.stream.virtual_camera import (
    PROBE,
    VirtualCamera,
    VirtualCameraSettings,
    add_virtual_camera_arguments,
    open_virtual_device,
    refusal,
    virtual_camera_settings,
    wait_s,
)
from live.stream.virtual_device import FakeVirtualDevice, device_size, letterbox
from tests.live.stream.pattern import pattern

PATIENCE_S = 20.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Rig:
    """A virtual camera over the fake, one picture at a time: each `show` returns once it is dealt
    with."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.device = FakeVirtualDevice()
        self.taken = threading.Semaphore(0)
        self.pictures = _Told(self.taken)
        self.camera = VirtualCamera(self.pictures, self.device.open, self.clock)
        self._number = 0

    def start(self) -> None:
        self.camera.start()
        assert self.taken.acquire(timeout=PATIENCE_S)  # it waits for the first picture

    def show(self, image: Image) -> None:
        self._number += 1
        self.pictures.put(Picture(image, self.clock(), self._number, "generated"))
        assert self.taken.acquire(timeout=PATIENCE_S)  # it waits for the next


class _Told(Latest[Picture]):
    """Tells when its reader comes back for more."""

    def __init__(self, asked: threading.Semaphore) -> None:
        super().__init__()
        self._asked = asked

    def take(self, timeout_s: float | None = None) -> Picture | None:
        self._asked.release()
        return super().take(timeout_s)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.camera.close()
    assert made.device.open_now == 0


def test_it_sends_the_very_pictures(rig: Rig) -> None:
    rig.start()
    for number in range(5):
        rig.show(pattern(number))
    assert rig.device.opened == [PROBE, (256, 256)]
    assert rig.camera.sent == 5
    for number, sent in enumerate(rig.device.sent):
        assert np.array_equal(sent, pattern(number))


def test_the_first_picture_fixes_the_size(rig: Rig, pictures: Path) -> None:
    rig.start()
    rig.show(pattern(1, (256, 256)))
    rig.show(pattern(2, (512, 256)))
    rig.show(pattern(3, (90, 160)))
    rig.show(pattern(4, (256, 256)))
    assert rig.device.opened == [PROBE, (256, 256)]
    assert [sent.shape for sent in rig.device.sent] == [(256, 256, 3)] * 4
    tall = rig.device.sent[1]
    assert not tall[:, :64].any()
    assert not tall[:, 192:].any()
    assert np.abs(tall[128, 64:192].mean(0) - pattern(2, (512, 256))[256].mean(0)).max() < 3


def test_an_odd_size_is_padded_and_not_blurred(rig: Rig) -> None:
    rig.start()
    image = pattern(9, (241, 135))
    rig.show(image)
    assert rig.device.opened[-1] == (242, 160)
    assert np.array_equal(rig.device.sent[0][0:241, 12:147], image)


def test_a_missing_driver_is_told_at_the_start(rig: Rig) -> None:
    rig.device.missing = True
    with pytest.raises(SetupError, match="no virtual camera"):
        rig.camera.start()


def test_a_failure_is_said_once_and_mended_with_patience(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rig.start()
    rig.show(pattern(0))
    rig.device.broken = True
    tries: list[float] = []
    for _ in range(100):
        before = len(rig.device.opened)
        rig.show(pattern(1))
        if len(rig.device.opened) > before:
            tries.append(rig.clock.now_s)
        rig.clock.now_s += 0.5
    assert [b - a for a, b in zip([100.0, *tries], tries, strict=False)] == [0.5, 1, 2, 4, 8, 16]
    rig.device.broken = False
    rig.clock.now_s += 30
    for _ in range(30):
        rig.show(pattern(2))
        rig.clock.now_s += 0.5
    assert len(rig.device.sent) == 31
    said = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert said == [
        "the virtual camera took no picture; the show goes on, and it is tried again",
    ]
    assert "the virtual camera works again" in caplog.text
    assert rig.device.open_now == 1


def test_a_driver_that_goes_and_comes_back(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.start()
    rig.show(pattern(0))
    rig.device.broken = rig.device.missing = True
    for _ in range(10):
        rig.show(pattern(1))
        rig.clock.now_s += 60
    rig.device.broken = rig.device.missing = False
    rig.show(pattern(2))
    assert np.array_equal(rig.device.sent[-1], pattern(2))
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == 1


def test_it_may_be_closed_before_it_starts_and_twice(rig: Rig) -> None:
    rig.camera.close()
    rig.camera.close()


def test_the_wait_grows_to_its_limit() -> None:
    assert [wait_s(failures) for failures in (1, 2, 3, 7, 1000)] == [0.5, 1, 2, 30, 30]


@pytest.mark.parametrize("size", [(1, 1), (241, 135), (256, 256), (720, 1280), (1081, 1919)])
def test_sizes_hold_the_picture_and_are_ones_that_drivers_take(size: tuple[int, int]) -> None:
    height, width = device_size(size)
    assert height >= size[0] > height - 2
    assert width >= size[1] > width - 32
    assert (height % 2, width % 32) == (0, 0)
    image = np.full((*size, 3), 200, np.uint8)
    boxed = letterbox(image, (height, width))
    assert boxed.flags.c_contiguous
    assert int(boxed.sum()) == int(image.sum())


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (2, 2), (300, 301)])
def test_any_picture_fits(size: tuple[int, int]) -> None:
    boxed = letterbox(np.full((*size, 3), 200, np.uint8), (256, 320))
    assert boxed.shape == (256, 320, 3)
    assert boxed.max() == 200


# What is asked for.


def parsed(*arguments: str) -> VirtualCameraSettings | None:
    parser = argparse.ArgumentParser()
    add_virtual_camera_arguments(parser)
    return virtual_camera_settings(parser.parse_args(arguments))


def test_the_command_line() -> None:
    assert parsed() is None
    assert parsed("--virtual-camera") == VirtualCameraSettings(None)
    assert parsed("--virtual-camera", "/dev/video10") == VirtualCameraSettings("/dev/video10")
    with pytest.raises(SetupError, match="0 fps"):
        VirtualCameraSettings(fps=0)


# pyvirtualcam itself.


@pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux' driver")
@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there may be a driver")
def test_without_a_driver_the_real_package_is_turned_into_one_sentence() -> None:
    pictures: Latest[Picture] = Latest()
    camera = VirtualCamera(pictures, open_virtual_device(VirtualCameraSettings()))
    with pytest.raises(SetupError) as told:
        camera.start()
    assert str(told.value) == (
        "--virtual-camera cannot be used (No v4l2 loopback device found at /dev/video[0-99]): "
        "install v4l2loopback (Debian: apt-get install v4l2loopback-dkms) and load it: "
        "sudo modprobe v4l2loopback exclusive_caps=1"
    )
    camera.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux' driver")
@pytest.mark.parametrize(
    ("name", "words"),
    [("/dev/video99", "does not exist.*exists, or no name"), ("/dev/null", "v4l2loopback device")],
)
def test_a_name_that_is_no_virtual_camera(name: str, words: str) -> None:
    opened = open_virtual_device(VirtualCameraSettings(name))
    with pytest.raises(SetupError, match=words):
        opened(PROBE)


class Paper:
    """A backend of pyvirtualcam's own kind, which it calls as it calls a driver."""

    frames: ClassVar[list[Image]] = []
    asked: ClassVar[list[str | None]] = []
    broken = False

    def __init__(
        self, *, width: int, height: int, fps: float, fourcc: int, device: str | None
    ) -> None:
        Paper.asked.append(device)
        self._shape = height, width, 3

    def device(self) -> str:
        return "Paper 1"

    def native_fourcc(self) -> int | None:
        return None

    def send(self, frame: Image) -> None:
        if Paper.broken:
            raise RuntimeError("torn")
        Paper.frames.append(frame.reshape(self._shape).copy())

    def close(self) -> None:
        Paper.asked.append("closed")


def test_the_real_package_sends_rgb_and_keeps_to_its_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyvirtualcam.camera.BACKENDS", {"paper": Paper})
    opened = open_virtual_device(VirtualCameraSettings())
    device = opened((256, 256))
    device.send(pattern(5))
    assert device.name == "Paper 1"
    assert np.array_equal(Paper.frames[0], pattern(5))
    monkeypatch.setattr(Paper, "broken", True)
    with pytest.raises(StreamError, match=r"Paper 1 took no picture \(torn\)"):
        device.send(pattern(6))
    device.close()
    opened((256, 256)).close()
    assert Paper.asked == [None, "closed", "Paper 1", "closed"]


@pytest.mark.parametrize(
    ("platform", "reason", "words"),
    [
        (
            "win32",
            "'obs' backend: OBS Virtual Camera device not found! Did you install OBS?\n"
            "'unitycapture' backend: No camera registered. Did you install any camera?",
            "(OBS Virtual Camera device not found, No camera registered): install OBS Studio",
        ),
        (
            "darwin",
            "'obs' backend: OBS Virtual Camera is not installed in your system. Use the Virtual "
            "Camera function in OBS 30.0 or later to trigger the installation",
            "allow it in System Settings",
        ),
        (
            "linux",
            "'v4l2loopback' backend: Could not access /dev/video10 due to missing permissions. Did "
            "you add your user to the 'video' group?",
            "usermod -aG video",
        ),
        (
            "linux",
            "'v4l2loopback' backend: Virtual camera device /dev/video10 could not be configured: "
            "Device or resource busy",
            "end the program that writes to it",
        ),
        ("freebsd14", "", "(no driver): pyvirtualcam knows Linux, Windows and macOS only"),
    ],
)
def test_each_systems_refusal_in_one_sentence(platform: str, reason: str, words: str) -> None:
    told = refusal(reason, platform)
    assert words in told
    assert "\n" not in told
    assert "Did you" not in told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'pyvirtualcam'"), "pip install pyvirtualcam"),
        (ImportError("libfoo.so is missing"), r"does not load \(libfoo.so is missing\)"),
    ],
)
def test_without_the_package(
    monkeypatch: pytest.MonkeyPatch, error: ImportError, words: str
) -> None:
    plain: Callable[..., Any] = builtins.__import__

    def fail(name: str, *more: Any, **named: Any) -> Any:
        if name == "pyvirtualcam":
            raise error
        return plain(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(SetupError, match=words):
        open_virtual_device(VirtualCameraSettings())
