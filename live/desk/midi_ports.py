"""MIDI devices that come and go: a thread that opens those that are wanted, and shuts the gone."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

from live.desk.midi_backend import Backend, Heard, InputPort, OutputPort, list_ports
from live.desk.midi_settings import MidiSettings
from live.errors import SetupError

log = logging.getLogger(__name__)

EVERY_S = 2.0
CLOSE_S = 5.0


class MidiPorts:
    """All ports that are open at the moment."""

    def __init__(
        self,
        settings: MidiSettings,
        backend: Backend,
        hear: Callable[[Heard], None],
        opened: Callable[[], None],
        every_s: float = EVERY_S,
    ) -> None:
        """`hear` is called on the devices' threads; `opened` where a device is there (again)."""
        self._settings = settings
        self._backend = backend
        self._hear = hear
        self._opened = opened
        self._every_s = every_s
        self._inputs: dict[str, InputPort] = {}
        self._outputs: dict[str, OutputPort] = {}
        self._lock = threading.Lock()  # of both
        self._said: set[str] = set()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi ports", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def names(self) -> list[str]:
        """The devices that are listened to."""
        with self._lock:
            return sorted(self._inputs)

    def send(self, told: Heard) -> None:
        """To every device that shows something. Never raises; a device that fails is shut."""
        with self._lock:
            outputs = list(self._outputs.values())
        for output in outputs:
            try:
                output.send(told)
            except (OSError, RuntimeError, ValueError) as error:
                self._say(output.name, f"MIDI to {output.name} fails ({error})")
                with self._lock:
                    self._outputs.pop(output.name, None)
                output.close()

    def close(self) -> None:
        """May be called twice, and before `start`."""
        self._left.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        with self._lock:
            inputs, self._inputs = self._inputs, {}
            outputs, self._outputs = self._outputs, {}
        for port in inputs.values():
            port.close()
        for output in outputs.values():
            output.close()

    def _run(self) -> None:
        try:
            self._look()
            if not self.names():
                log.warning("%s", self._none())
            while not self._left.wait(self._every_s):
                self._look()
        except Exception:  # the thread's top; the show goes on without
            log.exception("MIDI failed; devices that come are not noticed any more")

    def _none(self) -> str:
        try:
            there = ", ".join(list_ports(self._backend)[0]) or "none at all"
        except SetupError as error:
            return str(error)
        return (
            f"no MIDI port for --midi {self._settings.name} yet; there is {there}. It is taken up "
            "when it is plugged in"
        )

    def _look(self) -> None:
        try:
            inputs, outputs = list_ports(self._backend)
        except SetupError as error:  # the system's MIDI service went: it may come back
            self._say("", str(error))
            return
        self._said.discard("")
        wanted = [name for name in inputs if self._settings.wants(name)]
        devices = {_device(name) for name in wanted}
        shown = [name for name in outputs if _device(name) in devices]
        self._shut_gone(wanted, shown)
        new = [name for name in wanted if name not in self._inputs and self._open_input(name)]
        new += [name for name in shown if name not in self._outputs and self._open_output(name)]
        if new:
            self._opened()

    def _shut_gone(self, inputs: list[str], outputs: list[str]) -> None:
        with self._lock:
            gone = [port for name, port in self._inputs.items() if name not in inputs]
            mute = [port for name, port in self._outputs.items() if name not in outputs]
            for port in gone:
                del self._inputs[port.name]
            for output in mute:
                del self._outputs[output.name]
        for output in mute:
            output.close()
        for port in gone:
            port.close()
            log.warning("the MIDI device %s is gone; it is taken up when it is back", port.name)

    def _open_input(self, name: str) -> bool:
        try:
            port = InputPort(self._backend, name, self._hear)
        except (OSError, RuntimeError) as error:
            self._say(
                name, f"MIDI port {name} cannot be opened ({error}); another program may have it"
            )
            return False
        with self._lock:
            self._inputs[name] = port
        self._said.discard(name)
        log.info("MIDI: listening to %s", name)
        return True

    def _open_output(self, name: str) -> bool:
        try:
            port = OutputPort(self._backend, name)
        except (OSError, RuntimeError) as error:
            self._say(f"to {name}", f"MIDI to {name} cannot be opened ({error}); its lamps are off")
            return False
        with self._lock:
            self._outputs[name] = port
        self._said.discard(f"to {name}")
        return True

    def _say(self, about: str, sentence: str) -> None:
        """Once, until it is well again."""
        if about not in self._said:
            self._said.add(about)
            log.warning("%s; the show goes on without", sentence)


def _device(port: str) -> str:
    """A port's name without the numbers that Windows and ALSA add, which differ by direction."""
    return re.sub(r"[\s\d:]+$", "", port)
