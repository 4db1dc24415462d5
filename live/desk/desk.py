"""The desk: holds what is set, checks every order, lets values glide, and tells who listens.

Orders come from many hands at once (consoles, OSC, MIDI, cues); all see one and the same state.
"""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from live.desk.parameters import Kind, Parameter, Value
from live.desk.table import TABLE
from live.errors import DeskError, UnderstudyError
from live.timing import Clock

log = logging.getLogger(__name__)

LONGEST_FADE_S = 600.0

SetHandler = Callable[[Value], None]
"""Carries a new value out before it counts; what it raises leaves the value as it was."""
DoHandler = Callable[..., None]
"""Does an action with the arguments that came; raises DeskError for those that make no sense."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has just been set, offered, read or done."""

    version: int  # counts changes; a higher one is newer
    by: str  # whose hand: "console", "osc", "midi", "cue Enter", "show"
    values: Mapping[str, Value]  # of parameters and readings, where they go to
    done: str = ""  # an action's name
    offers: Mapping[str, tuple[str, ...]] | None = None  # choices that are new


@dataclass(frozen=True, slots=True)
class _Fade:
    start: float
    end: float
    began_s: float
    lasts_s: float

    def at(self, now_s: float) -> float:
        share = min(max((now_s - self.began_s) / self.lasts_s, 0.0), 1.0)
        return self.start + (self.end - self.start) * share

    def over(self, now_s: float) -> bool:
        return now_s >= self.began_s + self.lasts_s


Listener = Callable[[Change], None]


class Desk:
    """The one state that all desks share. From any thread."""

    def __init__(
        self,
        first: Mapping[str, Value] | None = None,
        table: Sequence[Parameter] = TABLE,
        clock: Clock = time.monotonic,
    ) -> None:
        """`first`: what is set from the beginning, where it is not the table's default.

        Raises DeskError for a name or value of `first` that is none.
        """
        self._table = {one.name: one for one in table}
        self._clock = clock
        self._lock = threading.RLock()
        self._values: dict[str, Value] = {
            one.name: one.default for one in table if one.kind is not Kind.ACTION
        }
        self._fades: dict[str, _Fade] = {}
        self._offers: dict[str, tuple[str, ...]] = {}
        self._setters: dict[str, SetHandler] = {}
        self._doers: dict[str, DoHandler] = {}
        self._listeners: list[Listener] = []
        self._version = 0
        for name, value in (first or {}).items():
            parameter = self.parameter(name)
            # Choices that are offered later are taken as they are.
            late = parameter.kind is Kind.CHOICE and not parameter.choices
            self._values[name] = value if late else parameter.checked(value)

    @property
    def version(self) -> int:
        """Counts what was set, done and offered."""
        return self._version

    def parameters(self) -> Iterable[Parameter]:
        """The table, in its order."""
        return self._table.values()

    def parameter(self, name: str) -> Parameter:
        """By name. Raises DeskError for a name that there is not."""
        found = self._table.get(name) if isinstance(name, str) else None
        if found is None:
            raise DeskError(f"there is no parameter {str(name)[:60]!r}; docs/osc.md lists them all")
        return found

    def value(self, name: str, now_s: float | None = None) -> Value:
        """As it is at this moment, in the middle of a fade, too."""
        fade = self._fades.get(name)
        if fade is None:
            return self._values[name]
        return fade.at(self._clock() if now_s is None else now_s)

    def values(self, now_s: float | None = None) -> dict[str, Value]:
        """Everything that has a value, as it is at this moment."""
        now_s = self._clock() if now_s is None else now_s
        with self._lock:
            self._end_fades(now_s)
            found = dict(self._values)
            found.update({name: fade.at(now_s) for name, fade in self._fades.items()})
        return found

    def kept(self) -> dict[str, Value]:
        """What a preset holds: where everything stands, or glides to."""
        with self._lock:
            return {
                name: value
                for name, value in self._values.items()
                if self._table[name].settable and self._table[name].kept
            }

    def offers(self) -> dict[str, tuple[str, ...]]:
        """The choices there are, by parameter."""
        with self._lock:
            fixed = {one.name: one.choices for one in self._table.values() if one.choices}
            return {**fixed, **self._offers}

    def offer(self, name: str, choices: Sequence[str]) -> None:
        """Say which choices there are from now on."""
        with self._lock:
            self._offers[self.parameter(name).name] = tuple(choices)
            change = self._changed("show", {}, offers={name: tuple(choices)})
        self._tell(change)

    def set(self, name: str, value: object, by: str, fade_s: float = 0.0) -> None:
        """Set one; see `set_many`."""
        self.set_many({name: value}, by, fade_s)

    def set_many(self, values: Mapping[str, object], by: str, fade_s: float = 0.0) -> None:
        """Set several at once: all are checked before any counts.

        Those that fade glide there in `fade_s` seconds; the others change now. Raises DeskError,
        with nothing changed, where one of them is wrong; and what a handler raises, with
        everything changed but what that one would have carried out.
        """
        if not 0 <= fade_s <= LONGEST_FADE_S:
            raise DeskError(f"a fade of {fade_s} s; give 0 to {LONGEST_FADE_S:g} seconds")
        offers = self.offers()
        checked = {
            name: self.parameter(name).checked(value, offers.get(name, ()))
            for name, value in values.items()
        }
        failed = self._carry_out(checked)
        with self._lock:
            now_s = self._clock()
            for name, value in checked.items():
                self._begin(name, value, now_s, fade_s)
            change = self._changed(by, checked) if checked else None
        if change is not None:
            self._tell(change)
        if failed is not None:
            raise failed

    def toggle(self, name: str, by: str) -> None:
        """Turn a switch over."""
        if self.parameter(name).kind is not Kind.SWITCH:
            raise DeskError(f"{name} is no switch; set it to a value")
        self.set(name, not self.value(name), by)

    def do(self, name: str, *arguments: object, by: str) -> None:
        """Do an action. Raises DeskError, and what the action raises."""
        parameter = self.parameter(name)
        if parameter.kind is not Kind.ACTION:
            raise DeskError(f"{name} is set, not done; give it a value")
        doer = self._doers.get(name)
        if doer is None:
            raise DeskError(f"{name} cannot be done in this show: {parameter.help}")
        try:
            inspect.signature(doer).bind(*arguments)
        except TypeError as error:  # too many, too few
            takes = ", ".join(parameter.takes) or "nothing"
            raise DeskError(f"{name} takes {takes}; it was given {len(arguments)}") from error
        # JSON as Python reads it, and OSC, can say NaN; an int may be beyond every float.
        if any(isinstance(one, int | float) and not abs(one) < 1e300 for one in arguments):
            raise DeskError(f"{name} was given a number that is none; give a finite one")
        doer(*arguments)
        with self._lock:
            change = self._changed(by, {}, done=name)
        self._tell(change)

    def can(self, name: str) -> bool:
        """Whether this show can do the action."""
        return name in self._doers

    def report(self, readings: Mapping[str, Value]) -> None:
        """What the show tells of itself. Only what differs is passed on."""
        with self._lock:
            new = {
                name: value for name, value in readings.items() if self._values.get(name) != value
            }
            assert all(self._table[name].kind is Kind.READING for name in new)
            self._values.update(new)
            change = self._changed("show", new) if new else None
        if change is not None:
            self._tell(change)

    def follow(self, name: str, value: Value) -> None:
        """Note what the show did by itself: the value counts, and no handler is asked."""
        with self._lock:
            self._fades.pop(name, None)
            self._values[name] = value
            change = self._changed("show", {name: value})
        self._tell(change)

    def on_set(self, name: str, handler: SetHandler) -> None:
        """Let `handler` carry out every new value of `name`."""
        assert self.parameter(name).settable
        self._setters[name] = handler

    def on_do(self, name: str, handler: DoHandler) -> None:
        """Let `handler` do `name`."""
        assert self.parameter(name).kind is Kind.ACTION
        self._doers[name] = handler

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told every change, on the thread that made it: be quick. Returns what ends it."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def leave() -> None:
            with self._lock:
                self._listeners = [one for one in self._listeners if one is not listener]

        return leave

    def _carry_out(self, checked: dict[str, Value]) -> UnderstudyError | None:
        """Ask the handlers; what failed is taken out of `checked`. Returns the first failure."""
        first: UnderstudyError | None = None
        for name, value in list(checked.items()):
            handler = self._setters.get(name)
            if handler is None:
                continue
            try:
                handler(value)
            except UnderstudyError as error:
                del checked[name]
                first = first or error
        return first

    def _begin(self, name: str, value: Value, now_s: float, fade_s: float) -> None:
        parameter, before = self._table[name], self.value(name, now_s)
        self._fades.pop(name, None)
        if parameter.fades and fade_s > 0 and before != value:
            self._fades[name] = _Fade(float(before), float(value), now_s, fade_s)
        self._values[name] = value

    def _end_fades(self, now_s: float) -> None:
        for name in [name for name, fade in self._fades.items() if fade.over(now_s)]:
            del self._fades[name]

    def _changed(
        self,
        by: str,
        values: Mapping[str, Value],
        done: str = "",
        offers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Change:
        self._version += 1
        return Change(self._version, by, dict(values), done, offers)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:  # who listens may not hold up who works
                log.exception("what listens to the desk failed")
