"""How large the numbers that enter each convolution get: what 8-bit engines are scaled by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from export.int8 import Feeds
from export.onnx_files import loaded
from live.engines.onnx_runtime import load_onnxruntime, session_options

Ranges = dict[str, float]
"""Name of a convolution's input -> the largest magnitude that was seen there."""


def conv_ranges(model: bytes, feeds: Iterable[Feeds], threads: int = 1) -> Ranges:
    """Run `model` (float32 ONNX) on `feeds` and note what enters its convolutions.

    Raises ValueError where there are no feeds.
    """
    from onnx import TensorProto, helper

    proto = loaded(model)
    names = list(dict.fromkeys(n.input[0] for n in proto.graph.node if n.op_type == "Conv"))
    del proto.graph.output[:]
    proto.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    session = load_onnxruntime().InferenceSession(
        proto.SerializeToString(), session_options(threads), providers=["CPUExecutionProvider"]
    )
    largest: Ranges = {}
    for feed in feeds:
        for name, array in zip(names, session.run(names, feed), strict=True):
            largest[name] = max(largest.get(name, 0.0), float(np.abs(array).max()))
    if names and not largest:
        raise ValueError("no feeds to calibrate on")
    return largest
