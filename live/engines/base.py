"""The seam between a generator or pose net and the runtime that computes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from live.errors import SubjectError

Feeds = Mapping[str, NDArray[Any]]
"""One array per input, by the input's name."""

Feedback = Mapping[str, str]
"""Output -> the input that it becomes in the next run, as in {"next_state": "state"}."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input or output of a net."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # a NumPy dtype's name: "float32", "uint8"

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {self.shape}"


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


class RecurrentEngine(Engine, Protocol):
    """An engine that was built with `feedback`: it keeps what it feeds back, where it computes.

    `inputs` and `outputs` are the whole net's. `run` takes only the inputs that nothing is fed
    back into, and gives only the outputs that are not fed back: on a GPU the state never leaves it.
    """

    @property
    def name(self) -> str:
        """Runtime and precision, for logs and benchmarks: "tensorrt-rtx fp16"."""

    @property
    def feedback(self) -> Feedback:
        """What it was built with."""

    @property
    def check_every(self) -> int:
        """So many runs apart, `sound` costs next to nothing."""

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run."""

    def sound(self) -> bool:
        """Whether every number that the next run is fed back is finite.

        Downloads them where they are on a device: call it every `check_every` runs.
        """


def check_feedback(
    inputs: Iterable[Tensor], outputs: Iterable[Tensor], feedback: Feedback, what: str
) -> None:
    """Raise SubjectError where `feedback` names what the net has not, or joins unlike tensors."""
    takes = {tensor.name: tensor for tensor in inputs}
    gives = {tensor.name: tensor for tensor in outputs}
    for source, target in feedback.items():
        if source not in gives or target not in takes:
            raise SubjectError(
                f"{what}: {source} cannot become {target}; it has the inputs {sorted(takes)} and "
                f"the outputs {sorted(gives)}; export the subject again with this version"
            )
        given, taken = gives[source], takes[target]
        if (given.shape, given.dtype) != (taken.shape, taken.dtype):
            raise SubjectError(f"{what}: {given} cannot become {taken}; export the subject again")
    if len(set(feedback.values())) != len(feedback):
        raise SubjectError(f"{what}: two outputs become one input in {dict(feedback)}")


def check_tensors(engine: Engine, expected: Mapping[str, Tensor], what: str) -> None:
    """Raise SubjectError where the net's inputs and outputs are not `expected`, by name."""
    found = {tensor.name: tensor for tensor in (*engine.inputs, *engine.outputs)}
    for name in sorted(expected.keys() | found.keys()):
        given, wanted = found.get(name), expected.get(name)
        if given != wanted:
            raise SubjectError(
                f"{what}: {name} is {_in_words(given, 'missing')}, it must be "
                f"{_in_words(wanted, 'absent')}; export the subject again with this version"
            )


def _in_words(tensor: Tensor | None, otherwise: str) -> str:
    return f"{tensor.dtype} {tensor.shape}" if tensor is not None else otherwise


def check_feeds(feeds: Feeds, expected: Iterable[Tensor], what: str) -> None:
    """Raise ValueError where an array is missing, unknown, or of another shape or type."""
    wanted = {tensor.name: tensor for tensor in expected}
    for name in sorted(wanted.keys() | feeds.keys()):
        if name not in wanted:
            raise ValueError(f"{what} takes no {name}; it takes {sorted(wanted)}")
        if name not in feeds:
            raise ValueError(f"{what} was given no {name}; it takes {sorted(wanted)}")
        array, tensor = feeds[name], wanted[name]
        if array.shape != tensor.shape or array.dtype.name != tensor.dtype:
            raise ValueError(f"{what}: {name} is {array.dtype} {array.shape}, it takes {tensor}")
