"""What the invisible mark says: 64 bits, of which 16 tell whether the rest was read right."""

from __future__ import annotations

import binascii
import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 64
VERSION = 1
GENERATED = 1  # the one kind there is: a person who did not move like this
EPOCH = datetime.date(2020, 1, 1)

_VERSION_BITS, _KIND_BITS, _SUBJECT_BITS, _DAY_BITS, _CRC_BITS = 4, 4, 24, 16, 16
SUBJECT_DIGITS = _SUBJECT_BITS // 4


@dataclass(frozen=True, slots=True)
class Payload:
    """Most significant bits first: version, kind, subject, day, and a CRC-16 over those."""

    subject: str  # the first 6 hex digits of the bundle's SHA-256
    day: datetime.date  # UTC, when the show began; `EPOCH` to 2199-06-06
    version: int = VERSION
    kind: int = GENERATED

    def __post_init__(self) -> None:
        int(self.subject, 16)  # ValueError where it is no hex number
        if len(self.subject) != SUBJECT_DIGITS:
            raise ValueError(f"subject {self.subject!r} has not {SUBJECT_DIGITS} hex digits")
        if not 0 <= (self.day - EPOCH).days < 1 << _DAY_BITS:
            raise ValueError(f"{self.day} cannot be written in {_DAY_BITS} bits since {EPOCH}")

    @classmethod
    def of(cls, sha256: str, day: datetime.date) -> Payload:
        """For the bundle whose manifest has this SHA-256 (hex)."""
        return cls(sha256[:SUBJECT_DIGITS].lower(), day)

    def pack(self) -> NDArray[np.uint8]:
        """The 64 bits, uint8 (64,), 0 or 1."""
        value = self.version << _KIND_BITS | self.kind
        value = value << _SUBJECT_BITS | int(self.subject, 16)
        value = value << _DAY_BITS | (self.day - EPOCH).days
        body = value.to_bytes((BITS - _CRC_BITS) // 8, "big")
        whole = body + _crc(body).to_bytes(2, "big")
        return np.unpackbits(np.frombuffer(whole, np.uint8))


def unpack(bits: NDArray[np.uint8]) -> Payload | None:
    """What 64 bits say; None where they are no payload of this version.

    Random bits pass with a chance of 2**-24: CRC, version and kind must all be right.
    """
    whole = np.packbits(bits).tobytes()
    body, crc = whole[:-2], int.from_bytes(whole[-2:], "big")
    if _crc(body) != crc or body[0] != VERSION << _KIND_BITS | GENERATED:
        return None
    subject = body[1 : 1 + _SUBJECT_BITS // 8].hex()
    days = int.from_bytes(body[1 + _SUBJECT_BITS // 8 :], "big")
    return Payload(subject, EPOCH + datetime.timedelta(days))


def _crc(body: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF."""
    return binascii.crc_hqx(body, 0xFFFF)
