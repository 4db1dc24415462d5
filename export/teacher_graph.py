"""The teacher's ONNX graph: what a full-size pix2pixHD costs on an engine, measured beside ours.

label, before  float32 (1, 3, h, w) in [-1, 1]    picture  float32 (1, 3, h, w) in [-1, 1]
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning
from torch.nn import functional as F

from export.generator_graph import OPSET
from live.errors import SetupError
from training.teacher.nets import Teacher


def teacher_onnx(net: Teacher, size: tuple[int, int]) -> bytes:
    """The ONNX model for pictures of `size` (height, width), checked by onnx's own checker.

    Raises SetupError where onnx is missing.
    """
    try:
        import onnx
    except ImportError as error:
        raise SetupError(f"onnx cannot be imported ({error}): pip install onnx") from error
    graph = copy.deepcopy(net).cpu().eval()
    _with_plain_padding(graph)
    label = torch.zeros(1, 3, *size)
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as for the student's graph
        # Instance normalization measures each picture, in training and after: that is right.
        # torch's own check of the number of channels, which is the same for every picture.
        warnings.simplefilter("ignore", TracerWarning)
        warnings.filterwarnings("ignore", "ONNX export mode is set", UserWarning)
        torch.onnx.export(
            graph, (label, label.clone()), buffer, dynamo=False, opset_version=OPSET,
            input_names=["label", "before"], output_names=["picture"],
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


class _ReflectionPad(torch.autograd.Function):
    """Reflection padding whose widths are numbers in the graph.

    torch's own export computes them there, so that no shape after the first padding is known.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, width: int) -> Tensor:
        return F.pad(x, (width,) * 4, mode="reflect")

    @staticmethod
    def symbolic(g: Any, x: Any, width: int) -> Any:
        """ONNX' Pad: the beginnings of all four dimensions, then their ends."""
        widths = torch.tensor([0, 0, width, width] * 2)
        return g.op("Pad", x, g.op("Constant", value_t=widths), mode_s="reflect")


class _PlainPad(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        padded: Tensor = _ReflectionPad.apply(x, self.width)
        return padded


def _with_plain_padding(net: nn.Module) -> None:
    """Replace every reflection padding, in place."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReflectionPad2d):
                setattr(parent, name, _PlainPad(child.padding[0]))
