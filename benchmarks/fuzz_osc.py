"""OSC for the fuzzing: datagrams to a real port, from noise to bundles that are nearly right."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from typing import Any, cast

from pythonosc.osc_message import ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from benchmarks.fuzz_desk import WatchedDesk, likely
from benchmarks.fuzz_errors import Errors
from benchmarks.fuzz_mutate import ODD_FLOATS, ODD_LARGE, ODD_TEXTS, spoiled_bytes
from benchmarks.fuzz_target import Verdict
from live.desk.desk import Desk
from live.desk.osc import PING, Osc
from live.desk.osc_packets import write_message
from live.desk.osc_settings import OscSettings, OscTarget

PATIENCE_S = 5.0

LOGS = ("live.desk", "root")
"""Where a failure is written; python-osc writes to the root."""

_WORDS = (
    "panic",
    "figure",
    "scale",
    "x",
    "toggle",
    "choices",
    "sync",
    "ping",
    "fps",
    "..",
    "*",
    "",
)
_TYPES = "ihfdsbrmtTFN[]IS\0z"


class OscPackets:
    """Real datagrams. The desk may hold nothing afterwards that its table does not allow."""

    name, share = "osc", 0.2

    def __init__(self) -> None:
        self._watched = WatchedDesk(Desk())
        desk = self._watched.desk
        desk.offer("subject", ("ada", "bo"))
        self._parameters = list(desk.parameters())
        self._addresses = [one.address for one in self._parameters]
        self._addresses += [f"{one}/toggle" for one in self._addresses] + [PING]
        self._errors = Errors(LOGS)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self._told = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # what it says, nobody reads
        self._told.bind(("127.0.0.1", 0))
        to = OscTarget("127.0.0.1", self._told.getsockname()[1])
        self._osc = Osc(OscSettings(0, to=(to,)), desk)
        self._osc.start()
        self._sent = 0

    def make(self, rng: random.Random) -> object:
        kind = rng.randrange(8)
        if kind == 0:
            return rng.randbytes(rng.choice((0, 1, 4, 16, 100, 1500, 9000)))
        message = self._message(rng)
        if kind in (1, 2):
            return spoiled_bytes(rng, message, [self._message(rng)])
        if kind in (3, 4):
            return self._bundle(rng, rng.choice((1, 2, 8, 60)), spoil=kind == 4)
        if kind == 5:
            return self._raw(rng)
        return message

    def feed(self, given: object) -> Verdict:
        refused = self._osc.counts.refused
        self._send(cast(bytes, given))
        self._send(write_message(PING))
        self._await_pong()
        if self._errors.seen:
            raise RuntimeError(f"it logged {self._errors.take()}")
        self._watched.check()
        return Verdict.TAKEN if self._osc.counts.refused == refused else Verdict.REFUSED

    def close(self) -> None:
        self._osc.close()
        self._socket.close()
        self._told.close()
        self._errors.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, ("127.0.0.1", self._osc.port or 0))
            self._sent += 1
        except OSError:  # longer than a datagram may be
            return

    def _await_pong(self) -> None:
        """Until all that was sent has been read; an input may be a ping, too."""
        self._socket.recv(65_536)
        while self._osc.counts.packets < self._sent:
            self._socket.recv(65_536)
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(65_536):
                pass
        self._socket.settimeout(PATIENCE_S)

    def _address(self, rng: random.Random) -> str:
        if rng.random() < 0.7:
            return rng.choice(self._addresses)
        words = [rng.choice((*_WORDS, rng.choice(ODD_TEXTS))) for _ in range(rng.choice((1, 2, 5)))]
        return "/" + "/".join(("understudy", *words))

    def _message(self, rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            parameter = rng.choice(self._parameters)
            return write_message(parameter.address, *likely(rng, parameter))
        builder = OscMessageBuilder(self._address(rng))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 40))):
            builder.add_arg(*self._argument(rng))
        try:
            return builder.build().dgram
        except (BuildError, ParseError, ValueError):  # what cannot even be written
            return write_message(rng.choice(self._addresses), 1.0)

    def _argument(self, rng: random.Random) -> tuple[Any, str]:
        kinds: tuple[tuple[Any, str], ...] = (
            (rng.choice((0, 1, 2, -1, 2**31 - 1)), "i"),
            (rng.choice((-1, 2**63 - 1)), "h"),
            (rng.uniform(-3, 5), "f"),
            (rng.choice((0.0, 1.0, *(one for one in ODD_FLOATS if abs(one) != 1e308))), "d"),
            (rng.choice((*ODD_TEXTS, "green", "#102030", "ada")), "s"),
            (rng.randbytes(8), "b"),
            (None, "N"),
            (True, "T"),
            (False, "F"),
        )
        return rng.choice(kinds)

    def _bundle(self, rng: random.Random, count: int, spoil: bool, depth: int = 0) -> bytes:
        tag = rng.choice((1, 0, 2**64 - 1, rng.getrandbits(64), 3_900_000_000 << 32))
        data = b"#bundle\0" + tag.to_bytes(8, "big")
        for _ in range(count):
            inner = self._message(rng)
            if depth < 6 and rng.random() < 0.2:
                inner = self._bundle(rng, rng.choice((0, 1, 2)), spoil, depth + 1)
            size = len(inner)
            if spoil and rng.random() < 0.2:
                size = rng.choice((-4, -1, 0, size - 4, size + 4, 2**31 - 1, -(2**31)))
            data += struct.pack(">i", size) + inner
        return spoiled_bytes(rng, data) if spoil and rng.random() < 0.5 else data

    def _raw(self, rng: random.Random) -> bytes:
        """Types that nothing follows, or something else."""
        types = "," + "".join(rng.choice(_TYPES) for _ in range(rng.choice((1, 3, 30, 500))))
        head = _padded(rng.choice(self._addresses).encode()) + _padded(types.encode())
        body = b"".join(
            (rng.choice(ODD_LARGE) & 0xFFFFFFFF).to_bytes(4, "big") for _ in range(rng.randrange(6))
        )
        return head + body


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)
