"""Does the exported net compute what torch does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from export.generator_graph import GeneratorGraph
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.frames import Image
from training.nets import Student

DRIFT_STEPS = 8  # pictures in a row that feed on their own state


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences between torch and ONNX Runtime."""

    max_abs: float  # of next_state, in [0, 1], from one and the same state
    max_levels: int  # of rgba, in 8-bit levels
    drift_abs: float  # of next_state after `DRIFT_STEPS` pictures, each side on its own state


def measure_parity(student: Student, model: bytes, labels: Sequence[Image]) -> Parity:
    """Run both on `labels`, RGB uint8 (h, w, 3) each, in order of time.

    `student` holds the very weights that were exported (`generator_graph.folded`).
    """
    graph = GeneratorGraph(student).eval()
    engine = OnnxRuntimeEngine(model, "generator.onnx")
    state = own = np.zeros((1, 4, *labels[0].shape[:2]), np.float32)
    max_abs, max_levels, drift_abs = 0.0, 0, 0.0
    for label in labels:
        with torch.no_grad():
            tensors = graph(torch.from_numpy(label[None].copy()), torch.from_numpy(state))
        rgba, next_state = (tensor.numpy() for tensor in tensors)
        found = engine.run({"label": label[None], "state": state})
        own = engine.run({"label": label[None], "state": own})["next_state"]
        max_abs = max(max_abs, float(np.abs(found["next_state"] - next_state).max()))
        levels = np.abs(found["rgba"].astype(int) - rgba.astype(int)).max()
        max_levels = max(max_levels, int(levels))
        drift_abs = float(np.abs(own - next_state).max())
        state = next_state
    engine.close()
    return Parity(max_abs, max_levels, drift_abs)


def check_parity(student: Student, model: bytes, labels: Sequence[Image], limit: float) -> Parity:
    """`measure_parity`, and a SetupError where the nets differ by more than `limit`."""
    parity = measure_parity(student, model, labels[:DRIFT_STEPS])
    if not parity.max_abs <= limit or parity.max_levels > 1:
        raise SetupError(
            f"ONNX Runtime and torch disagree by {parity.max_abs:.2e} ({parity.max_levels} levels "
            f"of 255), allowed is {limit:.0e} (1 level); do not use this bundle, and report it "
            f"with the versions of torch and onnxruntime"
        )
    return parity
