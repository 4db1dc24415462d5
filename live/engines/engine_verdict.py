"""When an 8-bit engine may be preferred: it was measured on this very card, and nothing spoke
against it.

8 bits change the picture, and whether they pay depends on the card. So `export.engines` holds an
8-bit engine against footage and races it against float16 on the GPU at hand, and only where both
go well it writes a verdict beside the engine. The show prefers an 8-bit engine that has one, and no
other. A verdict holds for one engine, by its hash, and for one card and driver, by its cache entry.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

KIND = "verdict"  # of the cache's entry
EIGHT_BITS = ("fp8", "int8")
MEASURED = ("fp16", "fp32")
"""What is preferred without a verdict, best first: float16 only where it was built ahead."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The engine with this hash is as good as float32, and faster than float16."""

    engine_sha256: str
    time_share: float  # of the float16 engine's median, in one race

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()

    def speaks_for(self, engine: bytes) -> bool:
        """Whether it is about `engine`."""
        return hashlib.sha256(engine).hexdigest() == self.engine_sha256


def verdict_of(content: bytes | None) -> Verdict | None:
    """The inverse of `Verdict.to_bytes`; None where there is none, or it is of another form."""
    try:
        found = json.loads(content or b"")
        return Verdict(str(found["engine_sha256"]), float(found["time_share"]))
    except (ValueError, KeyError, TypeError):
        return None
