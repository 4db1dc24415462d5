"""Cue files, OSC and MIDI, right and wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from live.desk.cues import CueSettings
from live.desk.midi_settings import MidiSettings
from live.desk.osc_settings import OscSettings, OscTarget
from live.doctor import desks
from live.doctor.desks import look_at_cues, look_at_midi, look_at_osc
from live.doctor.finding import Finding, Verdict
from live.errors import SetupError
from tests.live.doctor.plans import looked, plan_of

CUES = """\
[presets.dawn]
"figure.opacity" = 0.4

[[cues]]
name = "Enter"
preset = "dawn"
fade_s = 3

[[cues]]
name = "She comes"
set = { subject = "tiny" }
"""


def cues(subject: Path, text: str | None, asked: bool = True) -> Finding:
    path = subject.parent / "show.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    return looked(look_at_cues, plan_of(subject, cues=CueSettings(path, asked)))


def test_a_cue_file(subject: Path) -> None:
    found = cues(subject, CUES)
    assert found.verdict is Verdict.RIGHT and "2 cues and 1 preset in" in found.what


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CUES.replace("opacity", "opacty"), "line 2"),
        (CUES.replace("fade_s = 3", "fade_s = soon"), "line 7"),
        (CUES.replace('"tiny"', '"Anna"'), "there is tiny"),
        (None, "no such file"),
    ],
)
def test_a_cue_file_with_errors(subject: Path, text: str | None, says: str) -> None:
    found = cues(subject, text)
    assert found.verdict is Verdict.WRONG and "1 error" in found.what
    assert says in found.details[0] and "docs/stage.md" in found.remedy


def test_presets_of_another_evening(subject: Path) -> None:
    """They are no reason for no show."""
    assert cues(subject, "no TOML", asked=False).verdict is Verdict.CAREFUL
    nothing = CueSettings(subject.parent / "none.toml")
    assert look_at_cues(plan_of(subject, cues=nothing)) is None
    assert look_at_cues(plan_of(subject)) is None


def osc(subject: Path, settings: OscSettings) -> Finding:
    return looked(look_at_osc, plan_of(subject, osc=settings))


def test_osc(subject: Path) -> None:
    target = OscTarget("127.0.0.1", 9001)
    found = osc(subject, OscSettings(0, to=(target,)))
    assert found.verdict is Verdict.RIGHT
    assert "UDP 127.0.0.1:" in found.what and "told to 127.0.0.1:9001" in found.what
    assert look_at_osc(plan_of(subject)) is None


def test_osc_whose_port_is_taken(subject: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        found = osc(subject, OscSettings(other.getsockname()[1]))
    assert found.verdict is Verdict.WRONG and "cannot be had" in found.what


def test_osc_that_is_open_to_all(subject: Path) -> None:
    found = osc(subject, OscSettings(0, "0.0.0.0"))
    assert found.verdict is Verdict.CAREFUL and "no audience in it" in found.remedy


def test_osc_that_tells_nobody(subject: Path) -> None:
    nobody = OscTarget("a" * 70 + ".example", 9001)  # longer than a name may be: no DNS is asked
    found = osc(subject, OscSettings(None, to=(nobody,)))
    assert found.verdict is Verdict.WRONG and "192.168.1.20:9001" in found.remedy


class Backend:
    """What mido says of the devices: hardware."""

    def get_input_names(self) -> list[str]:
        return ["Midi Through:0", "nanoKONTROL2:1"]

    get_output_names = get_input_names


def midi(
    subject: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str | None = None
) -> Finding:
    monkeypatch.setattr(desks, "open_backend", Backend)
    path = subject.parent / "midi.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    return looked(look_at_midi, plan_of(subject, midi=MidiSettings(name, path)))


def test_midi(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_at_midi(plan_of(subject)) is None
    text = '[[control]]\nparameter = "figure.opacity"\ncc = 7\n'
    found = midi(subject, monkeypatch, "nano", text)
    assert found.verdict is Verdict.RIGHT
    assert "nanoKONTROL2:1" in found.what and "1 control in" in found.what
    assert "Through" not in midi(subject, monkeypatch, "auto", text).what


def test_midi_without_the_device_or_its_map(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = midi(subject, monkeypatch, "launchpad")
    assert found.verdict is Verdict.CAREFUL and "nanoKONTROL2" in found.what
    found = midi(subject, monkeypatch, "nano")
    assert found.verdict is Verdict.CAREFUL and "learn them" in found.remedy
    found = midi(subject, monkeypatch, "nano", "[[control]]\nparameter = 3\n")
    assert found.verdict is Verdict.WRONG


def test_a_machine_without_midi(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise SetupError("this machine has no MIDI; leave out --midi")

    monkeypatch.setattr(desks, "open_backend", none)
    plan = plan_of(subject, midi=MidiSettings("auto", subject.parent / "midi.toml"))
    found = looked(look_at_midi, plan)
    assert found.verdict is Verdict.WRONG and found.remedy == "leave out --midi"
