"""The ONNX graph of a part's net, with the stage's contract for its inputs and outputs.

    label  uint8 (1, s, s, 3)  RGB            PART  uint8 (1, s, s, 4)  premultiplied
    rgba   uint8 (1, s, s, 4)  premultiplied

PART is the part's name, "face" for one; the squares are `live.parts`'s; `rgba` is what the
generator made there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from export.generator_graph import folded, onnx_of
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.frames import Image
from live.parts import Part
from training.face_net import FaceStudent

Square = tuple[Image, Image]
"""Label (s, s, 3) and premultiplied RGBA (s, s, 4), uint8."""


class PartGraph(nn.Module):
    """A part's net between the stage's bytes."""

    def __init__(self, part: Part, net: FaceStudent) -> None:
        super().__init__()
        self._name = part.name
        self.add_module(part.name, net)  # so its weights are called in the file

    def forward(self, label: Tensor, rgba: Tensor) -> Tensor:
        """uint8 (1, s, s, 3) and (1, s, s, 4) -> (1, s, s, 4)."""
        # Floats first: TensorRT takes bytes at its border, but moves none of them about.
        planes = label.to(torch.float32).permute(0, 3, 1, 2) * (2 / 255) - 1
        painted = rgba.to(torch.float32).permute(0, 3, 1, 2) / 255
        made: Tensor = self.get_submodule(self._name)(planes, painted)
        return torch.round(made * 255).permute(0, 2, 3, 1).to(torch.uint8)


def part_onnx(part: Part, net: FaceStudent, weights: str = "float16") -> bytes:
    """The ONNX model; see `export.generator_graph.onnx_of`."""
    side = net.shape.side
    feeds = {
        name: torch.zeros(1, side, side, channels, dtype=torch.uint8)
        for name, channels in (("label", 3), ("rgba", 4))
    }
    return onnx_of(PartGraph(part, folded(net, weights)), feeds, (part.name,), weights)


def part_levels(
    part: Part, net: FaceStudent, model: bytes, squares: Sequence[Square]
) -> list[Image]:
    """|torch - ONNX Runtime| of each square, uint8 (s, s, 4) in levels of 255.

    `net` holds the very weights that were exported (`generator_graph.folded`).
    """
    graph, engine = PartGraph(part, net).eval(), OnnxRuntimeEngine(model, part.file)
    gaps = []
    for label, rgba in squares:
        with torch.no_grad():
            given = (torch.from_numpy(one[None].copy()) for one in (label, rgba))
            expected = graph(*given)[0].numpy().astype(np.int16)
        found = engine.run({"label": label[None], "rgba": rgba[None]})[part.name][0]
        gaps.append(np.abs(expected - found).astype(np.uint8))
    engine.close()
    return gaps


def check_part(part: Part, net: FaceStudent, model: bytes, squares: Sequence[Square]) -> int:
    """The largest difference between torch and ONNX Runtime, in levels of 255: 0 or 1.

    Raises SetupError where it is larger.
    """
    levels = max(int(gap.max()) for gap in part_levels(part, net, model, squares))
    if levels > 1:
        raise SetupError(
            f"ONNX Runtime and torch disagree by {levels} levels of 255 about the {part.name} net, "
            f"allowed is 1; do not use this bundle, and report it with the versions of torch and "
            f"onnxruntime"
        )
    return levels
