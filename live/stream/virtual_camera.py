"""The show as a webcam that other programs can choose: the home of pyvirtualcam."""

from __future__ import annotations

import logging
import re
import sys
import time
from argparse import Namespace
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from live.arguments import Arguments
from live.errors import SetupError, StreamError, UnderstudyError
from live.frames import Image, Picture
from live.latest import Latest
from live.stage import Stage
from live.stream.virtual_device import OpenDevice, Size, VirtualDevice, device_size, letterbox
from live.timing import Clock

log = logging.getLogger(__name__)

PROBE: Size = (480, 640)
"""Opened and closed before the show, so that a missing driver is told then."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
STEADY_S = 10.0
"""It has worked for so long since it was opened: what failed before is past."""
CLOSE_S = 2.0

_DRIVERS = {
    "linux": "install v4l2loopback (Debian: apt-get install v4l2loopback-dkms) and load it: "
    "sudo modprobe v4l2loopback exclusive_caps=1",
    "win32": "install OBS Studio, whose virtual camera is used",
    "darwin": "install OBS Studio 30 or later, start its virtual camera once and allow it in "
    "System Settings",
}
_REMEDIES = {
    "permission": "sudo usermod -aG video $USER, then log out and in again",
    "in use": "end the program that writes to it, or name another one",
    "busy": "end the program that writes to it, or name another one",
    "does not exist": "give one that exists, or no name for the first that is free",
    "not a": "give a v4l2loopback device, or no name for the first that is free",
    "could not be queried": "give a v4l2loopback device, or no name for the first that is free",
    "supports only": "give no name",
}
"""By a word of pyvirtualcam's own reason; for every other, the driver is missing."""


@dataclass(frozen=True, slots=True)
class VirtualCameraSettings:
    """Which virtual webcam shows the picture."""

    device: str | None = None  # "/dev/video10", "OBS Virtual Camera"; None: the first that is free
    fps: float = 30.0  # pictures per second; a hint to the driver, no limit

    def __post_init__(self) -> None:
        if not 1 <= self.fps <= 240:
            raise SetupError(f"a virtual camera of {self.fps} fps: give 1 to 240")


def add_virtual_camera_arguments(parser: Arguments) -> None:
    """`--virtual-camera`."""
    parser.add_argument(
        "--virtual-camera",
        nargs="?",
        const="",
        metavar="NAME",
        help="show the picture as a webcam to other programs; NAME picks one, as /dev/video10",
    )


def virtual_camera_settings(found: Namespace) -> VirtualCameraSettings | None:
    """The settings from what `add_virtual_camera_arguments` added; None without it."""
    name: str | None = found.virtual_camera
    return None if name is None else VirtualCameraSettings(name.strip() or None)


class VirtualCamera:
    """Sends the newest picture to a virtual webcam, in a thread of its own.

    The first picture fixes the webcam's size. A webcam that fails is opened again, more and more
    patiently; the show goes on meanwhile.
    """

    def __init__(
        self, pictures: Latest[Picture], open_device: OpenDevice, clock: Clock = time.monotonic
    ) -> None:
        self.sent = 0  # pictures
        self._pictures = pictures
        self._open_device = open_device
        self._clock = clock
        self._size: Size | None = None
        self._device: VirtualDevice | None = None
        self._opened_s = self._retry_s = float("-inf")
        self._failures = 0  # since it last worked for `STEADY_S`
        self._stage = Stage("virtual camera", self._step, self._on_end)

    def start(self) -> None:
        """Begin. Once only. Raises `SetupError` where there is no virtual webcam."""
        self._open_device(PROBE).close()
        self._stage.start()

    def close(self) -> None:
        """Give the webcam back. May be called twice, and before `start`."""
        self._pictures.close()
        if not self._stage.join(CLOSE_S):
            log.warning("the virtual camera did not end within %.0f s; leaving it", CLOSE_S)

    def _step(self) -> None:
        picture = self._pictures.take()
        if picture is None or self._clock() < self._retry_s:
            return
        try:
            self._send(picture.image)
        except UnderstudyError as error:
            self._fail(error)

    def _send(self, image: Image) -> None:
        if self._size is None:
            self._size = device_size((image.shape[0], image.shape[1]))
        if self._device is None:
            self._device = self._open_device(self._size)
            self._opened_s = self._clock()
            log.info("other programs find the picture in the webcam %s", self._device.name)
        self._device.send(letterbox(image, self._size))
        self.sent += 1
        if self._failures and self._clock() - self._opened_s >= STEADY_S:
            log.info("the virtual camera works again")
            self._failures = 0

    def _fail(self, error: UnderstudyError) -> None:
        self._failures += 1
        if self._failures == 1:
            log.error("%s; the show goes on, and it is tried again", error)
        self._retry_s = self._clock() + wait_s(self._failures)
        self._let_go()

    def _let_go(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.close()

    def _on_end(self, stage: Stage) -> None:
        self._let_go()


def wait_s(failures: int) -> float:
    """How long to wait after so many failures in a row (1 or more), seconds."""
    return float(min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 30), LONGEST_WAIT_S))


def open_virtual_device(settings: VirtualCameraSettings) -> OpenDevice:
    """What opens the system's own webcam. Raises `SetupError` where pyvirtualcam is missing."""
    package = _import_pyvirtualcam()
    name = settings.device

    def opened(size: Size) -> VirtualDevice:
        nonlocal name
        height, width = size
        try:
            camera = package.Camera(width, height, settings.fps, device=name)
        except (RuntimeError, ValueError, OSError) as error:
            raise SetupError(refusal(str(error), sys.platform)) from error
        name = camera.device  # the next time the same one, not another that is free then
        return _Device(camera)

    return opened


class _Device:
    """A `VirtualDevice` over pyvirtualcam's."""

    def __init__(self, camera: Any) -> None:
        self.name: str = camera.device
        self._camera = camera

    def send(self, image: Image) -> None:
        try:
            self._camera.send(image)
        except (RuntimeError, ValueError, OSError) as error:
            raise StreamError(
                f"the virtual camera {self.name} took no picture ({error})"
            ) from error

    def close(self) -> None:
        self._camera.close()


def refusal(reason: str, platform: str) -> str:
    """pyvirtualcam's `reason`, a line for each way it tried, in one sentence with the remedy."""
    lines = [re.sub(r"^'\w+' backend: ", "", line) for line in reason.splitlines()]
    said = ", ".join(re.split(r"[.!?](?:\s|$)", line)[0] for line in lines)
    driver = _DRIVERS.get(platform, "pyvirtualcam knows Linux, Windows and macOS only")
    remedy = next((how for word, how in _REMEDIES.items() if word in said), driver)
    return f"--virtual-camera cannot be used ({said or 'no driver'}): {remedy}"


def _import_pyvirtualcam() -> ModuleType:
    try:
        import pyvirtualcam  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise SetupError(
            "--virtual-camera needs pyvirtualcam, which is not installed: pip install pyvirtualcam"
        ) from error
    except ImportError as error:
        raise SetupError(f"pyvirtualcam does not load ({error}); install it again") from error
    assert isinstance(pyvirtualcam, ModuleType)
    return pyvirtualcam
