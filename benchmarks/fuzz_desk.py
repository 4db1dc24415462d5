"""A desk for the fuzzing, that tells what must not be in it."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.fuzz_target import LetInError
from live.desk.desk import Change, Desk
from live.desk.parameters import Kind, Parameter, Value
from live.errors import DeskError


def likely(rng: random.Random, parameter: Parameter) -> list[Value]:
    """Arguments that are right, or would be in another place."""
    if parameter.kind is Kind.NUMBER:
        value = rng.uniform(parameter.low, parameter.high)
        fades = parameter.fades and rng.random() < 0.3
        return [value, rng.choice((0.0, 0.5, 20.0))] if fades else [value]
    if parameter.kind is Kind.CHOICE:
        named: tuple[Value, ...] = (*parameter.choices, "ada", 0, 1)
        return [rng.choice(named)]
    if parameter.kind is Kind.ACTION:
        given: tuple[Value, ...] = ("ada", 1, 0.5)
        return [rng.choice(given) for _ in parameter.takes]
    plain: tuple[Value, ...] = ("#102030", 1.0) if parameter.kind is Kind.COLOUR else (0, 1, True)
    return [rng.choice(plain)]


class WatchedDesk:
    """Every action can be done, and its arguments are looked at."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wrong: list[str] = []
        self._readings = {one.name for one in desk.parameters() if one.kind is Kind.READING}
        desk.listen(self._hear)
        for one in desk.parameters():
            if one.kind is Kind.ACTION:
                desk.on_do(one.name, self._doer(one.name, one.takes))

    def check(self) -> None:
        """That everything set is what the table allows. Raises LetInError."""
        if self.wrong:
            raise LetInError(self.wrong.pop())
        values, offers = self.desk.kept(), self.desk.offers()
        for name, value in values.items():
            if value == self.desk.parameter(name).default:
                continue
            try:
                self.desk.parameter(name).checked(value, offers.get(name, ()))
            except DeskError as error:
                raise LetInError(str(error)) from error

    def _hear(self, change: Change) -> None:
        if change.by != "show" and self._readings & set(change.values):
            self.wrong.append(f"{change.by} set a reading")

    def _doer(self, name: str, takes: tuple[str, ...]) -> Callable[..., None]:
        def do(*arguments: object) -> None:
            if len(arguments) > len(takes):
                raise DeskError(f"{name} takes {len(takes)}")
            for one in arguments:
                if not isinstance(one, int | float | str) or one != one:
                    self.wrong.append(f"{name} was given {one!r:.80}")

        return do
