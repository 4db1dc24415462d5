"""Valid things, spoiled: bytes, lines of text, and what JSON holds."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from typing import Any

ODD_NUMBERS = (0, 1, -1, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**32 - 1)
ODD_LARGE = (*ODD_NUMBERS, 2**53 + 1, 2**63 - 1, 2**64 - 1, 2**64, 10**30, -(10**30))
ODD_FLOATS = (0.0, -0.0, 1e-320, 1e39, 1e308, -1e308, float("nan"), float("inf"), -float("inf"))
ODD_TEXTS = (
    "", " ", "\0", "\x1b[2J", "../../etc/passwd", "a" * 5000, "\u202e", "\ud800", "%00", "%s%n",
    "NaN", "-1", "1e999", "0x10", "\r\n", "٣", "²", "__class__", "{}", "[]", "null",
)  # fmt: skip


def spoiled_bytes(rng: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """`data` after one to four changes of the kinds that break readers of binary files."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_BYTE_CHANGES)(rng, out, others)
    return bytes(out)


def _flip(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    if out:
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _odd_number(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    size = rng.choice((1, 2, 4, 8))
    number = rng.choice(ODD_LARGE) & ((1 << 8 * size) - 1)
    at = rng.randrange(len(out) + 1)
    out[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))


def _cut(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(out) + 1)
    del out[at : at + rng.choice((1, 2, 8, 64, len(out)))]


def _repeat(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(out) + 1)
    out[at:at] = out[at : at + rng.choice((1, 4, 16, 256))] * rng.choice((1, 2, 50))


def _insert(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(out) + 1)
    out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 200)))


def _splice(rng: random.Random, out: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others) if others else bytes(out)
    here, there = rng.randrange(len(out) + 1), rng.randrange(len(other) + 1)
    out[here : here + rng.choice((0, 8, 100, len(out)))] = other[there : there + 400]


_BYTE_CHANGES: tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip, _flip, _odd_number, _odd_number, _cut, _repeat, _insert, _splice,
)  # fmt: skip


def spoiled_lines(rng: random.Random, text: str, others: Sequence[str] = ()) -> str:
    """`text`, a thing of lines such as SDP, after one to six changes to its lines."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(lines) + 1)
        change = rng.randrange(8)
        if change == 0:
            del lines[at : at + rng.choice((1, 1, 3))]
        elif change == 1:
            lines[at:at] = lines[at : at + rng.choice((1, 10))] * rng.choice((1, 2, 20))
        elif change == 2 and len(lines) > 1:
            here = rng.randrange(len(lines))
            lines.insert(rng.randrange(len(lines)), lines.pop(here))
        elif change == 3 and others:
            lines[at:at] = rng.choice(rng.choice(others).splitlines(keepends=True) or [""])
        elif lines:
            here = rng.randrange(len(lines))
            lines[here] = _spoiled_line(rng, lines[here])
    return "".join(lines)


def _spoiled_line(rng: random.Random, line: str) -> str:
    body, end = line.rstrip("\r\n"), line[len(line.rstrip("\r\n")) :]
    if rng.random() < 0.1:
        end = rng.choice(("", "\n", "\r", "\r\n\r\n", "\x0b", "\u2028"))
    parts = body.replace(":", " : ").split(" ")
    at = rng.randrange(len(parts))
    change = rng.randrange(5)
    if change == 0:
        parts[at] = str(rng.choice(ODD_LARGE))
    elif change == 1:
        parts[at] = rng.choice(ODD_TEXTS)
    elif change == 2:
        del parts[at]
    elif change == 3:
        parts.insert(at, rng.choice(parts))
    else:
        place = rng.randrange(len(parts[at]) + 1)
        parts[at] = parts[at][:place] + rng.choice(string.printable) + parts[at][place + 1 :]
    return " ".join(parts).replace(" : ", ":") + end


def spoiled_json(rng: random.Random, value: Any) -> Any:
    """`value`, of dicts, lists and plain things, after one to four changes anywhere in it."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = _changed(rng, value)
    return value


def _changed(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.2:
            return _spoiled_table(rng, value, key)
        return {**value, key: _changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return rng.choice((value[:at], value[:at] + value[at:] * 2, value[::-1]))
        return [*value[:at], _changed(rng, value[at]), *value[at + 1 :]]
    return odd_value(rng)


def _spoiled_table(rng: random.Random, table: dict[str, Any], key: str) -> dict[str, Any]:
    rest = {name: one for name, one in table.items() if name != key}
    if rng.random() < 0.5:
        return rest
    return {**rest, rng.choice((key + "x", *ODD_TEXTS)): table[key]}


def odd_value(rng: random.Random) -> Any:
    """Something that JSON can say and nobody expects here."""
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(ODD_LARGE),
        lambda: rng.choice(ODD_FLOATS),
        lambda: rng.choice(ODD_TEXTS),
        lambda: rng.choice((None, True, False, [], {}, [[]], [None], {"": None})),
        lambda: [rng.choice(ODD_LARGE) for _ in range(rng.choice((1, 2, 75)))],
        lambda: _nested(rng.choice((5, 50, 400))),
    )
    return rng.choice(kinds)()


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value
