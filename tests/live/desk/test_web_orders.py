"""Orders without sockets: whatever comes is answered, and the desk holds nothing that is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.desk.desk import Change, Desk
from live.desk.look_of import look_of
from live.desk.table import TABLE
from live.desk.web_changes import add
from live.desk.web_json import packed, read_message
from live.desk.web_orders import Orders, is_urgent
from live.errors import DeskError

NAMES = st.sampled_from([one.name for one in TABLE]) | st.text(max_size=5)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8
)
MESSAGES = st.dictionaries(
    st.sampled_from(["set", "toggle", "do", "acknowledge", "fade", "with", "id", "else"]),
    ANYTHING | NAMES | st.dictionaries(NAMES, PLAIN),
)


def desk_with_actions() -> Desk:
    desk = Desk()
    desk.on_do("normalize.calibrate", lambda seconds=8: None)
    desk.on_do("go", lambda: None)
    return desk


@given(MESSAGES)
def test_whatever_comes_is_answered(message: dict[str, object]) -> None:
    desk = desk_with_actions()
    answer = Orders(desk, lambda name, words: None).answer(message)
    assert set(answer) in ({"ok"}, {"error", "id"})
    assert isinstance(is_urgent(message, desk), bool)
    json.loads(packed(answer))
    for one in desk.parameters():
        if one.name in desk.kept() and not (one.kind.value == "choice" and not one.choices):
            assert one.checked(desk.value(one.name)) == desk.kept()[one.name]
    look_of(desk.values())  # the picture stage can use it


@given(st.text(max_size=200) | ANYTHING.map(lambda value: json.dumps(value)))
def test_whatever_text_comes_is_a_message_or_an_error(text: str) -> None:
    try:
        found = read_message(text)
    except DeskError:
        return
    assert isinstance(found, dict)


@pytest.mark.parametrize(
    ("message", "urgent"),
    [
        ({"set": {"panic": True}}, True),
        ({"toggle": "freeze"}, True),
        ({"do": "resume"}, True),
        ({"set": {"panic": True, "subject": "x"}}, False),
        ({"do": "go"}, False),
        ({"acknowledge": {}}, False),
        ({}, False),
        ({"toggle": ["panic"]}, False),
    ],
    ids=range(8),
)
def test_what_is_safetys_goes_first(message: dict[str, object], urgent: bool) -> None:
    assert is_urgent(message, Desk()) is urgent


def test_an_id_that_is_none_is_not_sent_back() -> None:
    orders = Orders(Desk(), lambda name, words: None)
    assert orders.answer({"toggle": "mirror", "id": True})["id"] is None
    assert orders.answer({"toggle": "mirror", "id": 2**70})["ok"] is None
    assert orders.answer({"toggle": "mirror"}) == {"ok": None}


def test_changes_of_one_hand_go_out_together_and_actions_alone() -> None:
    waiting: list[Change] = []
    for change in (
        Change(1, "osc", {"master": 0.1}),
        Change(2, "osc", {"master": 0.2, "mirror": True}),
        Change(3, "midi", {"master": 0.3}),
        Change(4, "midi", {}, done="go"),
        Change(5, "midi", {"master": 0.4}),
        Change(6, "midi", {"lead": 1.0}),
    ):
        add(waiting, change)
    assert [(one.version, one.by, dict(one.values), one.done) for one in waiting] == [
        (2, "osc", {"master": 0.2, "mirror": True}, ""),
        (3, "midi", {"master": 0.3}, ""),
        (4, "midi", {}, "go"),
        (6, "midi", {"master": 0.4, "lead": 1.0}, ""),
    ]
