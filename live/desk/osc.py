"""OSC: another desk's orders in, and the state of ours out."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from live.desk.complaints import Complaints
from live.desk.desk import Change, Desk
from live.desk.feedback import Feedback
from live.desk.order_lane import OrderLane
from live.desk.osc_in import OscIn
from live.desk.osc_orders import ROOT, OscOrders
from live.desk.osc_out import OscOut
from live.desk.osc_packets import OscOrder, read_packet, write_message
from live.desk.osc_settings import OscSettings
from live.desk.parameters import Value
from live.errors import DeskError, SetupError, UnderstudyError
from live.timing import Clock

log = logging.getLogger(__name__)

PING, PONG, SYNC, ERROR = (ROOT + word for word in ("ping", "pong", "sync", "error"))
CHOICES = "/choices"

LONGEST_WAIT_S = 60.0
"""A time tag that is later comes from a clock that is wrong: what it carries counts at once."""
MOST_WAITING = 1000


@dataclass(slots=True)
class OscCounts:
    """What came and went."""

    packets: int = 0
    orders: int = 0  # carried out, or waiting for their time
    refused: int = 0  # packets and orders that mean nothing


class Osc:
    """OSC for one desk. The console's rules hold here, too: every value is checked."""

    def __init__(
        self,
        settings: OscSettings,
        desk: Desk,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        """Opens the port. Raises SetupError where it cannot be had."""
        self.counts = OscCounts()
        self._settings = settings
        self._desk = desk
        self._clock = clock
        self._wall = wall
        self._orders = OscOrders(desk)
        self._addresses = {one.name: one.address for one in desk.parameters()}
        self._complaints = Complaints("OSC")
        self._waiting: list[tuple[float, int, OscOrder, Any]] = []  # a heap, by due time
        self._number = itertools.count()
        self._lane = OrderLane("osc orders")
        self._counting = threading.Lock()
        self._out = OscOut(settings.to)
        self._feedback = Feedback(desk, self._out.hands, self._send, "osc out", clock)
        try:
            self._in = None if settings.port is None else OscIn(settings, self._take, self._tend)
        except SetupError:
            self._out.close()
            raise
        self._leave = desk.listen(self._offer)

    @property
    def port(self) -> int | None:
        """Where orders come in."""
        return None if self._in is None else self._in.port

    def start(self) -> None:
        """Begin, and fill in the other desks' pages. Once only."""
        if self._in is not None:
            self._lane.start()
            self._in.start()
            log.info("OSC: orders at UDP %s:%d", self._settings.host, self._in.port)
            if self._settings.open_to_others:
                log.warning(
                    "OSC knows no password: whoever reaches UDP port %d of this machine operates "
                    "the show; keep that network to yourselves",
                    self._in.port,
                )
        if self._settings.to:
            log.info("OSC: telling %s", ", ".join(str(one) for one in self._settings.to))
            self._feedback.start()
            self._sync()

    def close(self) -> None:
        """End. May be called twice, and before `start`."""
        self._leave()
        if self._in is not None:
            self._in.close()
        self._lane.close()
        self._feedback.close()
        self._out.close()

    def _take(self, data: bytes, sender: Any) -> None:
        self.counts.packets += 1
        try:
            orders = read_packet(data)
        except DeskError as error:
            self._refuse(f"from {sender[0]}", f"{error} (from {sender[0]})", None)
            return
        for order in orders:
            self._take_order(order, sender)

    def _take_order(self, order: OscOrder, sender: Any) -> None:
        wait_s = 0.0 if order.at_s is None else order.at_s - self._wall()
        if wait_s > LONGEST_WAIT_S:
            self._complaints.note(
                f"clock {sender[0]}",
                f"the clock of {sender[0]} is {wait_s:.0f} s ahead of ours, so its bundles count "
                "at once; set both clocks",
                self._clock(),
            )
        elif wait_s > 0 and len(self._waiting) < MOST_WAITING:
            due = (self._clock() + wait_s, next(self._number), order, sender)
            heapq.heappush(self._waiting, due)
            return
        elif wait_s > 0:
            self._refuse("waiting", f"more than {MOST_WAITING} orders wait for their time", None)
            return
        self._pass_on(order, sender)

    def _tend(self) -> float | None:
        """Obey what waited for its time."""
        while self._waiting and self._waiting[0][0] <= self._clock():
            _, _, order, sender = heapq.heappop(self._waiting)
            self._pass_on(order, sender)
        return max(self._waiting[0][0] - self._clock(), 0.0) if self._waiting else None

    def _pass_on(self, order: OscOrder, sender: Any) -> None:
        """What is safety's is done here and now: panic does not wait until a file has been read."""
        obey = partial(self._obey, order, sender)
        if self._orders.is_urgent(order):
            obey()
        elif not self._lane.put(obey):
            sentence = f"{order.address[:80]} is left out: too many orders wait for a slow one"
            self._refuse("slow", sentence, None)

    def _obey(self, order: OscOrder, sender: Any) -> None:
        name = None
        try:
            if order.address in (PING, SYNC):
                self._greet(order.address, sender)
            else:
                meant = self._orders.meant(order)
                name = meant.name
                self._feedback.moved(name, str(sender[0]).removeprefix("::ffff:"))
                meant.carry_out()
            with self._counting:
                self.counts.orders += 1
        except UnderstudyError as error:
            self._refuse(order.address, str(error), name)
        except Exception as error:  # what an order sets off may fail in any way; the desk goes on
            log.exception("the order %.80s failed", order.address)
            self._refuse(order.address, f"{order.address[:80]} failed ({error!r})", name)

    def _greet(self, address: str, sender: Any) -> None:
        if address == SYNC:
            self._sync()
            return
        pong = write_message(PONG)
        self._out.send_all(pong)
        if self._in is not None and not self._out.reaches(sender):
            # No longer than what was asked: of no use to flood somebody else.
            self._in.answer(pong, sender)

    def _refuse(self, about: str, sentence: str, name: str | None) -> None:
        """Count it, say it, and put the control that asked for it back to what counts."""
        with self._counting:
            self.counts.refused += 1
        if self._complaints.note(about, sentence, self._clock()):
            self._out.send_all(write_message(ERROR, sentence))
        if name is not None:
            self._feedback.tell([name])

    def _sync(self) -> None:
        for name, choices in self._desk.offers().items():
            self._tell_choices(name, choices)
        self._feedback.tell()

    def _offer(self, change: Change) -> None:
        for name, choices in (change.offers or {}).items():
            self._tell_choices(name, choices)

    def _tell_choices(self, name: str, choices: tuple[str, ...]) -> None:
        self._out.send_all(write_message(self._addresses[name] + CHOICES, *choices[:100]))

    def _send(self, target: int, name: str, value: Value) -> None:
        self._out.send(target, write_message(self._addresses[name], value))
