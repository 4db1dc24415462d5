"""MIDI: a controller's faders and buttons as a desk, and their learning."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from dataclasses import dataclass
from functools import partial

from live.desk.complaints import Complaints
from live.desk.desk import Desk
from live.desk.feedback import Feedback
from live.desk.midi_backend import Backend, Heard, Kind, open_backend
from live.desk.midi_learn import forget, learn
from live.desk.midi_lights import lights
from live.desk.midi_map import Binding, load_map
from live.desk.midi_orders import BY, MidiOrders
from live.desk.midi_ports import EVERY_S, MidiPorts
from live.desk.midi_settings import MidiSettings
from live.desk.order_lane import Order, OrderLane
from live.desk.parameters import Kind as Holds
from live.desk.parameters import Value
from live.errors import DeskError, SetupError, UnderstudyError
from live.timing import Clock

log = logging.getLogger(__name__)

LEARN, FORGET = "midi.learn", "midi.forget"
LEARN_S = 30.0
"""A control is waited for so long: one that is moved later, in the show, is not meant."""
LONGEST_QUEUE = 1000
CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A control for this parameter is waited for."""

    name: str
    value: Value | None
    until_s: float


class Midi:
    """MIDI for one desk."""

    def __init__(
        self,
        settings: MidiSettings,
        desk: Desk,
        backend: Backend | None = None,
        clock: Clock = time.monotonic,
        every_s: float = EVERY_S,
    ) -> None:
        """Raises SetupError: no MIDI on this machine, or a map that is wrong."""
        self._settings = settings
        self._desk = desk
        self._clock = clock
        try:
            self._map = load_map(settings.map, desk.parameter)
        except DeskError as error:
            raise SetupError(str(error)) from error
        backend = open_backend() if backend is None else backend
        self._feedback = Feedback(desk, [BY], self._show, "midi out", clock)
        self._orders = MidiOrders(desk, self._map, lambda name: self._feedback.moved(name, BY))
        self._ports = MidiPorts(settings, backend, self._put, self._feedback.tell, every_s)
        self._complaints = Complaints("MIDI")
        self._learning: _Wanted | None = None
        self._lock = threading.RLock()  # of the map and of what is learned
        self._heard: queue.Queue[Heard | None] = queue.Queue(LONGEST_QUEUE)
        self._thread = threading.Thread(target=self._run, name="midi in", daemon=True)
        self._lane = OrderLane("midi orders")
        desk.on_do(LEARN, self.learn)
        desk.on_do(FORGET, self.forget)

    @property
    def ports(self) -> list[str]:
        """The devices that are listened to."""
        return self._ports.names()

    @property
    def mistakes(self) -> int:
        """Orders that meant nothing."""
        return self._complaints.count

    def start(self) -> None:
        """Begin. Once only."""
        self._lane.start()
        self._thread.start()
        self._feedback.start()
        self._ports.start()

    def close(self) -> None:
        """End. May be called twice, and before `start`."""
        self._ports.close()  # nothing comes any more, so that the end finds its place
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            with contextlib.suppress(queue.Full):  # an order hangs
                self._heard.put(None, timeout=CLOSE_S)
            self._thread.join(CLOSE_S)
        self._lane.close()
        self._feedback.close()

    def learn(self, name: object, value: object = None) -> None:
        """Bind the next control that moves to the parameter `name`. `value`: what a pad sets, or
        an action is given. Raises DeskError."""
        parameter = self._desk.parameter(name)  # type: ignore[arg-type]  # it checks
        if parameter.kind in (Holds.READING, Holds.COLOUR):
            raise DeskError(f"no MIDI control can move {parameter.name}; name another parameter")
        if value is not None and not isinstance(value, str | int | float):
            raise DeskError(f"{LEARN} was given {type(value).__name__}; give a number or a text")
        with self._lock:
            self._learning = _Wanted(parameter.name, value, self._clock() + LEARN_S)
        log.info("MIDI: the next control that moves is bound to %s", parameter.name)

    def forget(self, name: object) -> None:
        """No control moves the parameter `name` any more. Raises DeskError."""
        with self._lock:
            self._learning = None
            found = forget(self._settings.map, self._desk.parameter, str(name))
            self._map = found
            self._orders.use(found)
        log.info("MIDI: %s is forgotten", name)

    def _put(self, heard: Heard) -> None:
        """From a device's own thread: quick, and never more than the queue holds."""
        try:
            self._heard.put_nowait(heard)
        except queue.Full:
            self._flood()

    def _run(self) -> None:
        while (heard := self._heard.get()) is not None:
            self._carry_out(partial(self._obey, heard))

    def _obey(self, heard: Heard) -> None:
        """What is safety's is done here and now: panic does not wait until a file has been read."""
        if self._learned(heard):
            return
        for meant in self._orders.meant(heard):
            if meant.urgent:
                self._carry_out(meant.carry_out)
            elif not self._lane.put(partial(self._carry_out, meant.carry_out)):
                self._flood()

    def _carry_out(self, order: Order) -> None:
        try:
            order()
        except UnderstudyError as error:
            self._complaints.note(str(error), str(error), self._clock())
        except Exception:  # what an order sets off may fail in any way; the desk goes on
            log.exception("what a MIDI control asked for failed")

    def _flood(self) -> None:
        sentence = "controls move faster than they can be obeyed; what is too much is left out"
        self._complaints.note("flood", sentence, self._clock())

    @property
    def _awaits(self) -> bool:
        return self._learning is not None

    def _learned(self, heard: Heard) -> bool:
        """Whether this control was waited for: it is bound, and does nothing more this time."""
        if not self._awaits:  # most often; and the lock may be held while a file is written
            return False
        with self._lock:
            if self._learning is None:
                return False
            wanted, self._learning = self._learning, None
            if self._clock() > wanted.until_s:
                log.warning("MIDI: no control moved in time; %s has none", wanted.name)
                return False
            if heard.kind is not Kind.CC and heard.value == 0:  # a pad that comes up
                self._learning = wanted
                return False
            self._bind(self._binding(wanted, heard))
        log.info("MIDI: %s %d moves %s now", heard.kind.value, heard.number, wanted.name)
        return True

    def _binding(self, wanted: _Wanted, heard: Heard) -> Binding:
        """A pad for a number or choice sets what is set at this moment: it is a pad for coming
        back to it."""
        name, value = wanted.name, wanted.value
        parameter = self._desk.parameter(name)
        needs = parameter.kind in (Holds.NUMBER, Holds.CHOICE) and heard.kind is not Kind.CC
        if value is None and needs:
            value = self._desk.value(name)
        return Binding(name, heard.kind, heard.number, heard.channel, value=value)

    def _bind(self, binding: Binding) -> None:
        self._map = learn(self._settings.map, self._desk.parameter, binding)
        self._orders.use(self._map, binding)
        self._feedback.tell([binding.parameter] if binding.kind is not Kind.PROGRAM else [])

    def _show(self, target: int, name: str, value: Value) -> None:
        for told in lights(self._map.bindings, self._desk, name, value):
            self._ports.send(told)
