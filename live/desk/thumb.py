"""A bundle's portrait, small, for a page."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from live.bundle_files import folder_reader, zip_reader
from live.errors import SubjectError
from live.picture_size import JPEG, size_of
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
        size = size_of(content) if content.startswith(JPEG) else None
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
