"""Writes files so that neither a kill nor a full disk leaves half of one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from live.errors import SetupError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one, never half of one.

    Raises SetupError where it cannot be written; the old one is then untouched.
    """
    save_whole(path, lambda file: file.write(content))


def save_whole(path: Path, save: Callable[[IO[bytes]], object]) -> None:
    """`write_whole` for whoever writes into an open file: `save` is given one."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            save(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SetupError(
            f"{path} cannot be written ({error.strerror or error}); what was written before is "
            f"whole: make room and run the same command again"
        ) from error
