"""MIDI desks: what their controls do, learning, lamps, and devices that come and go."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import pytest

from live.desk import midi_backend
from live.desk.desk import Desk
from live.desk.midi import FORGET, LEARN, Midi
from live.desk.midi_settings import MidiSettings, add_midi_arguments, midi_settings
from live.desk.parameters import Kind, Parameter
from live.desk.table import TABLE
from live.errors import DeskError, SetupError
from tests.live.desk import fake_midi
from tests.live.desk.fake_midi import Device
from tests.live.desk.osc_desk import until

EVERY_S = 0.02
"""Between two looks at what is plugged in."""

Begin = Callable[..., Midi]


@pytest.fixture(autouse=True)
def _nothing_plugged_in() -> Iterator[None]:
    fake_midi.DEVICES.clear()
    fake_midi.TROUBLE.clear()
    yield
    fake_midi.DEVICES.clear()
    fake_midi.TROUBLE.clear()


@pytest.fixture
def desk() -> Desk:
    known = {one.name for one in TABLE}
    own = (
        Parameter(LEARN, Kind.ACTION, "MIDI", "learn", takes=("text:name", "value")),
        Parameter(FORGET, Kind.ACTION, "MIDI", "forget", takes=("text:name",)),
    )
    return Desk(table=(*TABLE, *(one for one in own if one.name not in known)))


@pytest.fixture
def begin(desk: Desk, tmp_path: Path) -> Iterator[Begin]:
    begun: list[Midi] = []

    def start(map: str = "", name: str = "nano", wait: bool = True) -> Midi:
        path = tmp_path / "midi.toml"
        if map:
            path.write_text(map, "utf-8")
        backend = mido.Backend("tests.live.desk.fake_midi", use_environ=False)
        midi = Midi(MidiSettings(name, path), desk, backend, every_s=EVERY_S)
        begun.append(midi)
        midi.start()
        if wait:
            until(lambda: len(midi.ports) == len(fake_midi.DEVICES), "every device is opened")
        return midi

    yield start
    for midi in begun:
        midi.close()


def control(parameter: str, **keys: object) -> str:
    rows = "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
    return f'[[control]]\nparameter = "{parameter}"\n{rows}\n'


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


JUMPING = "pickup = false\n"


def test_a_fader_moves_a_number(begin: Begin, desk: Desk) -> None:
    nano = Device("nanoKONTROL2 20:0")
    begin(JUMPING + control("figure.x", cc=7, channel=2))
    for position, value in ((0, -2.0), (64, 0.0), (127, 2.0)):
        nano.cc(7, position, channel=2)
        until(lambda value=value: desk.value("figure.x") == value)  # type: ignore[misc]
    nano.cc(7, 0, channel=1)
    nano.cc(8, 0, channel=2)
    nano.cc(7, 64, channel=2)
    until(lambda: desk.value("figure.x") == 0.0)


def test_a_range_may_be_narrowed_and_turned_round(begin: Begin, desk: Desk) -> None:
    nano = Device("nano")
    begin(JUMPING + control("figure.scale", cc=1, low=1.5, high=0.5))
    nano.cc(1, 127)
    until(lambda: desk.value("figure.scale") == 0.5)
    nano.cc(1, 0)
    until(lambda: desk.value("figure.scale") == 1.5)


def test_fourteen_bits_count_when_both_halves_are_there(begin: Begin, desk: Desk) -> None:
    nano = Device("nano")
    begin(JUMPING + control("master", cc=3, mode="14bit"))
    nano.cc(35, 5)
    nano.cc(3, 32)
    nano.cc(35, 1)
    until(lambda: desk.value("master") == pytest.approx((32 * 128 + 1) / 16384))


def test_an_encoder_turns_without_end(begin: Begin, desk: Desk) -> None:
    nano = Device("nano")
    begin(control("master", cc=9, mode="relative") + control("background", cc=10, mode="relative"))
    nano.cc(9, 127)
    until(lambda: desk.value("master") == pytest.approx(126 / 127))
    nano.cc(9, 65)
    until(lambda: desk.value("master") == pytest.approx(63 / 127))
    nano.cc(9, 63)
    nano.cc(9, 63)
    until(lambda: desk.value("master") == 1.0)
    nano.cc(10, 2)
    until(lambda: desk.value("background") == "green")
    nano.cc(10, 60)
    until(lambda: desk.value("background") == "picture")


def test_pads_buttons_and_programs(begin: Begin, desk: Desk) -> None:
    done: list[object] = []
    desk.on_do("go", lambda: done.append("go"))
    desk.on_do("cue.jump", done.append)
    desk.on_do("preset.recall", done.append)
    nano = Device("nano")
    begin(
        control("mirror", note=36)
        + control("freeze", note=37, mode="hold")
        + control("go", cc=41)
        + control("background", note=38, value="green")
        + control("preset.recall", note=39, value="verse")
        + control("panic", cc=42)
        + control("background", cc=43)
    )
    nano.note(36)
    until(lambda: desk.value("mirror") is True)
    nano.note(36, 0)
    nano.note(36)
    until(lambda: desk.value("mirror") is False)
    nano.note(37)
    until(lambda: desk.value("freeze") is True)
    nano.move("note_off", note=37)
    until(lambda: desk.value("freeze") is False)
    for value in (127, 127, 0, 127, 0):
        nano.cc(41, value)
    nano.note(39)
    nano.note(38)
    until(lambda: desk.value("background") == "green")
    assert done == ["go", "go", "verse"], "a button that stays down goes once"
    nano.cc(42, 127)
    until(lambda: desk.value("panic") is True)
    nano.cc(42, 0)
    until(lambda: desk.value("panic") is False)
    nano.cc(43, 127)
    until(lambda: desk.value("background") == "picture")
    nano.move("program_change", program=4)
    until(lambda: done[-1] == 5)


def test_programs_may_be_left_to_the_keyboard(begin: Begin, desk: Desk) -> None:
    done: list[object] = []
    desk.on_do("cue.jump", done.append)
    nano = Device("nano")
    begin("programs = false\n" + control("mirror", note=1) + control("face", program=3))
    nano.move("program_change", program=4)
    nano.move("program_change", program=3)
    until(lambda: desk.value("face") is False)
    assert done == []


def test_a_fader_takes_hold_where_it_passes_the_value(begin: Begin, desk: Desk) -> None:
    nano = Device("nano")
    midi = begin(control("smoothing", cc=7) + control("mirror", note=1))

    def stands() -> float:
        """After all that was sent."""
        before = desk.value("mirror")
        nano.note(1)
        until(lambda: desk.value("mirror") != before)
        return float(desk.value("smoothing"))

    for position in (0, 20, 40):
        nano.cc(7, position)
    assert stands() == 0.5, "no jump"
    nano.cc(7, 70)
    assert stands() > 0.5, "it passed 64: now it holds"
    nano.cc(7, 10)
    held = stands()
    assert held < 0.1
    desk.set("smoothing", 0.9, by="console")
    nano.cc(7, 12)
    assert stands() == 0.9, "somebody else moved it: it is to be picked up again"
    nano.cc(7, 127)
    assert stands() == 1.0
    assert midi.mistakes == 0


def test_a_control_is_learned_and_forgotten(begin: Begin, desk: Desk, tmp_path: Path) -> None:
    nano = Device("nano")
    begin("# mine\npickup = true # good\n" + control("face", cc=1) + "# the end\n")
    desk.do(LEARN, "smoothing", by="console")
    nano.cc(21, 3)
    nano.cc(21, 0)
    until(lambda: desk.value("smoothing") == 0.0, "a control that was learned holds at once")
    text = (tmp_path / "midi.toml").read_text("utf-8")
    assert 'parameter = "smoothing"' in text and "cc = 21" in text
    assert "# mine" in text and "# good" in text and "# the end" in text
    desk.do(LEARN, "mirror", by="console")
    nano.note(50, 0)
    nano.note(50)
    nano.note(50, 0)
    nano.note(50)
    until(lambda: desk.value("mirror") is True)
    desk.do(LEARN, "face", by="console")
    nano.cc(21, 0)
    nano.cc(21, 0)
    until(lambda: desk.value("face") is False, "a control does one thing: the newest")
    desk.do(FORGET, "mirror", by="console")
    nano.note(50)
    nano.cc(1, 127)
    until(lambda: desk.value("face") is True)
    assert desk.value("mirror") is True
    assert "smoothing" not in (tmp_path / "midi.toml").read_text("utf-8")
    with pytest.raises(DeskError, match="nothing is forgotten"):
        desk.do(FORGET, "mirror", by="console")


def test_a_pad_is_learned_with_a_value(begin: Begin, desk: Desk, tmp_path: Path) -> None:
    done: list[object] = []
    desk.on_do("preset.recall", done.append)
    nano = Device("nano")
    begin()
    desk.do(LEARN, "preset.recall", "verse", by="console")
    nano.note(60)
    nano.note(60)
    until(lambda: done == ["verse"])
    desk.set("background", "green", by="console")
    desk.do(LEARN, "background", by="console")
    nano.note(61)
    until(lambda: "green" in (tmp_path / "midi.toml").read_text("utf-8"))
    desk.set("background", "plate", by="console")
    nano.note(61)
    until(lambda: desk.value("background") == "green")


def test_what_cannot_be_learned(begin: Begin, desk: Desk, tmp_path: Path) -> None:
    nano = Device("nano")
    midi = begin(control("mirror", note=1))
    for name in ("nothing", "fps", "background.colour", 7, None):
        with pytest.raises(DeskError):
            desk.do(LEARN, name, by="osc")
    with pytest.raises(DeskError):
        desk.do(LEARN, "mirror", [1], by="osc")
    (tmp_path / "midi.toml").write_text("broken = [", "utf-8")
    desk.do(LEARN, "face", by="console")
    nano.cc(7, 3)
    until(lambda: midi.mistakes == 1)
    nano.note(1)
    until(lambda: desk.value("mirror") is True, "the map that runs is kept")
    assert (tmp_path / "midi.toml").read_text("utf-8") == "broken = [", "and nothing overwritten"


def test_learning_waits_half_a_minute(desk: Desk, tmp_path: Path) -> None:
    now = [0.0]
    nano = Device("nano")
    backend = mido.Backend("tests.live.desk.fake_midi", use_environ=False)
    path = tmp_path / "midi.toml"
    midi = Midi(MidiSettings("auto", path), desk, backend, clock=lambda: now[0], every_s=EVERY_S)
    midi.start()
    try:
        until(lambda: midi.ports == ["nano"])
        desk.do(LEARN, "mirror", by="console")
        now[0] = 31.0
        nano.cc(7, 127)
        desk.do(LEARN, "face", by="console")
        nano.cc(8, 127)
        until(path.exists)
        assert "mirror" not in path.read_text("utf-8")
    finally:
        midi.close()


def test_lamps_and_motors_show_the_state(begin: Begin, desk: Desk) -> None:
    nano = Device("nano 1", shows=True)
    begin(
        control("master", cc=7, channel=3)
        + control("mirror", note=36)
        + control("background", note=38, value="green")
        + control("smoothing", cc=2, mode="14bit")
    )

    def told(*messages: mido.Message) -> None:
        until(lambda: all(one in nano.told for one in messages), f"{messages} in {nano.told}")

    told(mido.Message("control_change", channel=2, control=7, value=127))
    told(mido.Message("note_on", note=36, velocity=0), mido.Message("note_on", note=38, velocity=0))
    desk.set_many({"mirror": True, "background": "green"}, by="console")
    told(mido.Message("note_on", note=36, velocity=127))
    told(mido.Message("note_on", note=38, velocity=127))
    desk.set("smoothing", 0.25, by="console")
    told(
        mido.Message("control_change", control=2, value=32),
        mido.Message("control_change", control=34, value=0),
    )
    desk.set("master", 0.0, by="cue Enter", fade_s=0.2)
    told(mido.Message("control_change", channel=2, control=7, value=0))
    moved = [one.value for one in nano.told if one.is_cc(7)]
    assert len(moved) > 3 and moved == sorted(moved, reverse=True), "a motor glides"


def test_a_motor_fader_is_left_alone_while_it_is_moved(begin: Begin, desk: Desk) -> None:
    nano = Device("nano", shows=True)
    begin(JUMPING + control("master", cc=7))
    until(lambda: any(one.is_cc(7) for one in nano.told))
    nano.told.clear()
    for position in range(127, 100, -1):
        nano.cc(7, position)
    until(lambda: any(one.value == 101 for one in nano.told))
    assert len(nano.told) <= 3, "once, where it rests; a busy machine may rest in between"


def test_devices_come_and_go(begin: Begin, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    midi = begin(control("mirror", note=1), wait=False)
    until(lambda: "no MIDI port for --midi nano yet" in caplog.text)
    for round in range(3):
        nano = Device(f"nanoKONTROL2 2{round}:0", shows=True)
        Device("another desk")
        until(lambda nano=nano: midi.ports == [nano.name])  # type: ignore[misc]
        until(lambda nano=nano: bool(nano.told), "its lamps are lit")  # type: ignore[misc]
        before = desk.value("mirror")
        nano.note(1)
        until(lambda before=before: desk.value("mirror") != before)  # type: ignore[misc]
        nano.pull_out()
        desk.set("mirror", desk.value("mirror"), by="console")
        until(lambda: midi.ports == [])
        assert nano.inputs == [] and nano.opened == 1
    assert caplog.text.count("is gone; it is taken up when it is back") == 3


def test_a_device_that_another_program_has_is_said_once(
    begin: Begin, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    nano = Device("nano", busy=True, shows=True)
    midi = begin(control("mirror", note=1), wait=False)
    until(lambda: "cannot be opened" in caplog.text)
    looks = threading.Event()
    looks.wait(EVERY_S * 5)
    assert caplog.text.count("MIDI port nano cannot be opened") == 1
    nano.busy = False
    until(lambda: midi.ports == ["nano"])


def test_the_systems_midi_may_go_and_come_back(
    begin: Begin, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    Device("nano")
    midi = begin(control("mirror", note=1))
    fake_midi.TROUBLE.append(OSError("the server is gone"))
    until(lambda: "the server is gone" in caplog.text)
    threading.Event().wait(EVERY_S * 5)
    assert caplog.text.count("the server is gone") == 1
    assert midi.ports == ["nano"]
    fake_midi.TROUBLE.clear()
    Device("nano again")
    until(lambda: len(midi.ports) == 2)


def test_orders_that_mean_nothing_are_counted(
    begin: Begin, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def crash() -> None:
        raise ZeroDivisionError("a mistake of ours")

    desk.on_do("reset", crash)
    nano = Device("nano")
    midi = begin(
        control("go", note=1) + control("subject", cc=2) + control("subject", note=3, value="ada")
        + control("reset", note=4) + control("mirror", note=5)
    )  # fmt: skip
    for _ in range(20):
        nano.note(1)
        nano.cc(2, 127)
        nano.note(3)
        nano.cc(99, 5)
    nano.move("pitchwheel", pitch=100)
    nano.move("program_change", program=1)
    nano.note(4)
    nano.note(5)
    until(lambda: desk.value("mirror") is True)
    assert midi.mistakes == 61 and desk.value("subject") == ""
    warnings = [one for one in caplog.messages if one.startswith("MIDI: ")]
    assert 0 < len(warnings) <= 5 and len(set(warnings)) == len(warnings)


def test_it_ends_cleanly(begin: Begin, desk: Desk) -> None:
    before = threading.active_count()
    nano = Device("nano", shows=True)
    midi = begin(control("mirror", note=1))
    midi.close()
    midi.close()
    assert threading.active_count() == before and nano.inputs == []
    desk.set("mirror", True, by="console")


def test_without_a_midi_system_the_remedy_is_said(desk: Desk, tmp_path: Path) -> None:
    fake_midi.TROUBLE.append(OSError("error creating ALSA sequencer client object"))
    backend = mido.Backend("tests.live.desk.fake_midi", use_environ=False)
    with pytest.raises(SetupError, match=r"this machine has no MIDI .* snd-seq"):
        midi_backend.list_ports(backend)


def test_rtmidi_here_lists_its_ports_or_says_why_not(capfd: pytest.CaptureFixture[str]) -> None:
    """The real rtmidi on whatever machine this is; one without /dev/snd/seq raises."""
    if sys.platform == "linux" and not Path("/dev/snd/seq").exists():
        with pytest.raises(SetupError, match="this machine has no MIDI"):
            midi_backend.open_backend()
        assert capfd.readouterr().err == "", "ALSA's own line would stand above our sentence"
        return
    inputs, outputs = midi_backend.list_ports(midi_backend.open_backend())
    assert all(isinstance(name, str) for name in [*inputs, *outputs])


def test_without_mido_the_pip_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(SetupError, match="pip install mido python-rtmidi"):
        midi_backend.open_backend()


def test_mido_is_not_imported_before_it_is_asked_for() -> None:
    program = (
        "import sys, live.desk.midi, live.desk.midi_settings\n"
        "print(*sorted({'mido', 'rtmidi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_options(tmp_path: Path) -> None:
    parser = ArgumentParser()
    add_midi_arguments(parser)

    def read(*words: str) -> MidiSettings | None:
        return midi_settings(parser.parse_args(words), tmp_path)

    assert read() is None
    assert read("--midi", "auto") == MidiSettings("auto", tmp_path / "midi.toml")
    own = read("--midi", "nano", "--midi-map", "my.toml")
    assert own == MidiSettings("nano", Path("my.toml"))
    assert own.wants("nanoKONTROL2 20:0") and not own.wants("Midi Through Port-0")
    assert MidiSettings("Auto", Path("x")).wants("nanoKONTROL2")
    assert not MidiSettings("auto", Path("x")).wants("Midi Through:Midi Through Port-0 14:0")
    for words in (("--midi-map", "my.toml"), ("--midi", " ")):
        with pytest.raises(SetupError):
            read(*words)
