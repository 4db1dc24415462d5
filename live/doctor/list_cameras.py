"""`--list-cameras`: what to put behind `--camera`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from live.doctor.cameras import CameraFound, find_cameras

NONE = """\
There is no camera on this machine.
Plug one in and ask again, or do without one:
  a phone:  --source browser --host 0.0.0.0 --tls auto
  a film:   --source FILE
  the demo: --demo"""

_WHERE = {
    "linux": "(Linux would show it as /dev/video0; a container must be given that file.)",
    "darwin": "(macOS gives cameras only to programs that you allow: System Settings, Privacy & "
    "Security, Camera.)",
}


def cameras_say(found: Sequence[CameraFound], platform: str = sys.platform) -> str:
    """The list, or that there is none and what to do."""
    if not found:
        where = _WHERE.get(platform)
        return NONE + (f"\n{where}" if where else "")
    return "\n".join(str(one) for one in found)


def list_cameras() -> str:
    """Look for them, and say it."""
    return cameras_say(find_cameras())
