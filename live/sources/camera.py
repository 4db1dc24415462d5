"""A webcam as a source, through OpenCV: V4L2 on Linux, DirectShow on Windows, AVFoundation
on macOS."""

from __future__ import annotations

import glob
import logging
import os
import sys
from collections.abc import Callable
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


def open_camera(
    settings: SourceSettings,
    time: Timebase,
    open_capture: OpenCapture | None = None,
    list_devices: ListDevices | None = None,
) -> WatchedSource:
    """Camera `settings.where`, warm and watched. Raises `SourceError` when absent or busy."""
    opener = CameraOpener(settings, open_capture or _capture, list_devices or _video_devices)
    limits = Limits(
        stale_after_s=settings.stale_after_s,
        open_timeout_s=settings.open_timeout_s,
        watch_content=True,
        expected_fps=settings.camera_fps,
    )
    return WatchedSource(opener.name, opener, limits, time)


class CameraOpener:
    """Opens the camera, each time anew: the place to look for it under another index."""

    def __init__(
        self, settings: SourceSettings, open_capture: OpenCapture, list_devices: ListDevices
    ) -> None:
        self.index = int(settings.where)
        self.name = f"camera {self.index}"
        self._settings = settings
        self._open_capture = open_capture
        self._list_devices = list_devices

    def __call__(self) -> CameraDevice:
        capture = self._open_capture(self.index)
        if not capture.isOpened():
            capture.release()
            raise SourceError(self._why_not())
        self._ask(capture)
        device = CameraDevice(self.name, capture)
        try:
            self._warm_up(device)
        except BaseException:
            device.close()
            raise
        return device

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
            return f"{self.name} is not there and no other is; plug one in, or give --source FILE"
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


def _capture(index: int) -> Capture:
    """The real camera. OpenCV's own lines on failure say less than ours: silence them."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(index, BACKENDS.get(sys.platform, cv2.CAP_ANY))


def _video_devices() -> list[str] | None:
    """`/dev/video0`, ... in order of number; None where cameras are no files."""
    if not sys.platform.startswith("linux"):
        return None
    return sorted(glob.glob("/dev/video*"), key=lambda path: (len(path), path))
