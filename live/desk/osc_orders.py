"""What an OSC message asks of the desk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from live.desk.desk import Desk
from live.desk.osc_packets import OscOrder
from live.desk.parameters import SAFETY, Kind, Parameter
from live.errors import DeskError

ROOT = "/understudy/"
TOGGLE = "/toggle"


@dataclass(frozen=True, slots=True)
class Meant:
    """What a message means: whom, and what to do about it."""

    name: str  # of the parameter
    carry_out: Callable[[], None]  # raises UnderstudyError


def _released() -> None:
    """A button came up: it did its work when it went down."""


class OscOrders:
    """Reads messages by the desk's table."""

    def __init__(self, desk: Desk, by: str = "osc") -> None:
        self._desk = desk
        self._by = by
        self._parameters = {one.address: one for one in desk.parameters()}

    def is_urgent(self, order: OscOrder) -> bool:
        """Whether it is about what is safety's."""
        about = self._parameters.get(order.address.removesuffix(TOGGLE))
        return about is not None and about.group == SAFETY

    def meant(self, order: OscOrder) -> Meant:
        """Raises DeskError for an address that there is not, and arguments that are none."""
        arguments = [_checked(order.address, one) for one in order.arguments]
        parameter = self._parameters.get(order.address)
        if parameter is not None:
            return Meant(parameter.name, self._called(parameter, arguments))
        switch = self._parameters.get(order.address.removesuffix(TOGGLE))
        if switch is not None and switch.kind is Kind.SWITCH:
            return Meant(switch.name, self._toggle(switch, arguments))
        raise DeskError(f"there is no OSC address {order.address[:80]!r}; docs/osc.md lists them")

    def _called(self, parameter: Parameter, arguments: list[object]) -> Callable[[], None]:
        if parameter.kind is Kind.ACTION:
            return self._do(parameter, arguments)
        value, fade_s = _value_and_fade(parameter, arguments)
        return partial(self._desk.set, parameter.name, value, self._by, fade_s)

    def _do(self, parameter: Parameter, arguments: list[object]) -> Callable[[], None]:
        """A button sends 1 as it goes down and 0 as it comes up: that is one action."""
        first_is_number = bool(parameter.takes) and not parameter.takes[0].startswith("text:")
        if _pressed(arguments) is not None and not first_is_number:
            if not _pressed(arguments):
                return _released
            arguments = []
        return partial(self._desk.do, parameter.name, *arguments, by=self._by)

    def _toggle(self, parameter: Parameter, arguments: list[object]) -> Callable[[], None]:
        if arguments and _pressed(arguments) is None:
            raise DeskError(f"{parameter.address}{TOGGLE} takes nothing, or a button's 1 and 0")
        if arguments and not _pressed(arguments):
            return _released
        return partial(self._desk.toggle, parameter.name, self._by)


def _pressed(arguments: list[object]) -> bool | None:
    """Whether a button went down or came up; None: it is no button's message."""
    if len(arguments) == 1 and isinstance(arguments[0], int | float) and arguments[0] in (0, 1):
        return bool(arguments[0])
    return None


def _checked(address: str, argument: object) -> object:
    """Numbers, switches and texts mean something here; blobs, colours, arrays and Nil do not."""
    if isinstance(argument, float) and not math.isfinite(argument):
        raise DeskError(f"{address[:80]} was given {argument}; give a number")
    if isinstance(argument, str) and not argument.isprintable():
        raise DeskError(f"{address[:80]} was given a text that cannot be printed")
    if not isinstance(argument, int | float | str):
        raise DeskError(f"{address[:80]} was given {type(argument).__name__}; give numbers, texts")
    return argument


def _value_and_fade(parameter: Parameter, arguments: list[object]) -> tuple[object, float]:
    if parameter.kind is Kind.COLOUR and len(arguments) == 3:
        return _colour(parameter, arguments), 0.0
    if not 1 <= len(arguments) <= 2:
        raise DeskError(f"{parameter.address} takes a value and, where it may glide, the seconds")
    fade_s = arguments[1] if len(arguments) == 2 else 0.0
    if isinstance(fade_s, bool) or not isinstance(fade_s, int | float):
        raise DeskError(f"{parameter.address} was given a fade that is no number of seconds")
    return arguments[0], float(fade_s)


def _colour(parameter: Parameter, arguments: list[object]) -> str:
    """From red, green and blue, 0 to 1 each."""
    shares = [one for one in arguments if isinstance(one, int | float) and 0 <= one <= 1]
    if len(shares) != 3:
        raise DeskError(f"{parameter.address} takes #rrggbb, or red, green and blue from 0 to 1")
    return "#" + "".join(f"{round(255 * one):02x}" for one in shares)
