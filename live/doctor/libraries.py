"""Libraries of the system that some options need and that no package brings."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from live.doctor.check import Plan
from live.doctor.finding import Finding, right, wrong

EGL = ("libEGL.so.1", "libGLESv2.so.2")
"""mediapipe links to them, also where it computes on the CPU."""

Load = Callable[[str], object]
"""Loads a library by its name; raises OSError."""


def look_at_libraries(plan: Plan, load: Load = ctypes.CDLL) -> Finding | None:
    """EGL and GLES, for --pose mediapipe."""
    if plan.options.pose != "mediapipe" or not sys.platform.startswith("linux"):
        return None
    missing = [name for name in EGL if not _loads(name, load)]
    if missing:
        return wrong(
            f"--pose mediapipe needs {' and '.join(missing)}, which this system lacks",
            "on Debian or Ubuntu: sudo apt-get install libegl1 libgles2; or leave out --pose",
        )
    return right(f"{' and '.join(EGL)} load")


def _loads(name: str, load: Load) -> bool:
    try:
        load(name)
    except OSError:
        return False
    return True
