"""Whatever controls send, the desk holds nothing that its table does not allow."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from live.desk.desk import Desk
from live.desk.midi_backend import Heard, Kind
from live.desk.midi_lights import lights
from live.desk.midi_map import MODES, Binding, MidiMap
from live.desk.midi_orders import MidiOrders
from live.desk.parameters import Kind as Holds
from live.errors import UnderstudyError

NAMES = [one.name for one in Desk().parameters() if one.kind is not Holds.READING]

positions = st.integers(0, 127)
bindings = st.builds(
    Binding,
    st.sampled_from(NAMES),
    st.sampled_from(Kind),
    st.integers(0, 3),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(MODES),
    st.sampled_from([None, 0, 1, 0.5, 3, "green", "#102030", True]),
)
messages = st.builds(Heard, st.sampled_from(Kind), st.integers(1, 2), st.integers(0, 35), positions)


@given(st.lists(bindings, max_size=6), st.lists(messages, max_size=30), st.booleans())
def test_nothing_wrong_is_ever_set(bound: list[Binding], sent: list[Heard], pickup: bool) -> None:
    desk = Desk()
    desk.offer("subject", ("ada", "bo"))
    orders = MidiOrders(desk, MidiMap(tuple(bound), pickup), lambda name: None)
    for heard in sent:
        with contextlib.suppress(UnderstudyError):
            orders.hear(heard)
    offers = desk.offers()
    for name, value in desk.kept().items():
        parameter = desk.parameter(name)
        if value != parameter.default:
            assert parameter.checked(value, offers.get(name, ())) == value
        for told in lights(bound, desk, name, value):
            assert 0 <= told.value <= 127 and 1 <= told.channel <= 16 and told.number <= 127


@given(positions, st.sampled_from(["smoothing", "figure.x", "figure.scale", "tempo"]))
def test_a_motor_goes_where_the_fader_was(position: int, name: str) -> None:
    desk, binding = Desk(), Binding(name, Kind.CC, 7)
    orders = MidiOrders(desk, MidiMap((binding,), pickup=False), lambda name: None)
    orders.hear(Heard(Kind.CC, 1, 7, position))
    assert list(lights([binding], desk, name, desk.value(name))) == [Heard(Kind.CC, 1, 7, position)]
