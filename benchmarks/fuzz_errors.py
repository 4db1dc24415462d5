"""What the show's own threads log as failed: the fuzzing's look behind the scenes."""

from __future__ import annotations

import logging
from collections.abc import Iterable


class Errors(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self, logs: Iterable[str]) -> None:
        super().__init__(logging.ERROR)
        self._logs = [logging.getLogger(name) for name in logs]
        self.seen: list[str] = []
        for one in self._logs:
            one.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record)[-1500:])

    def take(self) -> str:
        """What was kept, and is no more."""
        seen, self.seen = self.seen, []
        return "; ".join(seen)

    def close(self) -> None:
        for one in self._logs:
            one.removeHandler(self)
        super().close()
