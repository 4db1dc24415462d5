"""What this process holds in memory, and the most that it held."""

from __future__ import annotations

import contextlib
from pathlib import Path


def memory_mb(field: str) -> float | None:
    """VmRSS, held now, or VmHWM, the most ever, in MB; None where the system is not Linux.

    getrusage would tell the parent's peak: it outlives the exec that starts this process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kib = next((int(line.split()[1]) for line in lines if line.startswith(field + ":")), None)
    return None if kib is None else kib / 1024


def forget_peak() -> None:
    """VmHWM starts anew from what is held now (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):  # then the peak is since the process began: never less
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
