"""What this machine's GPU can do at most: a chain of large matrix products and a large copy.

They run on the very engines that `benchmarks.engines` races, the better one counts, and they feed
themselves on the device: nothing but one row crosses the bus. Shares of the ceiling in the GPU's
rows are of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.ceiling import Ceiling, best_s
from live.engines.base import Feedback, RecurrentEngine
from live.errors import SetupError, SubjectError

SIDE = 4096  # of the square matrices
CHAIN = 8  # products a run: a launch's own time is nothing beside them
COPY_ROWS = 1 << 16  # of `COPY_COLUMNS` floats: 256 MB
COPY_COLUMNS = 1024
FEEDBACK: Feedback = {"next_state": "state"}

Open = Callable[[bytes, str, Feedback], RecurrentEngine]
"""(model, what, feedback) -> the engine. Raises SetupError or SubjectError."""


def measure_gpu_ceiling(
    openers: Mapping[str, Open], seconds: float, side: int = SIDE, rows: int = COPY_ROWS
) -> Ceiling | None:
    """The best of all `openers`, about `seconds` for each; None where none of them works here."""
    operations = 2.0 * CHAIN * side**3 / 1e9
    moved = 2 * rows * COPY_COLUMNS * 4 / 1e9
    whole = _fastest(openers, products(side, np.float32), seconds)
    half = _fastest(openers, products(side, np.float16), seconds)
    copy = _fastest(openers, turned(rows), seconds)
    if whole is half is copy is None:
        return None
    return Ceiling(
        threads=0,
        fp32_gflops=operations / whole if whole else None,
        bf16_gflops=None,
        int8_gops=None,
        copy_gbps=moved / copy if copy else None,
        fp16_gflops=operations / half if half else None,
    )


def products(side: int, dtype: type[np.float32] | type[np.float16]) -> bytes:
    """next_state = state x w x ... x w + b, all (side, side) of `dtype`; seen: its first row.

    w keeps the numbers' size, and b is not 0: products of zeros take less power, and so less time.
    """
    rng = np.random.default_rng(0)
    w = (rng.standard_normal((side, side), np.float32) / np.sqrt(side) / 2).astype(dtype)
    b = rng.standard_normal((side, side), np.float32).astype(dtype)
    names = ["state", *(f"product_{number}" for number in range(CHAIN))]
    nodes = [
        helper.make_node("MatMul", [names[number], "w"], [names[number + 1]])
        for number in range(CHAIN)
    ]
    nodes.append(helper.make_node("Add", [names[-1], "b"], ["next_state"]))
    return _model(nodes, [side, side], dtype, {"w": w, "b": b})


def turned(rows: int) -> bytes:
    """next_state = -state, float32 (rows, COPY_COLUMNS): every byte read and written once."""
    nodes = [helper.make_node("Neg", ["state"], ["next_state"])]
    return _model(nodes, [rows, COPY_COLUMNS], np.float32, {})


def _model(nodes: list[Any], shape: list[int], dtype: Any, constants: dict[str, Any]) -> bytes:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    row = numpy_helper.from_array(np.array([0], np.int64), "row")
    graph = helper.make_graph(
        [*nodes, helper.make_node("Gather", ["next_state", "row"], ["seen"], axis=0)],
        "ceiling",
        [helper.make_tensor_value_info("state", kind, shape)],
        [
            helper.make_tensor_value_info("seen", kind, [1, shape[1]]),
            helper.make_tensor_value_info("next_state", kind, shape),
        ],
        [row, *(numpy_helper.from_array(array, name) for name, array in constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _fastest(openers: Mapping[str, Open], model: bytes, seconds: float) -> float | None:
    """Seconds of the best run on the best engine; None where none of them computes `model`."""
    found = []
    for name, opener in openers.items():
        try:
            engine = opener(model, f"the ceiling on {name}", FEEDBACK)
        except (SetupError, SubjectError):
            continue  # the rows of this engine say why
        try:
            found.append(best_s(partial(engine.run, {}), seconds))
        except RuntimeError:
            continue
        finally:
            engine.close()
    return min(found, default=None)
