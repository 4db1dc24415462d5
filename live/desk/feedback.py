"""Tells other desks what the desk holds, in a thread of its own; fades as they glide."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from live.desk.desk import Change, Desk
from live.desk.due import Due
from live.desk.parameters import Kind, Value
from live.timing import Clock

log = logging.getLogger(__name__)

READINGS_EVERY_S = 0.1
VALUES_EVERY_S = 0.02
GLIDES_EVERY_S = 0.05
CLOSE_S = 2.0

Send = Callable[[int, str, Value], None]
"""Sends to the target of this number that a parameter has this value. Never raises."""


class Feedback:
    """From the desk to those who show it. What is told is the newest value: nothing queues."""

    def __init__(
        self,
        desk: Desk,
        hands: Sequence[str],
        send: Send,
        name: str,
        clock: Clock = time.monotonic,
    ) -> None:
        """`hands`: whose each target is; who moves a control is not told while he does."""
        self._desk = desk
        self._send = send
        self._clock = clock
        self._readings = {one.name for one in desk.parameters() if one.kind is Kind.READING}
        self._due = Due(hands, self._every_s)
        self._changed = threading.Condition()
        self._closed = False
        self._leave: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()
        self._leave = self._desk.listen(self._hear)

    def moved(self, name: str, hand: str) -> None:
        """`hand` is about to move `name`."""
        with self._changed:
            self._due.moved(name, hand, self._clock())

    def tell(self, names: Iterable[str] | None = None) -> None:
        """Tell the values of `names` again, of those that have one; None: of all."""
        values = self._desk.values()
        names = values if names is None else [name for name in names if name in values]
        with self._changed:
            self._due.changed(names, self._clock())
            self._changed.notify()

    def close(self) -> None:
        """Tell nothing more. May be called twice, and before `start`."""
        if self._leave is not None:
            self._leave()
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)

    def _every_s(self, name: str) -> float:
        return READINGS_EVERY_S if name in self._readings else VALUES_EVERY_S

    def _hear(self, change: Change) -> None:
        if change.values:
            self.tell(change.values)

    def _run(self) -> None:
        try:
            while (ready := self._wait()) is not None:
                self._tell(ready)
        except Exception:  # the thread's top; the show goes on without
            log.exception("%s failed; other desks are told nothing more", self._thread.name)

    def _wait(self) -> list[tuple[int, str]] | None:
        """What is to be told, as soon as there is any; None at the end."""
        with self._changed:
            while not self._closed:
                now_s = self._clock()
                if ready := self._due.take(now_s):
                    return ready
                next_s = self._due.next_s()
                self._changed.wait(None if next_s is None else max(next_s - now_s, 0.0))
        return None

    def _tell(self, ready: Sequence[tuple[int, str]]) -> None:
        values, ends = self._desk.values(), self._desk.kept()
        for target, name in ready:
            self._send(target, name, values[name])
        gliding = {name for _, name in ready if name in ends and ends[name] != values[name]}
        with self._changed:
            self._due.changed(gliding, self._clock(), GLIDES_EVERY_S)
