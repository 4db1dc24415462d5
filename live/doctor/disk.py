"""Room for what is recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

from live.desk.health import LOW_DISK_MB, NO_DISK_MB
from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.stream.recorder import require_writable


def look_at_disk(plan: Plan) -> Finding:
    """Where --record or the takes go, or would go."""
    stream = plan.options.stream
    asked = stream.recorder is not None
    if stream.recorder is not None:
        folder = stream.recorder.path.parent
    else:
        folder = stream.takes.folder
    there = existing(folder)
    try:
        free_mb = shutil.disk_usage(there).free / 1e6
    except OSError as error:
        return wrong(f"{there} cannot be looked at ({error.strerror})", "give another folder")
    require_writable(there, f"recordings go to {folder}")  # raises SetupError
    hours = free_mb * 8 / stream.encoder.bitrate_kbps / 3.6
    said = (
        f"recordings go to {folder}: {free_mb / 1e3:.1f} GB free, {hours:.0f} hours at "
        f"{stream.encoder.bitrate_kbps} kbit/s"
    )
    remedy = "make room, or give another folder (--record, --takes)"
    if free_mb < NO_DISK_MB:
        said = f"recordings go to {folder}, and it is full: {free_mb:.0f} MB free"
        return wrong(said, remedy) if asked else careful(said, remedy)
    return careful(said, remedy) if free_mb < LOW_DISK_MB else right(said)


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists: it is made when it is needed."""
    folder = folder.absolute()
    return next((path for path in (folder, *folder.parents) if path.is_dir()), Path(folder.anchor))
