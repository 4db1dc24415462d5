"""Feedback for an engine that was built without it: the state is carried by hand, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Engine, Feedback, RecurrentEngine, check_feedback


def with_feedback(engine: Engine, feedback: Feedback, what: str) -> RecurrentEngine:
    """`engine` itself where it keeps `feedback`, else one around it that does.

    Raises SubjectError where the net has not what `feedback` names.
    """
    if getattr(engine, "feedback", None) == feedback:
        return engine  # type: ignore[return-value]  # an engine with feedback is recurrent
    return CarriedState(engine, feedback, what)


class CarriedState:
    """See `live.engines.base.RecurrentEngine`. Closing it closes the engine within."""

    check_every = 1  # the numbers are at hand

    def __init__(self, engine: Engine, feedback: Feedback, what: str) -> None:
        check_feedback(engine.inputs, engine.outputs, feedback, what)
        self._engine = engine
        self.name = str(getattr(engine, "name", type(engine).__name__))
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.feedback = dict(feedback)
        self.reset()

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run."""
        taken = set(self.feedback.values())
        self._state: dict[str, NDArray[Any]] = {
            tensor.name: np.zeros(tensor.shape, tensor.dtype)
            for tensor in self.inputs
            if tensor.name in taken
        }

    def sound(self) -> bool:
        """Whether every number that the next run is fed back is finite."""
        return all(bool(np.isfinite(array).all()) for array in self._state.values())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """As the engine within, of the outputs that are not fed back."""
        outputs = dict(self._engine.run({**feeds, **self._state}))
        self._state = {target: outputs.pop(source) for source, target in self.feedback.items()}
        return outputs

    def close(self) -> None:
        """Close the engine within. May be called twice."""
        self._engine.close()
