"""A torch student behind the engines' own protocol: the truth that engines are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from export.generator_graph import GeneratorGraph
from live.engines.base import Tensor
from training.nets import LABEL_CHANNELS, STATE_CHANNELS, Student


class TorchEngine:
    """A student on torch's CPU, float32; see `live.engines.base.Engine`.

    Arrays that are given must be the caller's to write to, or torch warns: feed what engines gave.
    """

    name = "torch-cpu"

    def __init__(
        self,
        student: Student,
        size: tuple[int, int],
        threads: int = 1,
        compiler: Callable[[Any], Any] | None = None,
    ) -> None:
        """size: (height, width) of the label; compiler: for example `torch.compile`."""
        height, width = size
        self.inputs: tuple[Tensor, ...] = (
            Tensor("label", (1, height, width, LABEL_CHANNELS), "uint8"),
            Tensor("state", (1, STATE_CHANNELS, height, width), "float32"),
        )
        self.outputs: tuple[Tensor, ...] = (
            Tensor("rgba", (1, height, width, 4), "uint8"),
            Tensor("next_state", (1, STATE_CHANNELS, height, width), "float32"),
        )
        self._threads = threads
        graph = GeneratorGraph(student.eval()).eval()
        self._compute: Any = compiler(graph) if compiler else graph

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute both outputs; new arrays each time. Raises RuntimeError after `close`."""
        if self._compute is None:
            raise RuntimeError("the torch engine was closed")
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)  # one setting for all of torch
        with torch.inference_mode():
            results = self._compute(*(torch.from_numpy(feeds[t.name]) for t in self.inputs))
        return {t.name: r.numpy() for t, r in zip(self.outputs, results, strict=True)}

    def close(self) -> None:
        """Free the net. May be called twice."""
        self._compute = None
