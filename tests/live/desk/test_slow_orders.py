"""Panic from other desks while an order takes long; and the orders behind that one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest

from live.desk.desk import Desk
from live.desk.midi import Midi
from live.desk.midi_settings import MidiSettings
from live.desk.order_lane import OrderLane
from live.desk.osc import Osc
from live.desk.osc_settings import OscSettings, OscTarget
from tests.live.desk import fake_midi
from tests.live.desk.osc_desk import PATIENCE_S, OtherDesk, other_desk, until

MAP = """\
pickup = false
[[control]]
parameter = "record"
note = 1
[[control]]
parameter = "panic"
note = 2
[[control]]
parameter = "smoothing"
cc = 3
[[control]]
parameter = "master"
cc = 4
"""


class Slow:
    """`record` on this desk, which takes until `done`."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.begun, self.done = threading.Event(), threading.Event()
        self.set: list[object] = []
        self.desk.on_set("record", self._record)
        self.desk.on_set("smoothing", self.set.append)

    def _record(self, on: object) -> None:
        self.begun.set()
        assert self.done.wait(2 * PATIENCE_S)
        self.set.append("record")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr("live.desk.order_lane.CLOSE_S", 0.1)
    found = Slow()
    yield found
    found.done.set()


@pytest.fixture
def other() -> Iterator[OtherDesk]:
    with other_desk() as found:
        yield found


@pytest.fixture
def osc(slow: Slow, other: OtherDesk) -> Iterator[Osc]:
    found = Osc(OscSettings(0, to=(OscTarget("127.0.0.1", other.port),)), slow.desk)
    found.start()
    yield found
    found.close()


@pytest.fixture
def nano(slow: Slow, tmp_path: Path) -> Iterator[fake_midi.Device]:
    fake_midi.DEVICES.clear()
    device = fake_midi.Device("nano")
    path = tmp_path / "midi.toml"
    path.write_text(MAP, "utf-8")
    backend = mido.Backend("tests.live.desk.fake_midi", use_environ=False)
    midi = Midi(MidiSettings("nano", path), slow.desk, backend)
    midi.start()
    until(lambda: midi.ports == ["nano"])
    yield device
    midi.close()
    fake_midi.DEVICES.clear()


def test_panic_by_osc_waits_for_no_order(osc: Osc, slow: Slow, other: OtherDesk) -> None:
    other.send(osc.port, "/understudy/record", 1)
    assert slow.begun.wait(PATIENCE_S)
    other.send(osc.port, "/understudy/smoothing", 0.25)
    other.send(osc.port, "/understudy/smoothing", 0.75)
    other.send(osc.port, "/understudy/master", 0.0)
    other.send(osc.port, "/understudy/panic/toggle", 1)
    until(lambda: slow.desk.value("panic") is True and slow.desk.value("master") == 0.0)
    assert slow.set == []
    slow.done.set()
    until(lambda: len(slow.set) == 3)
    assert slow.set == ["record", 0.25, 0.75], "in their order"


def test_panic_by_midi_waits_for_no_order(nano: fake_midi.Device, slow: Slow) -> None:
    nano.note(1)
    assert slow.begun.wait(PATIENCE_S)
    nano.cc(3, 0)
    nano.cc(3, 127)
    nano.cc(4, 0)
    nano.note(2)
    until(lambda: slow.desk.value("panic") is True and slow.desk.value("master") == 0.0)
    assert slow.set == []
    slow.done.set()
    until(lambda: len(slow.set) == 3)
    assert slow.set == ["record", 0.0, 1.0], "in their order"


def test_too_many_behind_a_slow_order_are_refused_and_said(
    slow: Slow, other: OtherDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    osc = Osc(OscSettings(0, to=(OscTarget("127.0.0.1", other.port),)), slow.desk)
    monkeypatch.setattr(osc, "_lane", OrderLane("osc orders", most=2))
    osc.start()
    try:
        other.send(osc.port, "/understudy/record", 1)
        assert slow.begun.wait(PATIENCE_S)
        for value in (0.25, 0.5, 0.75):
            other.send(osc.port, "/understudy/smoothing", value)
        assert "too many orders wait" in str(other.hear("/understudy/error"))
        slow.done.set()
        until(lambda: osc.counts.orders == 3)
        assert slow.set == ["record", 0.25, 0.5] and osc.counts.refused == 1
    finally:
        osc.close()


def test_an_order_that_hangs_holds_up_no_end(slow: Slow, other: OtherDesk) -> None:
    osc = Osc(OscSettings(0), slow.desk)
    osc.start()
    other.send(osc.port, "/understudy/record", 1)
    assert slow.begun.wait(PATIENCE_S)
    other.send(osc.port, "/understudy/smoothing", 0.25)
    ending = threading.Thread(target=osc.close)
    ending.start()
    ending.join(PATIENCE_S)
    assert not ending.is_alive()
    slow.done.set()
    until(lambda: all(one.name != "osc orders" for one in threading.enumerate()))
    assert slow.set == ["record"], "what had not begun is left out"


def test_a_failure_in_a_lane_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    lane = OrderLane("a lane")

    def crash() -> None:
        raise ZeroDivisionError("a mistake of ours")

    lane.put(crash)
    lane.put(done.set)
    lane.start()
    try:
        assert done.wait(PATIENCE_S)
        assert "a lane: an order failed" in caplog.text
    finally:
        lane.close()
        lane.close()
