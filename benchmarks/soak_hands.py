"""An operator who does everything at once, for `benchmarks.soak`."""

from __future__ import annotations

import random

from live.desk.desk import Desk
from live.desk.parameters import Kind, Parameter, Value

LEFT_ALONE = ("panic", "freeze", "subject", "record", "background.picture")
"""Nobody dances while these are on, or there is nothing to choose."""


class Hands:
    """Moves every control, in an order that its seed gives."""

    def __init__(self, desk: Desk, seed: int = 1) -> None:
        self._desk = desk
        self._random = random.Random(seed)
        self._moved = [
            one for one in desk.parameters() if one.settable and one.name not in LEFT_ALONE
        ]
        self._before = {one.name: desk.value(one.name) for one in self._moved}

    def move(self) -> None:
        """One control, to anywhere."""
        one = self._random.choice(self._moved)
        fade_s = self._random.choice((0.0, 0.3))
        self._desk.set(one.name, self._anywhere(one), by="hand", fade_s=fade_s)

    def put_back(self) -> None:
        """Everything as it was."""
        self._desk.set_many(self._before, by="hand")

    def _anywhere(self, one: Parameter) -> Value:
        if one.kind is Kind.NUMBER:
            return self._random.uniform(one.low, one.high)
        if one.kind is Kind.SWITCH:
            return self._random.random() < 0.5
        if one.kind is Kind.COLOUR:
            return f"#{self._random.randrange(1 << 24):06x}"
        return self._random.choice([one for one in one.choices if one != "picture"])
