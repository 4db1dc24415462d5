"""OSC 1.0 on the wire: the home of python-osc.

Bundles are taken apart here: python-osc 1.10.2 never returns from one whose element has a
negative size, fails on deep nesting, and logs every type that it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from live.desk.parameters import Value
from live.errors import DeskError

LARGEST_BYTES = 8192
"""Of a datagram. What desks send fits into one Ethernet frame, 1,500 bytes."""
MOST_MESSAGES = 256
"""In one datagram."""
MOST_ARGUMENTS = 32
LONGEST_TEXT = 500
DEEPEST = 4
"""Bundles within bundles."""

_BUNDLE = b"#bundle\0"
_TYPES = frozenset(b"ihfdsbrmtTFN[]")  # what python-osc reads
_UNIX_S = 2_208_988_800  # from 1900, where NTP begins, to 1970
_IMMEDIATELY = 1


@dataclass(frozen=True, slots=True)
class OscOrder:
    """One message that came."""

    address: str
    arguments: tuple[object, ...]  # int, float, bool, str; anything else is for nobody here
    at_s: float | None = None  # when it counts, seconds since 1970; None: at once


def read_packet(data: bytes) -> list[OscOrder]:
    """The messages of a datagram, in their order. Raises DeskError where it is none."""
    if len(data) > LARGEST_BYTES:
        raise DeskError(f"an OSC packet of more than {LARGEST_BYTES} bytes; send less at once")
    found: list[OscOrder] = []
    _read(data, None, 0, found)
    return found


def write_message(address: str, *values: Value) -> bytes:
    """A datagram. Switches go as 1 and 0: that is what every desk shows."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(_sendable(value))
    return builder.build().dgram


def _sendable(value: Value) -> Value:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):  # a file's name may hold what is no Unicode
        return value.encode("utf-8", "replace").decode().replace("\0", "?")
    return value


def _read(data: bytes, at_s: float | None, depth: int, found: list[OscOrder]) -> None:
    if not data.startswith(_BUNDLE):
        found.append(_message(data, at_s))
        return
    if depth == DEEPEST or len(data) < 16:
        raise DeskError("an OSC bundle that is cut off, or nested too deeply")
    own_s = _time(int.from_bytes(data[8:16], "big"))
    if own_s is not None:  # an inner bundle may not come before its outer one
        at_s = own_s if at_s is None else max(at_s, own_s)
    at = 16
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big", signed=True)
        if not 0 < size <= len(data) - at - 4 or len(found) == MOST_MESSAGES:
            raise DeskError("an OSC bundle whose sizes are wrong, or of too many messages")
        _read(data[at + 4 : at + 4 + size], at_s, depth + 1, found)
        at += 4 + size


def _time(tag: int) -> float | None:
    """An NTP time tag in seconds since 1970; None: immediately."""
    return None if tag == _IMMEDIATELY else tag / 2**32 - _UNIX_S


def _message(data: bytes, at_s: float | None) -> OscOrder:
    _check_types(data)
    try:
        message = OscMessage(data)
        arguments = tuple(_plain(one) for one in message.params)
    except (ParseError, ValueError, IndexError, OverflowError) as error:
        raise DeskError("a packet that is no OSC message") from error
    if not (message.address.startswith("/") and message.address.isprintable()):
        raise DeskError("an OSC message without an address; it begins with /understudy/")
    return OscOrder(message.address, arguments, at_s)


def _check_types(data: bytes) -> None:
    """Before python-osc logs each one that it does not know."""
    begin = (data.find(b"\0") // 4 + 1) * 4
    types = data[begin : max(data.find(b"\0", begin), begin)]
    if types[:1] != b",":  # none, or python-osc says that they are wrong
        return
    if len(types) > MOST_ARGUMENTS + 1 or not _TYPES.issuperset(types[1:]):
        raise DeskError("an OSC message whose arguments are too many, or of an unknown type")


def _plain(value: object) -> object:
    """Of a float32 the digits that were meant: 1.2, and not 1.2000000476837158."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError("a text that is too long")
    return value
