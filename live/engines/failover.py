"""When the GPU vanishes mid-show: the CPU takes over, and says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from live.engines.base import RecurrentEngine

log = logging.getLogger(__name__)


class FailoverEngine:
    """Runs on one engine until that fails, then on the other for good.

    The other one was opened and tried before the show: the middle of it is no time to find out
    that it cannot be loaded. It begins with a fresh state. See `live.engines.base.RecurrentEngine`.
    """

    def __init__(self, first: RecurrentEngine, standby: RecurrentEngine, what: str) -> None:
        """Both hold the same net, `what`. They belong to this engine: `close` closes them."""
        self._engine, self._standby, self._what = first, standby, what
        self.inputs, self.outputs = first.inputs, first.outputs
        self.feedback = first.feedback

    @property
    def name(self) -> str:
        """Of the engine that computes now."""
        return self._engine.name

    @property
    def check_every(self) -> int:
        """Of the engine that computes now."""
        return self._engine.check_every

    @property
    def failed_over(self) -> bool:
        """Whether the first engine was given up."""
        return self._engine is self._standby

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """As the engine that computes now; this very run is repeated on the standby if need be."""
        if self.failed_over:
            return self._standby.run(feeds)
        try:
            return self._engine.run(feeds)
        except RuntimeError as error:
            self._take_over(error)
            return self._standby.run(feeds)

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run."""
        try:
            self._engine.reset()
        except RuntimeError as error:
            if self.failed_over:
                raise
            self._take_over(error)

    def sound(self) -> bool:
        """As the engine that computes now; a state that was just begun anew is sound."""
        try:
            return self._engine.sound()
        except RuntimeError as error:
            if self.failed_over:
                raise
            self._take_over(error)
            return True

    def close(self) -> None:
        """Close both. May be called twice."""
        self._engine.close()
        self._standby.close()

    def _take_over(self, error: RuntimeError) -> None:
        failed, self._engine = self._engine, self._standby
        log.error(
            "%s failed in the show (%s); %s goes on with %s, slower",
            failed.name, error, self._what, self._standby.name,
        )  # fmt: skip
        self._standby.reset()
        failed.close()
