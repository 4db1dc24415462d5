"""A webcam as a source, through OpenCV: V4L2 on Linux, DirectShow on Windows, AVFoundation
on macOS."""

from __future__ import annotations

import glob
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from live.errors import SourceError
from live.frames import Image
from live.sources.base import SourceSettings, Timebase
from live.sources.watched import Limits, WatchedSource

log = logging.getLogger(__name__)

BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...  # noqa: N802 (OpenCV's name)
    def set(self, property: int, value: float, /) -> bool: ...
    def get(self, property: int, /) -> float: ...
    def read(self) -> tuple[bool, object]: ...
    def release(self) -> None: ...


OpenCapture = Callable[[int], Capture]
ListDevices = Callable[[], list[str] | None]
"""The cameras' device files; None on a system that does not list them as files."""
NameOf = Callable[[int], str | None]
"""What the camera of that index calls itself; None where it gives no pictures or is not known."""


def open_camera(
    settings: SourceSettings,
    time: Timebase,
    open_capture: OpenCapture | None = None,
    list_devices: ListDevices | None = None,
    name_of: NameOf | None = None,
) -> WatchedSource:
    """Camera `settings.where`, warm and watched. Raises `SourceError` when absent or busy.

    One that is replugged is found again under another index, by the name it gives itself.
    """
    opener = CameraOpener(
        settings,
        open_capture or camera_capture,
        list_devices or video_devices,
        name_of or camera_name,
    )
    limits = Limits(
        stale_after_s=settings.stale_after_s,
        open_timeout_s=settings.open_timeout_s,
        watch_content=True,
        expected_fps=settings.camera_fps,
    )
    return WatchedSource(opener.name, opener, limits, time)


class CameraOpener:
    """Opens the camera, each time anew, and under another index where it has got another."""

    def __init__(
        self,
        settings: SourceSettings,
        open_capture: OpenCapture,
        list_devices: ListDevices,
        name_of: NameOf,
    ) -> None:
        self.index = int(settings.where)
        self.name = f"camera {self.index}"
        self._settings = settings
        self._open_capture = open_capture
        self._list_devices = list_devices
        self._name_of = name_of
        self._known_as: str | None = None  # what the camera that was opened calls itself

    def __call__(self) -> CameraDevice:
        capture = self._open()
        self._ask(capture)
        device = CameraDevice(self.name, capture)
        try:
            self._warm_up(device)
        except BaseException:
            device.close()
            raise
        return device

    def _open(self) -> Capture:
        """The first that opens of those that may be our camera."""
        for index in self._candidates():
            capture = self._open_capture(index)
            if capture.isOpened():
                if index != self.index:
                    log.warning("%s is now at index %d", self.name, index)
                self.index = index
                self._known_as = self._known_as or self._name_of(index)
                return capture
            capture.release()
        raise SourceError(self._why_not())

    def _candidates(self) -> list[int]:
        """Indices to try. Replugged, a camera gets another one where its old one is still held,
        and another camera may have taken that: who bears its name comes first."""
        if self._known_as is None:
            return [self.index]
        numbers = [camera_number(path) for path in self._list_devices() or ()]
        named = [n for n in numbers if n is not None and self._name_of(n) == self._known_as]
        return sorted({*named, self.index}, key=lambda n: (n not in named, n != self.index, n))

    def _warm_up(self, device: CameraDevice) -> None:
        for _ in range(self._settings.warm_frames):
            device.read()

    def _ask(self, capture: Capture) -> None:
        """Ask for MJPG first: uncompressed pictures fill USB 2 above 640x480 at 30 fps."""
        asked = self._settings
        capture.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG")))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, asked.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, asked.height)
        capture.set(cv2.CAP_PROP_FPS, asked.camera_fps)
        width, height = (
            int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if (width, height) != (asked.width, asked.height):
            log.info(
                "%s gives %dx%d, %dx%d was asked for",
                self.name, width, height, asked.width, asked.height,
            )  # fmt: skip

    def _why_not(self) -> str:
        """What to tell the person whose camera does not open."""
        present = self._list_devices()
        path = f"/dev/video{self.index}"
        if present is None and sys.platform == "darwin":
            return (
                f"{self.name} does not open; allow it in System Settings, Privacy & Security, "
                "Camera, for the program you type this in and start again, or close other programs "
                "that use it"
            )
        if present is None:
            return f"{self.name} does not open; close other programs that use it, or try another"
        if not present:
            return (
                f"{self.name} is not there and no other is; plug one in, give --source FILE, or "
                "make a phone the camera: --source browser --host 0.0.0.0 --tls auto"
            )
        if path not in present:
            there = ", ".join(present)
            return f"{self.name} is not there; present: {there}; give --camera one of these numbers"
        if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
            return f"{self.name} ({path}) may not be opened by this user; join the group 'video'"
        return (
            f"{self.name} ({path}) is busy or gives no video; close the program that uses it "
            f"('fuser {path}' names it), or try another of {', '.join(present)}"
        )


class CameraDevice:
    """An open camera."""

    def __init__(self, name: str, capture: Capture) -> None:
        self._name = name
        self._capture = capture

    def read(self) -> Image | None:
        ok, image = self._capture.read()
        if not ok or not isinstance(image, np.ndarray) or image.size == 0:
            raise SourceError(
                f"{self._name} is open but gives no picture: unplugged, or used by another "
                "program; replug it or close that program"
            )
        if image.ndim == 2:  # an infrared camera
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
        return image

    def close(self) -> None:
        self._capture.release()


def camera_capture(index: int) -> Capture:
    """The real camera. OpenCV's own lines on failure say less than ours: silence them."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(index, BACKENDS.get(sys.platform, cv2.CAP_ANY))


def video_devices() -> list[str] | None:
    """`/dev/video0`, ... in order of number; None where cameras are no files."""
    if not sys.platform.startswith("linux"):
        return None
    return sorted(glob.glob("/dev/video*"), key=lambda path: (len(path), path))


def camera_number(path: str) -> int | None:
    """What is behind `--camera` for that device file: 7 for `/dev/video7`. None for any other."""
    digits = path.removeprefix("/dev/video")
    return int(digits) if digits.isdecimal() else None


def camera_name(index: int, folder: Path = Path("/sys/class/video4linux")) -> str | None:
    """What it calls itself, as Linux has it; None elsewhere.

    A camera has several device files; only the first one gives pictures.
    """
    place = folder / f"video{index}"
    try:
        if (place / "index").read_text(encoding="utf-8").strip() != "0":
            return None
        return (place / "name").read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
