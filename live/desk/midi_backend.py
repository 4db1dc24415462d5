"""MIDI ports by mido: the home of mido, which is imported when MIDI is asked for and not before."""

from __future__ import annotations

import contextlib
import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from live.errors import SetupError
from live.native_log import quiet_native_log

INSTALL = "pip install mido python-rtmidi"
CHATTER = re.compile(rb"ALSA lib seq_hw\.c")
"""What ALSA writes to the terminal where it has no sequencer, and rtmidi then raises."""


class Kind(enum.Enum):
    """What a control of a MIDI desk sends. The words stand in the map, too."""

    CC = "cc"  # faders, knobs, buttons: control change
    NOTE = "note"  # pads, keys
    PROGRAM = "program"  # program change


@dataclass(frozen=True, slots=True)
class Heard:
    """What a control sent, or is sent."""

    kind: Kind
    channel: int  # 1 to 16
    number: int  # 0 to 127: of the controller, note or program
    value: int = 0  # 0 to 127: where the control stands, how hard the note is struck; 0: released


class Backend(Protocol):
    """What is needed of `mido.Backend`."""

    def get_input_names(self) -> list[str]:
        """The ports that there are at this moment."""

    def get_output_names(self) -> list[str]:
        """The ports that there are at this moment."""

    def open_input(self, name: str, *, callback: Callable[[Any], None]) -> Any:
        """Calls `callback` with every message, on a thread of its own, until it is closed."""

    def open_output(self, name: str) -> Any:
        """Sends."""


def open_backend() -> Backend:
    """Mido's default, or the one that MIDO_BACKEND names.

    Raises SetupError where it is not installed, and where this machine has no MIDI.
    """
    try:
        import mido

        backend: Backend = mido.Backend(load=True)
    except ImportError as error:
        raise SetupError(f"--midi needs mido and python-rtmidi ({error}): {INSTALL}") from error
    with quiet_native_log(CHATTER):
        list_ports(backend)
    return backend


def list_ports(backend: Backend) -> tuple[list[str], list[str]]:
    """The names of inputs and outputs. Raises SetupError where this machine has no MIDI."""
    try:
        return backend.get_input_names(), backend.get_output_names()
    except (OSError, RuntimeError) as error:  # rtmidi's errors are OSErrors
        raise SetupError(
            f"this machine has no MIDI ({error}); on Linux load it with sudo modprobe snd-seq, and "
            "see that /dev/snd/seq is there and that you are in the group audio; or leave out "
            "--midi"
        ) from error


class InputPort:
    """An open input; `hear` is called with every message that means something here."""

    def __init__(self, backend: Backend, name: str, hear: Callable[[Heard], None]) -> None:
        """Raises OSError where it cannot be opened."""
        self.name = name
        self._port = backend.open_input(name, callback=lambda message: _pass(message, hear))

    def close(self) -> None:
        """May be called twice; of a device that was pulled out, too."""
        with contextlib.suppress(OSError, RuntimeError):
            self._port.close()


class OutputPort:
    """An open output."""

    def __init__(self, backend: Backend, name: str) -> None:
        """Raises OSError where it cannot be opened."""
        self.name = name
        self._port = backend.open_output(name)

    def send(self, told: Heard) -> None:
        """Move a motor fader, light an LED. Raises OSError, RuntimeError where it is gone."""
        import mido

        names = {"channel": told.channel - 1}
        if told.kind is Kind.CC:
            names |= {"control": told.number, "value": told.value}
            self._port.send(mido.Message("control_change", **names))
        else:
            names |= {"note": told.number, "velocity": told.value}
            self._port.send(mido.Message("note_on", **names))

    def close(self) -> None:
        """May be called twice; of a device that was pulled out, too."""
        with contextlib.suppress(OSError, RuntimeError):
            self._port.close()


def _pass(message: Any, hear: Callable[[Heard], None]) -> None:
    if message.type == "control_change":
        hear(Heard(Kind.CC, message.channel + 1, message.control, message.value))
    elif message.type == "note_on":  # with velocity 0 it is released: that is the custom
        hear(Heard(Kind.NOTE, message.channel + 1, message.note, message.velocity))
    elif message.type == "note_off":
        hear(Heard(Kind.NOTE, message.channel + 1, message.note, 0))
    elif message.type == "program_change":
        hear(Heard(Kind.PROGRAM, message.channel + 1, message.program, 127))
