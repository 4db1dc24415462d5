"""When another desk is to be told what: a pure function of (what happened, now)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

REST_S = 0.1
"""A control that has not moved for so long rests."""


class Due:
    """Who is still to be told of which parameters.

    Whoever moves a control is not told its value while it moves, or it would fight the finger; he
    is told where it rests. Everybody else is told at once, but never more often than `every_s`.
    """

    def __init__(self, hands: Sequence[str], every_s: Callable[[str], float]) -> None:
        """`hands`: whose each target is. `every_s`: of a parameter, between two messages."""
        self._hands = tuple(hands)
        self._every_s = every_s
        self._due_s: dict[tuple[int, str], float] = {}
        self._sent_s: dict[tuple[int, str], float] = {}
        self._moving: dict[str, tuple[str, float]] = {}  # by whom, and when it rests

    def moved(self, name: str, hand: str, now_s: float) -> None:
        """`hand` moves the control of `name`; say so before the value changes."""
        self._moving[name] = (hand, now_s + REST_S)

    def changed(self, names: Iterable[str], now_s: float, later_s: float = 0.0) -> None:
        """All are to be told the value of `names`, `later_s` from now."""
        for name in names:
            mover, rests_s = self._moving.get(name, ("", now_s))
            for target, hand in enumerate(self._hands):
                key, soonest_s = (target, name), now_s + later_s
                if (sent_s := self._sent_s.get(key)) is not None:
                    soonest_s = max(soonest_s, sent_s + self._every_s(name))
                self._due_s[key] = max(soonest_s, rests_s) if hand == mover else soonest_s

    def take(self, now_s: float) -> list[tuple[int, str]]:
        """Target and parameter of what is to be told now; it is held to be told."""
        ready = [key for key, due_s in self._due_s.items() if due_s <= now_s]
        for key in ready:
            del self._due_s[key]
            self._sent_s[key] = now_s
        return ready

    def next_s(self) -> float | None:
        """When there is something to tell; None: nothing waits."""
        return min(self._due_s.values(), default=None)
