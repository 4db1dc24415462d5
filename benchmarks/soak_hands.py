"""An operator who does everything at once, for `benchmarks.soak`."""

from __future__ import annotations

import random
from collections.abc import Sequence

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
        choices = [choice for choice in one.choices if choice != "picture"]
        fade_s = self._random.choice((0.0, 0.3))
        self._desk.set(one.name, anywhere(self._random, one, choices), by="hand", fade_s=fade_s)

    def put_back(self) -> None:
        """Everything as it was."""
        self._desk.set_many(self._before, by="hand")


def anywhere(dice: random.Random, one: Parameter, choices: Sequence[str]) -> Value:
    """A value that `one` may have, its ends more often than chance would; of a CHOICE one of
    `choices`."""
    if one.kind is Kind.NUMBER:
        return dice.choice((one.low, one.high, dice.uniform(one.low, one.high)))
    if one.kind is Kind.SWITCH:
        return dice.random() < 0.3
    if one.kind is Kind.COLOUR:
        return f"#{dice.randrange(1 << 24):06x}"
    return dice.choice(choices)
