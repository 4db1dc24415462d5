"""What is wrong with single frames of the footage, and which of them training leaves out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError
from training.disk import write_whole

FILE = "flags.npz"


class Flag(IntFlag):
    """Bits of a frame's flags."""

    LOST = 1  # nobody was found
    BLUR = 2  # the person is much softer than elsewhere in the footage
    CUT = 4  # another shot begins here
    CAMERA = 8  # the camera stands elsewhere than in most of the footage, or moves
    SETTING = 16  # the background is another one
    LIGHT = 32  # much brighter or darker than most of the footage
    PEOPLE = 64  # somebody else is near


REASONS = {
    Flag.LOST: "nobody found",
    Flag.BLUR: "person blurred",
    Flag.CUT: "a cut before it",
    Flag.CAMERA: "camera moved",
    Flag.SETTING: "another background",
    Flag.LIGHT: "light changed",
    Flag.PEOPLE: "a second person near",
}
"""In words."""

POISON = Flag.BLUR | Flag.CAMERA | Flag.SETTING | Flag.LIGHT | Flag.PEOPLE
"""What training leaves out. Frames without a person it never took; a cut only ends a stream."""


@dataclass(frozen=True, slots=True, eq=False)
class Flags:
    """Of all frames of a dataset."""

    bits: NDArray[np.uint16]  # (N,), of `Flag`
    excluded: NDArray[np.bool_]  # (N,), True where training leaves the frame out

    def has(self, flag: Flag) -> NDArray[np.bool_]:
        """(N,): whether any of the bits in `flag` is set."""
        return np.asarray((self.bits & np.uint16(int(flag))) > 0)

    def counts(self) -> dict[str, int]:
        """Frames by reason, those that occur."""
        found = {words: int(self.has(flag).sum()) for flag, words in REASONS.items()}
        return {words: count for words, count in found.items() if count}

    def save(self, folder: Path) -> None:
        """Write `flags.npz`. Raises SetupError where it cannot be written."""
        # By way of memory: np.savez seeks, and a full disk shall be told by one write.
        packed = io.BytesIO()
        np.savez(packed, bits=self.bits, excluded=self.excluded)
        write_whole(folder / FILE, packed.getbuffer())


def no_flags(count: int) -> Flags:
    """Nothing is wrong: for a dataset that was made before frames were judged."""
    return Flags(np.zeros(count, np.uint16), np.zeros(count, bool))


def load_flags(folder: Path, count: int) -> Flags:
    """The flags of the dataset `folder` with `count` frames. Raises SetupError."""
    path = folder / FILE
    if not path.is_file():
        return no_flags(count)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            flags = Flags(arrays["bits"], arrays["excluded"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise SetupError(f"{path} is damaged ({error}); run training.prepare again") from error
    if flags.bits.shape != (count,) or flags.excluded.shape != (count,):
        raise SetupError(
            f"{path} is about {len(flags.bits)} frames and the dataset has {count}; "
            f"run training.prepare again"
        )
    return flags
