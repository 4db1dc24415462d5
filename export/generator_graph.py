"""The generator's ONNX graph, with the stage's contract for its inputs and outputs.

    label  uint8   (1, h, w, 3)  RGB          state       float32 (1, 4, h, w)
    rgba   uint8   (1, h, w, 4)  premultiplied next_state float32 (1, 4, h, w)

Everything between bytes and floats is inside: scaling, planes, premultiplying, rounding.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from live.errors import SetupError
from training.face_net import FaceStudent
from training.nets import LABEL_CHANNELS, STATE_CHANNELS, Student

OPSET = 17  # ONNX Runtime from 1.12, TensorRT from 8.5
WEIGHT_TYPES = ("float16", "float32")
SMALL = 512  # tensors with fewer numbers are stored as float32 in any case


class GeneratorGraph(nn.Module):
    """The student between the stage's bytes."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student

    def forward(self, label: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """label: uint8 (1, h, w, 3); state: float32 (1, 4, h, w) -> (rgba, next_state)."""
        # Floats first: TensorRT takes bytes at its border, but moves none of them about.
        planes = label.to(torch.float32).permute(0, 3, 1, 2) * (2 / 255) - 1
        next_state = self.student(planes, state)
        rgba = torch.round(next_state * 255).permute(0, 2, 3, 1).to(torch.uint8)
        return rgba, next_state


Net = TypeVar("Net", Student, FaceStudent)


def folded(net: Net, weights: str) -> Net:
    """A copy ready for export: gains folded, numbers rounded to what `weights` can store."""
    made: Net = copy.deepcopy(net).cpu().eval()
    made.fold()
    if weights == "float16":
        with torch.no_grad():
            for stored in (*made.parameters(), *made.buffers()):
                if stored.numel() >= SMALL:
                    stored.copy_(stored.half().float())
    return made


def generator_onnx(student: Student, size: tuple[int, int], weights: str = "float16") -> bytes:
    """The ONNX model for pictures of `size` (height, width); see `onnx_of`."""
    graph = GeneratorGraph(folded(student, weights))
    label = torch.zeros(1, *size, LABEL_CHANNELS, dtype=torch.uint8)
    state = torch.zeros(1, STATE_CHANNELS, *size)
    feeds = {"label": label, "state": state}
    return onnx_of(graph, feeds, ("rgba", "next_state"), weights)


def onnx_of(
    graph: nn.Module, feeds: Mapping[str, Tensor], outputs: Sequence[str], weights: str
) -> bytes:
    """A net that takes `feeds`, in order, as an ONNX model, checked by onnx's own checker.

    With "float16" the weights are stored as halves and cast once when the model is loaded; the
    computing stays float32. Raises SetupError where onnx is missing.
    """
    try:
        import onnx
    except ImportError as error:
        raise SetupError(f"onnx cannot be imported ({error}): pip install onnx") from error
    buffer: Any = io.BytesIO()  # torch takes one, its annotation does not say so
    with warnings.catch_warnings():
        # torch's other exporter wants one more package; this one is pinned and does all we need.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph.eval(), tuple(feeds.values()), buffer, dynamo=False, opset_version=OPSET,
            input_names=list(feeds), output_names=list(outputs),
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    if weights == "float16":
        _store_as_halves(model)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _store_as_halves(model: object) -> None:
    """Replace every large float32 initializer by a float16 one and a Cast, folded on load."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph  # type: ignore[attr-defined]
    casts = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
