"""What this machine can do at most: a large matrix product and a large copy, measured.

Every share of the ceiling in `benchmarks.engines` is of these, taken in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from live.engines.onnx_runtime import OnnxRuntimeEngine

SIDE = 1536  # of the square matrices: 28 MB of float32 in all, beyond the caches
COPY_BYTES = 1 << 27
LEAST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best of several runs: nobody else's work may lower a ceiling. None: not measured."""

    threads: int  # 0: a GPU's (`benchmarks.ceiling_gpu`)
    fp32_gflops: float | None  # the better of torch's product and ONNX Runtime's
    bf16_gflops: float | None  # torch's
    int8_gops: float | None  # ONNX Runtime's MatMulInteger, uint8 by int8
    copy_gbps: float | None  # 10^9 bytes read and written a second
    fp16_gflops: float | None = None  # only a GPU's: no processor here computes in halves

    def operations(self, precision: str) -> float | None:
        """Billions of operations a second in a row's precision; None where it is not measured."""
        found = {
            "fp32": self.fp32_gflops,
            "fp16": self.fp16_gflops,
            "bf16": self.bf16_gflops,
            "int8": self.int8_gops,
        }
        return found.get(precision)


def measure_ceiling(threads: int, seconds: float) -> Ceiling:
    """Measure with so many threads, about `seconds` for each of the four products and the copy."""
    torch.set_num_threads(threads)
    operations = 2.0 * SIDE**3 / 1e9
    one = torch.rand(SIDE, SIDE)
    halves = one.bfloat16()
    source, target = (torch.ones(COPY_BYTES, dtype=torch.uint8) for _ in range(2))
    floats = _product(threads, np.float32)
    ints = _product(threads, np.uint8)
    least_s = [
        best_s(run, seconds)
        for run in (
            lambda: one @ one, floats, lambda: halves @ halves, ints, lambda: target.copy_(source),
        )
    ]  # fmt: skip
    return Ceiling(
        threads=threads,
        fp32_gflops=operations / min(least_s[:2]),
        bf16_gflops=operations / least_s[2],
        int8_gops=operations / least_s[3],
        copy_gbps=2 * COPY_BYTES / least_s[4] / 1e9,
    )


def best(one: Ceiling, other: Ceiling) -> Ceiling:
    """The higher of two measures of the same machine and number of threads, figure by figure."""
    figures = {
        field.name: _higher(getattr(one, field.name), getattr(other, field.name))
        for field in fields(Ceiling)
        if field.name != "threads"
    }
    return Ceiling(one.threads, **figures)


def _higher(one: float | None, other: float | None) -> float | None:
    return max((figure for figure in (one, other) if figure is not None), default=None)


def best_s(run: Callable[[], object], seconds: float) -> float:
    """The shortest of several runs, after one that does not count; about `seconds` in all."""
    run()
    times_s: list[float] = []
    while len(times_s) < LEAST_RUNS or sum(times_s) < seconds:
        began_s = time.perf_counter()
        run()
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)


def _product(threads: int, dtype: type[np.float32] | type[np.uint8]) -> Callable[[], object]:
    """ONNX Runtime's matrix product with a constant right side, as weights are."""
    rng = np.random.default_rng(0)
    whole = dtype is np.uint8
    left: NDArray[Any]
    right: NDArray[Any]
    if whole:
        left = rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
        right = rng.integers(-127, 127, (SIDE, SIDE), dtype=np.int8)
    else:
        left, right = (rng.random((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    # One row of the result is kept: handing over all of it would be timed, too.
    nodes = [
        helper.make_node("MatMulInteger" if whole else "MatMul", ["x", "w"], ["product"]),
        helper.make_node("Gather", ["product", "row"], ["kept"], axis=0),
        helper.make_node("Cast", ["kept"], ["y"], to=TensorProto.FLOAT),
    ]
    kind = TensorProto.UINT8 if whole else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", kind, [SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [SIDE])],
        [
            numpy_helper.from_array(right, "w"),
            numpy_helper.from_array(np.array(0, np.int64), "row"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    engine = OnnxRuntimeEngine(model.SerializeToString(), "the matrix product", threads)
    return lambda: engine.run({"x": left})
