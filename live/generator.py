"""Label -> layer -> picture: the generator's state, and the composite over the plate."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from live.engines.base import Engine, Tensor, check_tensors
from live.engines.carried import with_feedback
from live.engines.choose import FEEDBACK
from live.frames import Image, Label, Layer
from live.subject import Subject

FADE_PX = 8
"""Over so many pixels what the window cuts off, a shadow or a reflection, ends softly."""


class Generator:
    """Runs a subject's generator on labels in order of time, feeding its state back."""

    def __init__(self, subject: Subject, engine: Engine) -> None:
        """`engine` keeps the state where it computes if it was opened with `FEEDBACK`.

        Raises SubjectError when its inputs and outputs are not the contract's.
        """
        height, width = subject.manifest.generator_size
        check_tensors(engine, _expected(height, width), f"generator.onnx of {subject.origin}")
        self.size = (height, width)
        self._engine = with_feedback(engine, FEEDBACK, f"generator.onnx of {subject.origin}")
        self.reset()

    def reset(self) -> None:
        """Forget the previous output."""
        self._runs = 0
        self._engine.reset()

    def generate(self, label: Label) -> Layer:
        """The figure for `label`, where on the stage the label is; still to be made `soft_edged`.

        Raises RuntimeError where the net cannot be computed or its state is not finite, which is
        thrown away, so that one bad frame cannot poison all that follow.
        """
        rgba = self._engine.run({"label": label.image[None]})["rgba"][0]
        self._runs += 1
        if self._doubtful(label, rgba) and not self._engine.sound():
            self.reset()
            raise RuntimeError("its result holds numbers that are not finite")
        return Layer(rgba, label.region)

    def _doubtful(self, label: Label, rgba: Image) -> bool:
        """Whether to look at the state: in turn (on the CPU always), or where nobody is seen.

        Numbers that are none become 0 as bytes: a poisoned net shows nothing.
        """
        in_turn = self._runs % self._engine.check_every == 0
        return in_turn or bool(label.image.any() and not rgba[:, :, 3].any())

    def close(self) -> None:
        """Free the engine. May be called twice."""
        self._engine.close()


def _expected(height: int, width: int) -> dict[str, Tensor]:
    tensors = (
        Tensor("label", (1, height, width, 3), "uint8"),
        Tensor("state", (1, 4, height, width), "float32"),
        Tensor("rgba", (1, height, width, 4), "uint8"),
        Tensor("next_state", (1, 4, height, width), "float32"),
    )
    return {tensor.name: tensor for tensor in tensors}


def soft_edged(layer: Layer) -> Layer:
    """The finished figure, faded at its edges in place.

    Only when every net has painted: none was trained on faded pictures.
    """
    _fade_edges(layer.rgba)
    return layer


@njit(nogil=True, cache=True)
def _fade_edges(rgba: Image) -> None:
    """Premultiplied RGBA, in place: to nearly nothing at the edge, whole from `FADE_PX` inwards."""
    height, width = rgba.shape[0], rgba.shape[1]
    for y in range(height):
        for x in range(width):
            edge = min(y, height - 1 - y, x, width - 1 - x)
            if edge < FADE_PX:
                for channel in range(4):
                    faded = np.int32(rgba[y, x, channel]) * (2 * edge + 1) + FADE_PX
                    rgba[y, x, channel] = np.uint8(faded // (2 * FADE_PX))


def compose(plate: Image, layers: list[Layer]) -> Image:
    """The layers over the plate, first at the back.

    plate: RGB uint8 (H, W, 3), left as it is. Returns a new RGB uint8 (H, W, 3):
    plate * (1 - alpha) + rgb, each layer scaled to its region (bicubic, by area where it shrinks)
    and cut at the edges.
    """
    picture = plate.copy()
    for layer in layers:
        _compose_one(picture, layer)
    return picture


def _compose_one(picture: Image, layer: Layer) -> None:
    region = layer.region
    rgba = layer.rgba
    if rgba.shape[:2] != (region.height, region.width):
        size = region.width, region.height
        how = cv2.INTER_AREA if region.height < rgba.shape[0] else cv2.INTER_CUBIC
        rgba = np.asarray(cv2.resize(rgba, size, interpolation=how), np.uint8)
    top, left = max(region.y, 0), max(region.x, 0)
    bottom = min(region.y + region.height, picture.shape[0])
    right = min(region.x + region.width, picture.shape[1])
    if top >= bottom or left >= right:
        return
    inside = rgba[top - region.y : bottom - region.y, left - region.x : right - region.x]
    blend(picture[top:bottom, left:right], inside)


@njit(nogil=True, cache=True)
def blend(picture: Image, rgba: Image) -> None:
    """picture = picture * (255 - a) / 255 + rgb in place, rounded, for premultiplied rgba."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            alpha = np.int32(rgba[y, x, 3])
            if alpha == 0:
                continue
            for channel in range(3):
                # Bicubic ringing can lift a colour above its alpha; it may not glow.
                colour = min(np.int32(rgba[y, x, channel]), alpha)
                behind = (np.int32(picture[y, x, channel]) * (255 - alpha) + 127) // 255
                picture[y, x, channel] = np.uint8(behind + colour)
