"""All consoles of one server: what is ordered goes one way, what has changed goes to everybody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from aiohttp import web

from live.desk.desk import Change
from live.desk.events import as_json
from live.desk.web_changes import add
from live.desk.web_json import of_change, of_parameters, packed, targets
from live.desk.web_orders import Orders, is_urgent
from live.desk.web_outbox import Outbox
from live.desk.web_parts import ConsoleParts

log = logging.getLogger(__name__)

MOST = 8
"""Consoles at once."""
TELL_S = 0.2
"""Between two tellings of the figures, while a console is open, seconds."""
ALONE_S = 1.0
"""The same while none is: OSC and MIDI are still told the readings."""
PATIENCE_S = 1.0
"""With the figures; a page takes its line for cut after four seconds without a word."""
ALIVE = packed({"alive": True})
GATHER_S = 1 / 60
"""Changes that come within it go out together: a fader on OSC sends hundreds a second."""

Gathered = tuple[str, dict[str, str]]
"""The figures, and by kind what may be new; both as they are sent."""


class Room:
    """Lives on the server's event loop; orders and figures are worked on in threads beside it."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._orders = Orders(parts.desk, parts.subject.acknowledge)
        self._outboxes: set[Outbox] = set()
        self._known: dict[str, str] = {}  # what all have been told of cues, presets and subject
        self._lock = threading.Lock()
        self._changes: list[Change] = []
        self._gathering = False
        self._entered = asyncio.Event()
        self._endings: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        # Orders keep their order. What is safety's has a thread of its own: panic does not wait
        # until a file has been read.
        # And a console that comes does not wait for figures, which may ask what hangs.
        names = ("orders", "panic", "figures", "hello")
        self._lanes = tuple(ThreadPoolExecutor(1, f"console {name}") for name in names)
        self._lane, self._urgent_lane, self._teller, self._greeter = self._lanes

    async def start(self, app: web.Application) -> None:
        """Begin; an application's `on_startup`."""
        self._loop = asyncio.get_running_loop()
        self._endings = [
            self._parts.desk.listen(self._heard),
            self._parts.events.listen(lambda event: self._say({"event": as_json(event)})),
        ]
        self._tasks = [asyncio.create_task(self._tell())]

    async def close(self, app: web.Application) -> None:
        """End; an application's `on_shutdown`. Orders that have begun are carried out."""
        for end in self._endings:
            end()
        for task in self._tasks:
            task.cancel()
        leaving = [outbox.close() for outbox in self._outboxes]
        await asyncio.gather(*self._tasks, *leaving, return_exceptions=True)
        for lane in self._lanes:
            lane.shutdown(wait=False, cancel_futures=True)

    @property
    def full(self) -> bool:
        """Whether all places are taken."""
        return len(self._outboxes) >= MOST

    @contextlib.contextmanager
    def place(self, outbox: Outbox) -> Iterator[None]:
        """A console's place, while it is open."""
        self._outboxes.add(outbox)
        self._entered.set()
        try:
            yield
        finally:
            self._outboxes.discard(outbox)

    async def hello(self) -> str:
        """All that a console needs to begin."""
        return await self._loop.run_in_executor(self._greeter, self._hello)

    def order(self, message: Mapping[str, object]) -> asyncio.Future[dict[str, object]]:
        """Carry it out in its turn; the answer. Raises RuntimeError at the show's end."""
        lane = self._urgent_lane if is_urgent(message, self._parts.desk) else self._lane
        return self._loop.run_in_executor(lane, self._orders.answer, message)

    def _hello(self) -> str:
        parts = self._parts
        version = parts.desk.version  # first: what changes meanwhile is told once more
        return packed({
            "hello": {
                "parameters": of_parameters(parts),
                "values": targets(parts.desk),
                "offers": parts.desk.offers(),
                "version": version,
                "cues": parts.cues(),
                "presets": parts.presets(),
                "events": [as_json(one) for one in parts.events.newest()],
                "subject": parts.subject.tell(),
                "links": parts.links(),
            }
        })  # fmt: skip

    def _heard(self, change: Change) -> None:
        """The desk's listener, on anybody's thread."""
        with self._lock:
            add(self._changes, change)
            begun, self._gathering = self._gathering, True
        if not begun:
            self._on_loop(self._pass_on)

    def _pass_on(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, []
            self._gathering = bool(changes)
        if not changes:
            return
        # As it is now: two threads may tell of one value in another order than they set it.
        now = targets(self._parts.desk)
        for change in changes:
            current = {name: now.get(name, value) for name, value in change.values.items()}
            self._put(packed(of_change(replace(change, values=current))))
        self._loop.call_later(GATHER_S, self._pass_on)

    def _say(self, message: Mapping[str, object]) -> None:
        """To all, from any thread."""
        self._on_loop(lambda: self._put(packed(message)))

    def _on_loop(self, call: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the server has ended, and its consoles with it
            log.debug("the consoles' event loop is gone")

    def _put(self, text: str) -> None:
        for outbox in tuple(self._outboxes):
            outbox.put(text)

    async def _tell(self) -> None:
        """The figures, again and again; and what else is new."""
        failing = False
        gathering: asyncio.Future[Gathered] | None = None  # one at a time, however long it takes
        while True:
            await self._pause()
            if gathering is None:
                gathering = self._loop.run_in_executor(self._teller, self._gather)
            await asyncio.wait({gathering}, timeout=PATIENCE_S)
            # Whatever is asked and fails or hangs: the consoles stay, and are told the rest.
            failed = not gathering.done() or gathering.exception() is not None
            if failed and not failing:
                _say_why(gathering)
            failing = failed
            self._show(*((ALIVE, {}) if failed else gathering.result()))
            if gathering.done():
                gathering = None

    def _show(self, figures: str, others: Mapping[str, str]) -> None:
        for outbox in tuple(self._outboxes):
            outbox.show(figures)
        for kind, text in others.items():
            if self._known.get(kind) != text:
                self._known[kind] = text
                self._put(text)

    async def _pause(self) -> None:
        self._entered.clear()
        if self._outboxes:
            await asyncio.sleep(TELL_S)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._entered.wait(), ALONE_S)

    def _gather(self) -> Gathered:
        parts = self._parts
        figures = packed({"telemetry": parts.telemetry.gather()})
        others: dict[str, object] = {
            "cues": parts.cues(),
            "presets": parts.presets(),
            "subject": parts.subject.tell(),
        }
        return figures, {kind: packed({kind: told}) for kind, told in others.items()}


def _say_why(gathering: asyncio.Future[Gathered]) -> None:
    if gathering.done():
        why = gathering.exception()
        log.error("the console's figures were not gathered; it goes on without", exc_info=why)
    else:
        log.warning("the console's figures are late; it goes on without")
