"""The seam between a generator or pose net and the runtime that computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input or output of a net."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # a NumPy dtype's name: "float32", "uint8"


class Engine(Protocol):
    """A loaded net. Batch 1; chosen once, when built."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute every output from `feeds` (one array per input, by name).

        The arrays returned belong to the caller: no later run overwrites them.
        """

    def close(self) -> None:
        """Free the net. May be called twice."""
