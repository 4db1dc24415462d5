"""A bundle's nets -> the torch nets they were exported from, so that parity needs no run folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from export.onnx_files import loaded, size_of
from live.errors import SetupError
from live.parts import Part
from training.face_net import FaceShape, FaceStudent
from training.nets import Student, StudentShape

PREFIX = "student."  # `export.generator_graph.GeneratorGraph` calls its net so

Net = TypeVar("Net", bound=nn.Module)


def student_from_onnx(model: bytes) -> Student:
    """A student with the very weights of `model`, in evaluation mode.

    Its shape is read from the weights. Weights that were stored as halves come back as the float32
    numbers that ONNX Runtime casts them to. Raises SetupError where the model is no student.
    """
    return _rebuilt(
        model, PREFIX, lambda weights: Student(_shape(weights)),
        "generator.onnx does not hold a student's weights",
    )  # fmt: skip


def part_from_onnx(part: Part, model: bytes) -> FaceStudent:
    """As `student_from_onnx`, of a bundle's net for a part."""
    side = size_of(model)[0]
    prefix = f"{part.name}."  # as `export.part_graph.PartGraph` calls its net
    return _rebuilt(
        model, prefix, lambda weights: FaceStudent(_face_shape(weights, side)),
        f"{part.file} does not hold a {part.name} net's weights",
    )  # fmt: skip


def _rebuilt(
    model: bytes, prefix: str, of: Callable[[dict[str, NDArray[Any]]], Net], wrong: str
) -> Net:
    """What `of` makes for the weights named `prefix`, holding them; `wrong` begins the error."""
    weights = _weights_of(model, prefix)
    try:
        net = of(weights)
        _fill(net, weights)
    except (KeyError, ValueError) as error:
        raise SetupError(
            f"{wrong} ({error} is missing or of another shape); give the run it came from with "
            f"--run"
        ) from error
    return net.eval()


def _weights_of(model: bytes, prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in constants(model).items()
        if name.startswith(prefix) and not name.endswith(".half")
    }


def _fill(net: nn.Module, weights: dict[str, NDArray[Any]]) -> None:
    """Raises KeyError, with its name, for a weight that is missing or of another shape."""
    state = {}
    for name, parameter in net.state_dict().items():
        # Export folds the gains into the convolutions: where they are left out they are 1.
        gain = np.ones(parameter.shape, np.float32) if name.endswith(".gain") else None
        array = weights.get(name, gain)
        if array is None or array.shape != tuple(parameter.shape):
            raise KeyError(name)
        state[name] = torch.from_numpy(array.astype(np.float32))
    net.load_state_dict(state)


def constants(model: bytes) -> dict[str, NDArray[Any]]:
    """Every tensor that does not depend on the inputs and is stored, cast or merely renamed."""
    from onnx import helper, numpy_helper

    graph = loaded(model).graph
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:  # in the order of computing, which the checker asserts
        if node.op_type not in ("Cast", "Identity") or node.input[0] not in found:
            continue
        array = found[node.input[0]]
        if node.op_type == "Cast":
            array = array.astype(helper.tensor_dtype_to_np_dtype(node.attribute[0].i))
        found[node.output[0]] = array
    return found


def _shape(weights: dict[str, NDArray[Any]]) -> StudentShape:
    widths = _widths(weights)
    levels = len(widths)
    return StudentShape(
        widths=widths,
        encoder_blocks=_blocks(weights, "encoder", levels),
        decoder_blocks=_blocks(weights, "decoder", levels - 1),
        head=len(weights["before.weight"]),
    )


def _face_shape(weights: dict[str, NDArray[Any]], side: int) -> FaceShape:
    widths = _widths(weights)
    return FaceShape(side, widths, _blocks(weights, "blocks", len(widths)))


def _widths(weights: dict[str, NDArray[Any]]) -> tuple[int, ...]:
    """Channels at each resolution, finest first."""
    levels = 1 + _count(weights, r"down\.(\d+)\.weight")
    kernels = [weights["stem.weight"], *(weights[f"down.{n}.weight"] for n in range(levels - 1))]
    return tuple(len(kernel) for kernel in kernels)


def _blocks(weights: dict[str, NDArray[Any]], part: str, levels: int) -> tuple[int, ...]:
    return tuple(
        _count(weights, rf"{part}\.{level}\.(\d+)\.first\.weight") for level in range(levels)
    )


def _count(weights: dict[str, NDArray[Any]], pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in weights)
