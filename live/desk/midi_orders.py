"""What a control of a MIDI desk does to ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from live.desk.desk import Desk
from live.desk.midi_backend import Heard, Kind
from live.desk.midi_map import Binding, MidiMap
from live.desk.parameters import SAFETY, Value
from live.desk.parameters import Kind as Holds

BY = "midi"
NEAR = 1.5 / 127
"""So near to the value, as a share of the range, a fader takes hold of it."""
PRESSED = 64
"""A button's controller from here on is down."""
JUMP = "cue.jump"


@dataclass(slots=True)
class _Memory:
    """Of one control."""

    share: float | None = None  # where the fader stood
    set: Value | None = None  # to what it set its parameter last
    coarse: int | None = None  # the first half of 14 bits
    down: bool = False  # a button


@dataclass(frozen=True, slots=True)
class Meant:
    """One thing that a control asks for."""

    urgent: bool  # it is safety's
    carry_out: Callable[[], None]  # raises UnderstudyError


class MidiOrders:
    """Reads what controls send by a map. What is urgent from one thread, the rest from one."""

    def __init__(self, desk: Desk, map: MidiMap, moving: Callable[[str], None]) -> None:
        """`moving` is told the parameter that a control is about to change."""
        self._desk = desk
        self._map = map
        self._moving = moving
        self._memories: dict[Binding, _Memory] = {}

    def use(self, map: MidiMap, held: Binding | None = None) -> None:
        """Another map from now on; `held` need not be picked up first, it was just learned."""
        self._map = map
        self._memories = {one: self._memories.get(one, _Memory()) for one in map.bindings}
        if held is not None and self._desk.parameter(held.parameter).settable:
            self._memories[held] = _Memory(set=self._desk.value(held.parameter))

    def meant(self, heard: Heard) -> list[Meant]:
        """All that it asks for; what no control is bound to means nothing."""
        bound = [one for one in self._map.bindings if one.matches(heard)]
        if not bound and heard.kind is Kind.PROGRAM and self._map.programs:
            return [Meant(False, partial(self._desk.do, JUMP, heard.number + 1, by=BY))]
        return [
            Meant(
                self._desk.parameter(one.parameter).group == SAFETY,
                partial(self._carry_out, one, heard),
            )
            for one in bound
        ]

    def hear(self, heard: Heard) -> None:
        """Carry it out. Raises UnderstudyError."""
        for one in self.meant(heard):
            one.carry_out()

    def _carry_out(self, binding: Binding, heard: Heard) -> None:
        memory = self._memories.setdefault(binding, _Memory())
        kind = self._desk.parameter(binding.parameter).kind
        if kind is Holds.ACTION or binding.value is not None:
            if _went_down(memory, heard):
                self._press(binding, kind)
        elif kind is Holds.SWITCH:
            self._switch(binding, heard, memory)
        elif binding.mode == "relative":
            self._turn(binding, kind, heard)
        elif kind is Holds.CHOICE:
            choices = self._desk.offers().get(binding.parameter, ())
            self._set(binding, min(heard.value * max(len(choices), 1) // 128, len(choices)))
        else:
            self._slide(binding, heard, memory)

    def _press(self, binding: Binding, kind: Holds) -> None:
        if kind is Holds.ACTION:
            given = () if binding.value is None else (binding.value,)
            self._desk.do(binding.parameter, *given, by=BY)
        else:
            self._set(binding, binding.value)

    def _switch(self, binding: Binding, heard: Heard, memory: _Memory) -> None:
        """A fader or latching button is what it says; a pad turns over, or is held."""
        down = heard.value >= PRESSED if heard.kind is Kind.CC else heard.value > 0
        mode = binding.mode
        if mode == "hold" or (mode == "absolute" and heard.kind is Kind.CC):
            if down != self._desk.value(binding.parameter):
                self._set(binding, down)
        elif _went_down(memory, heard):
            self._moving(binding.parameter)
            self._desk.toggle(binding.parameter, BY)

    def _turn(self, binding: Binding, kind: Holds, heard: Heard) -> None:
        """An endless encoder, two's complement: 1 to 63 up, 127 down to 65 down."""
        steps = heard.value if heard.value < 64 else heard.value - 128
        before = self._desk.value(binding.parameter)
        if kind is Holds.CHOICE:
            choices = self._desk.offers().get(binding.parameter, ())
            at = choices.index(str(before)) if before in choices else 0
            self._set(binding, min(max(at + steps, 0), max(len(choices) - 1, 0)))
            return
        low, high = self._range(binding)
        ends = (min(low, high), max(low, high))
        self._set(binding, min(max(float(before) + steps * (high - low) / 127, ends[0]), ends[1]))

    def _slide(self, binding: Binding, heard: Heard, memory: _Memory) -> None:
        share = _share(binding, heard, memory)
        if share is None:
            return
        before, memory.share = memory.share, share
        low, high = self._range(binding)
        now = self._desk.value(binding.parameter)
        if self._map.pickup and now != memory.set:
            stands = (float(now) - low) / (high - low)
            passed = before is not None and min(before, share) <= stands <= max(before, share)
            if not passed and abs(share - stands) > NEAR:
                return
        memory.set = min(max(low + (high - low) * share, min(low, high)), max(low, high))
        self._set(binding, memory.set)

    def _range(self, binding: Binding) -> tuple[float, float]:
        parameter = self._desk.parameter(binding.parameter)
        low = parameter.low if binding.low is None else binding.low
        high = parameter.high if binding.high is None else binding.high
        return (low, high) if low != high else (parameter.low, parameter.high)

    def _set(self, binding: Binding, value: object) -> None:
        self._moving(binding.parameter)
        self._desk.set(binding.parameter, value, BY)


def _went_down(memory: _Memory, heard: Heard) -> bool:
    """A button is pressed once, however often a knob says that it is turned up."""
    if heard.kind is not Kind.CC:
        return heard.value > 0
    before, memory.down = memory.down, heard.value >= PRESSED
    return memory.down and not before


def _share(binding: Binding, heard: Heard, memory: _Memory) -> float | None:
    """Where the fader stands, 0 to 1; None: the finer half is still to come."""
    if binding.mode != "14bit":
        return centred(heard.value, 127)
    if heard.number == binding.number:
        memory.coarse = heard.value
        return None
    return None if memory.coarse is None else centred(memory.coarse * 128 + heard.value, 16_383)


def centred(value: int, highest: int) -> float:
    """As a share, with the middle of a MIDI control, 64 or 8192, at exactly one half."""
    middle = (highest + 1) // 2
    if value <= middle:
        return value / (2 * middle)
    return 0.5 + (value - middle) / (2 * (highest - middle))


def uncentred(share: float, highest: int) -> int:
    """The position for a share: the inverse."""
    middle = (highest + 1) // 2
    share = min(max(share, 0.0), 1.0)
    if share <= 0.5:
        return round(share * 2 * middle)
    return middle + round((share - 0.5) * 2 * (highest - middle))
