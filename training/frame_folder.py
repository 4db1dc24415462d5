"""A folder of pictures as footage: png and jpg, in the order of their names."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import cv2
import numpy as np

from live.errors import SourceError
from live.frames import Image
from training.disk import file_sha256

ENDINGS = (".png", ".jpg", ".jpeg")


def picture_files(folder: Path) -> list[Path]:
    """The folder's pictures, 2 before 10. Raises SourceError where there is none."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in ENDINGS]
    if not found:
        raise SourceError(f"folder {folder} holds no {', '.join(ENDINGS)}; name one with pictures")
    return sorted(found, key=_natural)


def read_picture(path: Path) -> Image:
    """BGR uint8 (H, W, 3). Raises SourceError for a file that is no picture."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(f"{path} cannot be read as a picture; delete it or copy it again")
    return np.asarray(image, np.uint8)


def folder_sha256(files: list[Path]) -> str:
    """Of all names and contents."""
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.name} {file_sha256(path)}\n".encode())
    return whole.hexdigest()


def _natural(path: Path) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", path.name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
