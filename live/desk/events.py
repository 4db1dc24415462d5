"""What has happened lately, for the operator: what the log says, and what other hands have set."""

from __future__ import annotations

import datetime
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from live.desk.desk import Change, Desk
from live.desk.parameters import Kind
from live.sources.base import redacted
from live.timing import Clock

MOST = 200
"""Events that are kept."""
LONGEST = 500
"""Characters of one."""
BURST, PER_S = 40, 4.0
"""Events at once, and then in a second; what is more is counted and left out."""

OURS = ("live", "understudy", "__main__")
_FRAGMENT = re.compile(r"(https?://[^\s#]*#)\S+")  # links carry their tokens there
_TOLD = frozenset({Kind.SWITCH, Kind.CHOICE})  # faders and colours move too often


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the console's log."""

    at: str  # ISO 8601, local time with its zone
    level: str  # "info", "warning" or "error"
    text: str


Listener = Callable[[Event], None]


class EventLog(logging.Handler):
    """Keeps the newest, and tells who listens. From any thread.

    As a context manager it hears the root logger: INFO of ours, WARNING and above of everybody.
    """

    def __init__(self, secrets: Iterable[str] = (), clock: Clock = time.monotonic) -> None:
        """`secrets` (tokens, keys) are struck out wherever they turn up."""
        super().__init__(logging.INFO)
        self._secrets = tuple(one for one in secrets if one)
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=MOST)
        self._listeners: tuple[Listener, ...] = ()
        self._kept = threading.Lock()
        self._left, self._at_s = float(BURST), clock()
        self._missed = 0

    def __enter__(self) -> EventLog:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        self.close()

    def newest(self) -> list[Event]:
        """All that are kept, the oldest first."""
        with self._kept:
            return list(self._events)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told every event, on the thread it happens on: be quick. Returns what ends it."""
        with self._kept:
            self._listeners = (*self._listeners, listener)

        def leave() -> None:
            with self._kept:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return leave

    def add(self, level: str, text: str) -> None:
        """Something has happened; left out where too much does."""
        with self._kept:
            events = self._admitted(level, text)
            self._events.extend(events)
            listeners = self._listeners
        for listener in listeners:
            for event in events:
                listener(event)

    def emit(self, record: logging.LogRecord) -> None:
        """logging's way in."""
        if record.levelno < logging.WARNING and record.name.partition(".")[0] not in OURS:
            return
        try:
            self.add(_level(record.levelno), record.getMessage())
        except Exception:  # as logging's own handlers do: who logs is not to fail of it
            self.handleError(record)

    def follow(self, desk: Desk) -> Callable[[], None]:
        """Tell of actions, switches and choices, whoever's hand it was. Returns what ends it."""

        def heard(change: Change) -> None:
            for text in in_words(change, desk):
                self.add("info", text)

        return desk.listen(heard)

    def _admitted(self, level: str, text: str) -> list[Event]:
        now_s = self._clock()
        self._left = min(self._left + (now_s - self._at_s) * PER_S, float(BURST))
        self._at_s = now_s
        if self._left < 1:
            self._missed += 1
            return []
        self._left -= 1
        events = [Event(_now(), level, self._fit(text))]
        if self._missed:
            left_out = f"{self._missed} more were left out; the terminal has them all"
            events.insert(0, Event(_now(), "info", left_out))
            self._missed = 0
        return events

    def _fit(self, text: str) -> str:
        """One line, not long, without anybody's key."""
        for secret in self._secrets:
            text = text.replace(secret, "...")
        text = redacted(_FRAGMENT.sub(r"\1...", text))
        text = "".join(one if one.isprintable() else " " for one in text)
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def in_words(change: Change, desk: Desk) -> list[str]:
    """What a change is worth telling: "osc: go", "cue Enter: mirror on, background green"."""
    if change.done:
        return [f"{change.by}: {change.done}"]
    kinds = {one.name: one.kind for one in desk.parameters()}
    told = [
        f"{name} {_shown(value)}"
        for name, value in change.values.items()
        if kinds.get(name) in _TOLD
    ]
    return [f"{change.by}: {', '.join(told)}"] if told else []


def as_json(event: Event) -> Mapping[str, object]:
    """As the console has it."""
    return {"at": event.at, "level": event.level, "text": event.text}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) or "none"


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    return "warning" if number >= logging.WARNING else "info"


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
