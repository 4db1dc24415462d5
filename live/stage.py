"""A stage: one thread that repeats one step until its mailbox closes or its step fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from live.latest import Closed

log = logging.getLogger(__name__)


class Stage:
    """Runs `step` again and again in a thread of its own.

    `step` waits for its work in a mailbox; `Closed` ends the stage quietly. Any other exception
    ends it too, is logged, kept in `error`, and told to `on_end`.
    """

    def __init__(
        self, name: str, step: Callable[[], None], on_end: Callable[[Stage], None]
    ) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._step = step
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; False when it still runs after `timeout_s`."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                self._step()
        except Closed:
            pass
        except Exception as error:  # the thread's top: nothing above could see it
            log.exception("the %s stage failed", self.name)
            self.error = error
        finally:
            self._on_end(self)
