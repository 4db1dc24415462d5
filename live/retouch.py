"""A part of a picture, made good by the subject's net for it (Chan et al. 2019, section 3.4)."""

from __future__ import annotations

import cv2
import numpy as np

from live.engines.base import Engine, Tensor, check_tensors
from live.errors import SubjectError
from live.frames import Image, Label, Layer
from live.parts import Corner, Part
from live.subject import Subject

_THERE = 127  # an alpha that is no faint ghost, which a net may well take away


def retouch_side(part: Part, subject: Subject) -> int:
    """Side of the part's squares, pixels. Raises SubjectError where none fits into the pictures."""
    size = subject.manifest.generator_size
    side = part.side(size[0])
    if side > min(size):
        raise SubjectError(
            f"{part.file} of {subject.origin}: its square of {side} pixels does not fit into "
            f"pictures of {size}; export the subject without it"
        )
    return side


def square_feeds(label: Label, layer: Layer, corner: Corner, side: int) -> dict[str, Image]:
    """What a net is given: new arrays of the square in both."""
    top, left = corner
    square = np.s_[top : top + side, left : left + side]
    return {"label": label.image[square].copy()[None], "rgba": layer.rgba[square].copy()[None]}


def trial_feeds(part: Part, label: Label, layer: Layer, side: int) -> dict[str, Image]:
    """`square_feeds` of the part's first square; where it is not seen of the top left corner's."""
    return square_feeds(label, layer, next(iter(label.squares.get(part.name, ())), (0, 0)), side)


class Retouch:
    """Runs a part's net on the squares around it. It keeps nothing from one to the next."""

    def __init__(self, part: Part, subject: Subject, engine: Engine) -> None:
        """Raises SubjectError when the engine's inputs and outputs are not the contract's."""
        self.part = part
        self.side = retouch_side(part, subject)
        check_tensors(engine, _expected(part, self.side), f"{part.file} of {subject.origin}")
        self._engine = engine

    def correct(self, label: Label, layer: Layer) -> None:
        """Repaint the part in `layer`, which was generated from `label`, in place.

        One square after the other: where two overlap, the second begins with what the first has
        become. Without one nothing is done. Raises RuntimeError where the net cannot be computed,
        or leaves nothing of the part; that square and those after it are then as they were.
        """
        corners = label.squares.get(self.part.name, ())
        strengths = label.strengths.get(self.part.name) or (1.0,) * len(corners)
        for corner, strength in zip(corners, strengths, strict=True):
            self._repaint(label, layer, corner, strength)

    def _repaint(self, label: Label, layer: Layer, corner: Corner, strength: float) -> None:
        feeds = square_feeds(label, layer, corner, self.side)
        plain, found = feeds["rgba"][0], self._engine.run(feeds)[self.part.name][0]
        # Numbers that are none become 0 as bytes: a hole where the part was.
        if plain[..., 3].max() > _THERE and not found[..., 3].any():
            raise RuntimeError(
                f"nothing is left of {self.part.what}: its numbers may not be finite"
            )
        top, left = corner
        into = layer.rgba[top : top + self.side, left : left + self.side]
        into[:] = found if strength >= 1 else _between(plain, found, strength)

    def close(self) -> None:
        """Free the engine. May be called twice."""
        self._engine.close()


def _between(plain: Image, found: Image, share: float) -> Image:
    """`share` of the way from one to the other. Both are premultiplied, and so is this."""
    return np.asarray(cv2.addWeighted(found, share, plain, 1 - share, 0), np.uint8)


def _expected(part: Part, side: int) -> dict[str, Tensor]:
    tensors = (
        Tensor("label", (1, side, side, 3), "uint8"),
        Tensor("rgba", (1, side, side, 4), "uint8"),
        Tensor(part.name, (1, side, side, 4), "uint8"),
    )
    return {tensor.name: tensor for tensor in tensors}
