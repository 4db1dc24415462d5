"""What this process uses of the machine."""

from __future__ import annotations

import os
from pathlib import Path

from live.timing import Clock

_STATM = Path("/proc/self/statm")  # Linux; proc(5): its second number is the resident pages


class ProcessLoad:
    """Processor time since the last question, and memory. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_s, self._used_s = clock(), _used_s()

    def cpu_percent(self) -> float:
        """100 is one core, wholly used, since the last time it was asked."""
        now_s, used_s = self._clock(), _used_s()
        passed_s = max(now_s - self._at_s, 1e-6)
        share = (used_s - self._used_s) / passed_s
        self._at_s, self._used_s = now_s, used_s
        return 100 * max(share, 0.0)


def memory_mb() -> float | None:
    """Resident, in millions of bytes; None where the system does not say."""
    try:
        pages = int(_STATM.read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def _used_s() -> float:
    used = os.times()
    return used.user + used.system
