"""A stage: one thread that repeats one step until its mailbox closes or its step fails for good."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from live.endurance import Endurance
from live.latest import Closed
from live.timing import Clock

log = logging.getLogger(__name__)


class Stage:
    """Runs `step` again and again in a thread of its own.

    `step` waits for its work in a mailbox; `Closed` ends the stage quietly. Any other exception is
    logged and counted, and the stage begins anew after a pause. One that fails too often in a row
    ends; then `error` says why. `on_end` is told in both cases.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], None],
        on_end: Callable[[Stage], None],
        endurance: Endurance | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Without `endurance` the first failure ends it."""
        self.name = name
        self.error: BaseException | None = None
        self.restarts = 0
        self._step = step
        self._on_end = on_end
        self._endurance = endurance or Endurance(most=1)
        self._clock = clock
        self._left = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def leave(self) -> None:
        """Do not begin anew any more. From any thread."""
        self._left.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; False when it still runs after `timeout_s`."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._lives():
                pass
        finally:
            self._on_end(self)

    def _lives(self) -> bool:
        """One step; False when it was the last."""
        try:
            self._step()
        except Closed:
            return False
        except BaseException as error:  # the thread's top: nothing above could see it
            return self._endures(error)
        if self._failing:
            log.warning("the %s stage works again", self.name)
            self._failing = False
        self._endurance.worked()
        return True

    def _endures(self, error: BaseException) -> bool:
        """Wait for the next try; False where there is none."""
        delay_s = self._endurance.failed(self._clock())
        if delay_s is None:
            often = f" {self._endurance.most} times in a row" if self.restarts else ""
            log.error("the %s stage failed%s", self.name, often, exc_info=error)
            self.error = error
            return False
        if not self._failing:
            log.error("the %s stage failed; it is started again", self.name, exc_info=error)
        self._failing = True
        self.restarts += 1
        return not self._left.wait(delay_s)
