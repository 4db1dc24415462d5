"""The generator with 8-bit convolutions, for ONNX Runtime's CPU kernels.

Static quantization in the QDQ form: weights int8 with one scale a channel, activations uint8 with
one scale a tensor, both fixed from the ranges seen on the subject's own poses (Jacob et al. 2018,
sections 2 and 3; Nagel et al. 2021, 'A White Paper on Neural Network Quantization'). State and
everything outside the convolutions stays float32. On processors without VNNI instructions ONNX
Runtime's products may saturate: quality and speed are this machine's, and measured on it.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.onnx_files import checked, loaded
from export.precision import as_float32
from export.rehearsal import codebook_labels, dance_labels
from live.engines.base import Engine
from live.engines.onnx_runtime import load_onnxruntime
from live.errors import SetupError
from live.subject import Subject

Feeds = dict[str, NDArray[Any]]

RECIPES = ("all", "inner")
"""Which convolutions are 8-bit: all of them, or all but the first and the last."""

CALIBRATION_POSES = 48  # single poses, each on an empty state and on its own picture
CALIBRATION_FRAMES = 240  # of the dance, which feeds on its own states
CALIBRATION_STRIDE = 5  # neighbours in the dance look alike


def calibration_feeds(subject: Subject, engine: Engine) -> list[Feeds]:
    """What the generator may be fed, from the bundle alone; `engine` computes the states.

    Poses of the codebook on an empty state and on the state they lead to, as at a start and in a
    stand, and frames of a dance through the codebook on the states of its own past.
    """
    feeds = []
    empty = np.zeros(engine.inputs[_place_of_state(engine)].shape, np.float32)
    for label in codebook_labels(subject, CALIBRATION_POSES):
        first: Feeds = {"label": label[None], "state": empty}
        feeds += [first, {"label": label[None], "state": engine.run(first)["next_state"]}]
    state = empty
    for number, label in enumerate(dance_labels(subject, CALIBRATION_FRAMES)):
        feed: Feeds = {"label": label[None], "state": state}
        state = engine.run(feed)["next_state"]
        if number % CALIBRATION_STRIDE == 0:
            feeds.append(feed)
    return feeds


def quantized(model: bytes, feeds: Iterable[Feeds], recipe: str = "all") -> bytes:
    """`model` with int8 convolutions, their ranges taken from `feeds`; `recipe` of `RECIPES`.

    Raises SetupError where ONNX Runtime's quantizer or onnx is missing, or the disk is full.
    """
    if recipe not in RECIPES:
        raise SetupError(f"the int8 recipe is {recipe!r}; known are {', '.join(RECIPES)}")
    load_onnxruntime()  # with its reports turned off, whoever was first
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise SetupError(
            f"ONNX Runtime's quantizer cannot be imported ({error}); "
            f"pip install onnxruntime onnx sympy"
        ) from error
    with (
        _room_for_files(),
        tempfile.TemporaryDirectory(prefix="understudy-int8-") as name,
        _quiet_quantizer(),
    ):
        source, ready, done = (Path(name) / f"{stage}.onnx" for stage in ("fp32", "ready", "int8"))
        source.write_bytes(as_float32(model))
        # Folds constants and the residuals' gains; the symbolic half is for open shapes.
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(done),
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=_kept(ready.read_bytes(), recipe),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return checked(loaded(done.read_bytes()))


class _Reader:
    """`onnxruntime.quantization.CalibrationDataReader`: the next feeds, and None after the last."""

    def __init__(self, feeds: Iterable[Feeds]) -> None:
        self._feeds: Iterator[Feeds] = iter(feeds)

    def get_next(self) -> Feeds | None:
        return next(self._feeds, None)

    def __iter__(self) -> Iterator[Feeds]:
        return self._feeds


def _kept(model: bytes, recipe: str) -> list[str]:
    """Names of the convolutions that stay float32."""
    names = [node.name for node in loaded(model).graph.node if node.op_type == "Conv"]
    return [names[0], names[-1]] if recipe == "inner" and names else []


def _place_of_state(engine: Engine) -> int:
    return [tensor.name for tensor in engine.inputs].index("state")


@contextmanager
def _room_for_files() -> Iterator[None]:
    """The quantizer hands its nets over in files: a full disk is one sentence."""
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"the 8-bit net cannot be made: no files can be written to {tempfile.gettempdir()} "
            f"({error.strerror or error}); make room there, or set TMPDIR to another folder"
        ) from error


@contextmanager
def _quiet_quantizer() -> Iterator[None]:
    """The quantizer speaks through the root logger, to the developer of a net: only errors here."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
