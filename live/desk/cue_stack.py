"""Goes through the cues: the next one, back, any; now, on the beat, or by itself after a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from live.desk.cue_book import CueBook
from live.desk.cue_moves import (
    Due,
    Move,
    backward,
    checked_number,
    forward,
    found_again,
    no_more,
    straight,
)
from live.desk.cues import BY_HAND, Cue, CuePlace, Values
from live.desk.desk import Desk
from live.desk.parameters import Value
from live.desk.presets import set_what_holds
from live.desk.tempo import NOW, Tempo
from live.desk.tick_thread import TickThread
from live.errors import DeskError, UnderstudyError
from live.timing import Clock

log = logging.getLogger(__name__)


class CueStack:
    """Does the desk's `go`, `back`, `cue.jump` and `cues.reload`. From any thread."""

    def __init__(
        self, desk: Desk, book: CueBook, tempo: Tempo, clock: Clock = time.monotonic
    ) -> None:
        """Nothing that waits happens before `start`."""
        self._desk = desk
        self._book = book
        self._tempo = tempo
        self._clock = clock
        self._place: CuePlace | None = None
        self._due: Due | None = None
        self._turn = threading.Condition()  # held while a move is made: one after another
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._thread = TickThread("cues", self._turn, lambda: self.tick())
        desk.on_do("go", self.go)
        desk.on_do("back", self.back)
        desk.on_do("cue.jump", self.jump)
        desk.on_do("cues.reload", self.reload)
        book.listen(self._tell_in_turn)
        self._tell()

    @property
    def place(self) -> CuePlace | None:
        """Where the show is: what a restart needs."""
        return self._place

    def start(self) -> None:
        """Begin to wait for beats. Once only."""
        self._thread.start()

    def close(self) -> None:
        """End. From any state; may be called twice."""
        self._thread.close()

    def go(self) -> None:
        """The next cue. Raises DeskError where there is none."""
        with self._turn:
            if self._due is not None and self._due.on:
                raise DeskError(f"{self._due.says} already; back calls it off")
            number = self._last() + 1
            if number > len(self._cues()):
                raise DeskError(no_more(self._cues()))
            self._order("go", number, self._clock())

    def back(self) -> None:
        """Undo the last cue, or call off the one that waits for its beat. Raises DeskError."""
        with self._turn:
            if self._waits():
                self._await(None)
                return
            if not self._last():
                raise DeskError("no cue has gone yet: there is nothing to go back to")
            self._order("back", self._last() - 1, self._clock())

    def jump(self, number: object) -> None:
        """This cue, as if those before it had gone. Raises DeskError."""
        with self._turn:
            self._order("jump", checked_number(number, self._cues()), self._clock())

    def reload(self) -> None:
        """Read the file again; where it has errors, the cues stay. Raises DeskError."""
        self._book.reload(self._turn, self._find_again)
        log.info("%s is read: %d cues", self._book.path.name, len(self._cues()))

    def restore(self, place: CuePlace) -> None:
        """Where a show that was killed had been; nothing is set. What was to follow does not."""
        with self._turn:
            self._place = self._replaced(place)
            self._tell()

    def told(self) -> dict[str, object]:
        """For consoles. Never waits."""
        cues, due, last = self._cues(), self._due, self._last()
        return {
            "file": self._book.path.name,
            "cues": [{"number": c.number, "name": c.name, "fade_s": c.fade_s} for c in cues],
            "last": last or None,
            "next": last + 1 if last < len(cues) else None,
            "trouble": list(self._book.trouble),
            "waiting": {"number": due.number, "on": due.on} if due and due.on else None,
        }

    def listen(self, listener: Callable[[], None]) -> None:
        """Be told that `told` tells something new, on the thread that changed it: be quick."""
        with self._turn:
            self._listeners = (*self._listeners, listener)

    def tick(self) -> float | None:
        """Make the move that is due; seconds until the next one is, None: none waits."""
        with self._turn:
            due = self._due
            if due is None:
                return None
            if (left_s := due.at_s - self._clock()) > 0:
                return left_s
            self._due = None  # whatever comes of it
            if due.on:
                self._make(due)
            else:
                self._order(due.kind, due.number, due.at_s)
        return 0.0

    def _order(self, kind: str, number: int, at_s: float) -> None:
        """Make a move, or let it wait for its beat."""
        cue = self._cue(number)
        own = cue.on if cue is not None and kind != "back" else ""
        on = own or str(self._desk.value("on"))
        due = Due(self._tempo.due_s(on, at_s), number, cue.name if cue else "", kind, on)
        if on == NOW:
            self._make(due)
        else:
            self._await(due)

    def _await(self, due: Due | None) -> None:
        self._due = due
        self._turn.notify_all()
        self._tell()

    def _make(self, due: Due) -> None:
        before = self._standing() if self._place is None else self._place.before
        move = self._move(due, before)
        self._place = None
        if move.number:
            self._place = CuePlace(move.number, self._cues()[move.number - 1].name, before)
        self._due = self._following(due) if due.kind != "back" else None
        self._turn.notify_all()
        set_what_holds(self._desk, move.values, move.by, move.fade_s)
        for action in move.do:
            self._do(action, move.by)
        self._tell()

    def _move(self, due: Due, before: Values) -> Move:
        sheet, last = self._book.sheet, self._last()
        if due.kind == "back" and last:  # a file read meanwhile may have no cues
            return backward(sheet, last, before)
        if due.kind == "jump" or due.number != last + 1:
            return straight(sheet, due.number, last, before)
        return forward(sheet, due.number)

    def _following(self, due: Due) -> Due | None:
        cue, then = self._cue(due.number), self._cue(due.number + 1)
        if cue is None or cue.follow_s is None or then is None:
            return None
        # From when it was due, not from when it went: a chain of cues does not run late.
        return Due(due.at_s + cue.follow_s, then.number, then.name, "go")

    def _do(self, action: str, by: str) -> None:
        try:
            self._desk.do(action, by=by)
        except UnderstudyError as error:
            log.warning("%s: %s", by, error)

    def _standing(self) -> dict[str, Value]:
        """Everything that a cue could change."""
        kept = self._desk.kept()  # where it glides to
        return {
            one.name: kept.get(one.name, self._desk.value(one.name))
            for one in self._desk.parameters()
            if one.settable and one.name not in BY_HAND
        }

    def _cues(self) -> tuple[Cue, ...]:
        return self._book.sheet.cues

    def _cue(self, number: int) -> Cue | None:
        cues = self._cues()
        return cues[number - 1] if 1 <= number <= len(cues) else None

    def _last(self) -> int:
        return self._place.number if self._place is not None else 0

    def _waits(self) -> bool:
        return self._due is not None and bool(self._due.on)

    def _find_again(self) -> None:
        """Where the show is, in cues that are new."""
        if self._place is not None:
            self._place = self._replaced(self._place)
        if (due := self._due) is not None:
            number = found_again(due.number, due.name, self._cues())
            self._due = replace(due, number=number) if number else None

    def _replaced(self, place: CuePlace) -> CuePlace | None:
        number = found_again(place.number, place.name, self._cues())
        cue = self._cue(number)
        return CuePlace(number, cue.name, place.before) if cue is not None else None

    def _tell_in_turn(self) -> None:
        with self._turn:  # what a move tells meanwhile is newer, and is told after it
            self._tell()

    def _tell(self) -> None:
        last, then = self._cue(self._last()), self._cue(self._last() + 1)
        self._desk.report(
            {"cue": last.title if last else "", "cue.next": then.title if then else ""}
        )
        for listener in self._listeners:
            listener()
