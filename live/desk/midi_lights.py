"""What a MIDI desk is told: where its motor faders go, and which of its lamps are lit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from live.desk.desk import Desk
from live.desk.midi_backend import Heard, Kind
from live.desk.midi_map import Binding
from live.desk.midi_orders import uncentred
from live.desk.parameters import Kind as Holds
from live.desk.parameters import Parameter, Value

FIRST_CHANNEL = 1
"""Where the map names no channel."""


def lights(bindings: Iterable[Binding], desk: Desk, name: str, value: Value) -> Iterator[Heard]:
    """The messages that show `value` of the parameter `name` on every control that moves it."""
    parameter = desk.parameter(name)
    for binding in bindings:
        if binding.parameter != name or binding.kind is Kind.PROGRAM:
            continue
        at = _position(binding, parameter, desk, value)
        if at is None:
            continue
        channel = binding.channel or FIRST_CHANNEL
        if binding.mode == "14bit":
            yield Heard(Kind.CC, channel, binding.number, at // 128)
            yield Heard(Kind.CC, channel, binding.number + 32, at % 128)
        else:
            yield Heard(binding.kind, channel, binding.number, at)


def _position(binding: Binding, parameter: Parameter, desk: Desk, value: Value) -> int | None:
    """Of the control, 0 to 127, or to 16383 in 14 bits; None: it shows nothing."""
    if binding.value is not None:
        offered = desk.offers().get(parameter.name, ())
        return 127 * _same(binding.value, value, offered)
    if parameter.kind is Holds.SWITCH:
        return 127 if value else 0
    if parameter.kind is Holds.CHOICE:
        choices = desk.offers().get(parameter.name, ())
        if value not in choices:
            return None
        return min((2 * choices.index(str(value)) + 1) * 64 // len(choices), 127)
    if parameter.kind is not Holds.NUMBER or isinstance(value, str):
        return None
    low = parameter.low if binding.low is None else binding.low
    high = parameter.high if binding.high is None else binding.high
    if low == high:
        return None
    return uncentred((value - low) / (high - low), 16_383 if binding.mode == "14bit" else 127)


def _same(bound: Value, value: Value, choices: tuple[str, ...]) -> bool:
    """Whether a pad's value is the one that is set; a pad may name a choice by its place."""
    if isinstance(bound, str) or not isinstance(value, str):
        return bound == value
    return value in choices and choices.index(value) == bound
