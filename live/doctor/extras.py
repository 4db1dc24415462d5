"""Sound and the virtual camera, where they are asked for: opened, and closed again."""

from __future__ import annotations

from live.doctor.check import Plan
from live.doctor.finding import Finding, right
from live.stream.sound_settings import open_sound
from live.stream.virtual_camera import PROBE, open_virtual_device

LIMIT_S = 4.0  # drivers take their time


def look_at_sound(plan: Plan) -> Finding | None:
    """The microphone or the file. Raises SetupError, SourceError, StreamError with the remedy."""
    settings = plan.options.stream.sound
    if settings is None:
        return None
    open_sound(settings, lambda: 0.0).close()
    what = f"the file {settings.path}" if settings.path is not None else "the microphone"
    return right(f"{what} can be opened; clap once before the camera to hear that it is in step")


def look_at_virtual_camera(plan: Plan) -> Finding | None:
    """The webcam that other programs are to see. Raises SetupError with the remedy."""
    settings = plan.options.stream.virtual_camera
    if settings is None:
        return None
    device = open_virtual_device(settings)(PROBE)
    device.close()
    return right(f"other programs will find the picture in {device.name}")
