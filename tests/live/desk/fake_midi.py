"""A backend for mido whose devices are plugged in and pulled out by the tests.

`mido.Backend("tests.live.desk.fake_midi")` opens it as it opens rtmidi: everything of mido above
its backend protocol is real.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import mido
from mido.ports import BaseInput, BaseOutput


class Device:
    """What is plugged in."""

    def __init__(self, name: str, shows: bool = False, busy: bool = False) -> None:
        self.name = name
        self.shows = shows  # it has lamps or motors
        self.busy = busy  # another program has it
        self.inputs: list[Input] = []
        self.opened = 0
        self.told: list[mido.Message] = []
        DEVICES[name] = self

    def move(self, kind: str, **values: int) -> None:
        """A control moves: the message comes on a thread of the device's own."""
        message = mido.Message(kind, **values)
        for port in list(self.inputs):
            thread = threading.Thread(target=port.callback, args=(message,))
            thread.start()
            thread.join()

    def cc(self, control: int, value: int, channel: int = 1) -> None:
        self.move("control_change", control=control, value=value, channel=channel - 1)

    def note(self, note: int, velocity: int = 100) -> None:
        self.move("note_on", note=note, velocity=velocity)

    def pull_out(self) -> None:
        DEVICES.pop(self.name, None)


DEVICES: dict[str, Device] = {}
"""By name. A test empties it."""
TROUBLE: list[Exception] = []
"""What listing the devices raises."""


def get_devices(**how: Any) -> list[dict[str, Any]]:
    if TROUBLE:
        raise TROUBLE[0]
    return [
        {"name": one.name, "is_input": True, "is_output": one.shows}
        for one in list(DEVICES.values())
    ]


def _device(name: str) -> Device:
    device = DEVICES.get(name)
    if device is None or device.busy:
        raise OSError(f"unknown port {name!r}")
    return device


class Input(BaseInput):
    def _open(self, callback: Callable[[mido.Message], None], **how: Any) -> None:
        self.callback = callback
        self._device = _device(self.name)
        self._device.inputs.append(self)
        self._device.opened += 1

    def _close(self) -> None:
        self._device.inputs.remove(self)


class Output(BaseOutput):
    def _open(self, **how: Any) -> None:
        self._device = _device(self.name)

    def _send(self, message: mido.Message) -> None:
        if DEVICES.get(self.name) is not self._device:
            raise OSError("the device is gone")
        self._device.told.append(message)
