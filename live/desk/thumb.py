"""A bundle's portrait, small, for a page."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from live.bundle_files import folder_reader, zip_reader
from live.errors import SubjectError
from live.subject import MANIFEST, MAX_FILE_BYTES, Subject

THUMB = "thumb.jpg"
HEIGHT_PX, WIDEST_PX = 160, 320
MOST_PIXELS = 1 << 24  # of the bundle's; a small file may unpack to gigabytes


def thumb_of(subject: Subject) -> str | None:
    """As a data URL; None where there is none that can be read.

    Coded anew: what a bundle holds is decoded here, and not by the operator's browser.
    """
    path = subject.origin
    try:
        read = zip_reader(path, MANIFEST) if path.is_file() else folder_reader(path)
        content = read(THUMB, MAX_FILE_BYTES[THUMB])
        size = jpeg_size(content)
        if size is None or size[0] * size[1] > MOST_PIXELS:
            return None
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (SubjectError, cv2.error):
        return None
    if found is None:
        return None
    width = round(found.shape[1] * HEIGHT_PX / found.shape[0])
    fits = (min(max(width, 1), WIDEST_PX), HEIGHT_PX)
    small = cv2.resize(found, fits, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG's frame header tells (ITU-T T.81, B.2.2); None: it is none."""
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 <= len(content) and content[at] == 0xFF:
        kind, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return int.from_bytes(height, "big"), int.from_bytes(width, "big")
        at += 2 + length
    return None
