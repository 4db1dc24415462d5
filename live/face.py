"""The head in a picture, made good by the subject's face net (Chan et al. 2019, section 3.4)."""

from __future__ import annotations

import numpy as np

from live.engines.base import Engine, Tensor, check_tensors
from live.errors import SubjectError
from live.frames import Image, Label, Layer
from live.head import square_side
from live.subject import Subject


def face_side(subject: Subject) -> int:
    """Side of the square, pixels. Raises SubjectError where none fits into the pictures."""
    size = subject.manifest.generator_size
    side = square_side(size[0])
    if side > min(size):
        raise SubjectError(
            f"face.onnx of {subject.origin}: its square of {side} pixels does not fit into "
            f"pictures of {size}; export the subject without it"
        )
    return side


def head_feeds(label: Label, layer: Layer, side: int) -> dict[str, Image]:
    """What the net is given: new arrays of both squares; without a head the top left corner's."""
    top, left = label.head or (0, 0)
    square = np.s_[top : top + side, left : left + side]
    return {"label": label.image[square].copy()[None], "rgba": layer.rgba[square].copy()[None]}


class Face:
    """Runs a subject's face net on squares around heads. It keeps nothing from one to the next."""

    def __init__(self, subject: Subject, engine: Engine) -> None:
        """Raises SubjectError when the engine's inputs and outputs are not the contract's."""
        self.side = face_side(subject)
        check_tensors(engine, _expected(self.side), f"face.onnx of {subject.origin}")
        self._engine = engine

    def correct(self, label: Label, layer: Layer) -> None:
        """Repaint the head in `layer`, which was generated from `label`, in place.

        Without a head nothing is done. Raises RuntimeError where the net cannot be computed, or
        leaves nothing of a head; the layer is then as it was.
        """
        if label.head is None:
            return
        feeds = head_feeds(label, layer, self.side)
        found = self._engine.run(feeds)["face"][0]
        # Numbers that are none become 0 as bytes: a hole where the head was.
        if feeds["rgba"][..., 3].any() and not found[..., 3].any():
            raise RuntimeError("nothing is left of the head: its numbers may not be finite")
        top, left = label.head
        layer.rgba[top : top + self.side, left : left + self.side] = found

    def close(self) -> None:
        """Free the engine. May be called twice."""
        self._engine.close()


def _expected(side: int) -> dict[str, Tensor]:
    tensors = (
        Tensor("label", (1, side, side, 3), "uint8"),
        Tensor("rgba", (1, side, side, 4), "uint8"),
        Tensor("face", (1, side, side, 4), "uint8"),
    )
    return {tensor.name: tensor for tensor in tensors}
