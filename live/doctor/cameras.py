"""The cameras of this machine: numbers, names, and what they give."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from live.doctor.patience import within
from live.sources import camera

OPEN_S = 2.5
"""For each camera; some drivers hang."""
TRIED = 5
"""Numbers that are tried where the system does not list its cameras."""


@dataclass(frozen=True, slots=True)
class CameraFound:
    """One that there is."""

    index: int
    name: str  # as it calls itself; empty where the system does not tell
    opens: bool
    size: tuple[int, int] = (0, 0)  # (height, width), pixels, as it opens
    fps: float = 0.0  # as it claims; 0: it does not say

    def __str__(self) -> str:
        height, width = self.size
        gives = f"{width}x{height}" + (f" at {self.fps:g}" if self.fps > 0 else "")
        state = gives if self.opens else "does not open: another program uses it, or it gives none"
        return f"--camera {self.index}: {self.name or 'no name'}, {state}"


def find_cameras() -> list[CameraFound]:
    """All of them, by number. Opens each for a moment; one that hangs is left behind."""
    devices = camera.video_devices()
    if devices is None:  # Windows and macOS: those that open are there
        return [found for found in map(_probed, range(TRIED)) if found.opens]
    numbers = [number for path in devices if (number := camera.camera_number(path)) is not None]
    # A camera has several device files, of which one gives pictures: that one has a name.
    named = [number for number in numbers if camera.camera_name(number) is not None]
    return [_probed(number) for number in named or numbers]


def _probed(index: int) -> CameraFound:
    name = camera.camera_name(index) or ""
    closed = CameraFound(index, name, opens=False)
    return within(OPEN_S, lambda: _opened(closed), closed, f"camera {index}")


def _opened(found: CameraFound) -> CameraFound:
    capture = camera.camera_capture(found.index)
    try:
        if not capture.isOpened():
            return found
        width, height, fps = (
            capture.get(one)
            for one in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        return CameraFound(found.index, found.name, True, (int(height), int(width)), fps)
    finally:
        capture.release()
