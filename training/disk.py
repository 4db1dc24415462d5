"""Writes files so that neither a kill nor a full disk leaves half of one; and their SHA-256."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np

from live.errors import SetupError
from live.frames import Image


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that a kill leaves the old one or the new one, never half of one.

    Raises SetupError where it cannot be written; the old one is then untouched.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SetupError(
            f"{path} cannot be written ({error.strerror or error}); what was written before is "
            f"whole: make room and run the same command again"
        ) from error


def write_png(path: Path, rgb: Image) -> None:
    """`write_whole` of a picture: RGB uint8 (h, w, 3). Raises SetupError."""
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))
    assert done
    write_whole(path, encoded.tobytes())


def file_sha256(path: Path) -> str:
    """Of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
