"""The visible mark: a word in a corner of the picture, light with a dark rim for any ground."""

from __future__ import annotations

import cv2
import numpy as np

from live.frames import Image
from live.generator import blend
from live.mark_settings import CaptionSettings

_DRAWN_PX = 96  # a capital's height when drawn, before it is made as small as it is shown
_RIM = 0.14  # the rim's width, in heights of a capital
_MARGIN = 0.7  # to the picture's edges, in heights of a capital
_WIDEST = 0.9  # of the picture's width; a longer text is made smaller
_LIGHT, _DARK = 245, 20  # levels of letters and rim
_LEAST_PX = 7  # smaller letters could not be read


class Caption:
    """One text for pictures of one size."""

    def __init__(self, settings: CaptionSettings, size: tuple[int, int]) -> None:
        """`size` is (height, width) in pixels."""
        height, width = size
        capital_px = max(settings.height * height, _LEAST_PX)
        drawn = _draw(settings.text)
        scale = min(
            capital_px / _DRAWN_PX,
            width * _WIDEST / drawn.shape[1],
            height * _WIDEST / drawn.shape[0],
        )
        shown = max(round(drawn.shape[1] * scale), 1), max(round(drawn.shape[0] * scale), 1)
        small = cv2.resize(drawn, shown, interpolation=cv2.INTER_AREA)
        self._rgba = np.rint(small * settings.opacity).astype(np.uint8)
        margin = round(_MARGIN * scale * _DRAWN_PX)
        top, left = min(margin, height - shown[1]), min(margin, width - shown[0])
        if settings.corner.startswith("bottom"):
            top = height - shown[1] - top
        if settings.corner.endswith("right"):
            left = width - shown[0] - left
        self._at = slice(top, top + shown[1]), slice(left, left + shown[0])

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that it stands in."""
        return self._at

    def add_to(self, picture: Image) -> None:
        """Mark a picture in place, RGB uint8 (H, W, 3)."""
        blend(picture[self._at], self._rgba)


def _draw(text: str) -> Image:
    """The text, large: premultiplied RGBA uint8, cut to what is drawn."""
    font, thickness = cv2.FONT_HERSHEY_DUPLEX, 2
    probe = np.zeros((400, 400), np.uint8)  # getTextSize tells a line's height, not a capital's
    cv2.putText(probe, "I", (50, 300), font, 5, 255, thickness)
    scale = 5 * _DRAWN_PX / int(probe.any(axis=1).sum())
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    rim = round(_RIM * _DRAWN_PX)
    room = _DRAWN_PX
    canvas = np.zeros((height + below + 2 * room, width + 2 * room), np.uint8)
    cv2.putText(canvas, text, (room, room + height), font, scale, 255, thickness, cv2.LINE_AA)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    alpha = cv2.dilate(canvas, disc)
    colour = np.rint(canvas / 255.0 * _LIGHT + (alpha - np.minimum(canvas, alpha)) / 255.0 * _DARK)
    rgba = np.dstack([colour, colour, colour, alpha]).astype(np.uint8)
    rows, columns = np.nonzero(alpha.any(axis=1))[0], np.nonzero(alpha.any(axis=0))[0]
    return np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
