"""From what was measured to what is wrong with each frame, and with the footage as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.flags import POISON, REASONS, Flag, Flags
from training.sharpness import soft_frames
from training.watch import Traces

MOVED = 0.008  # stage heights from where the camera stands most of the time: 4 pixels of 512
MOVING = 0.003  # stage heights between two looks
OTHER = 30.0  # levels of 255 between background and plate: another place
OTHER_LOST = 10.0  # the same where none of the plate's features is found again
LIGHT = 1.25  # times as bright or dark
RULE = 0.5  # of the frames: what is wrong with more of them is no exception that could be left out


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong throughout: training on it would give a poor subject."""

    flag: Flag
    share: float  # of the frames, in [0, 1]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Flags of the frames, and what is wrong with all of the footage."""

    flags: Flags
    troubles: tuple[Trouble, ...]


def judge(
    traces: Traces,
    seen: NDArray[np.bool_],
    sharpness: NDArray[np.float32],
    heights: NDArray[np.float32],
    near: NDArray[np.int8],
) -> Judgement:
    """Flags of N frames.

    seen: (N,), the person is seen; sharpness: (N,), see `training.sharpness`; heights: (N,), of the
    figure, pixels, NaN where nobody is; near: (N,), people near the subject, -1 where not looked.
    """
    shift = np.nan_to_num(traces.shift, nan=0.0, posinf=np.inf)
    lost = np.isinf(shift)
    moved = (shift > MOVED) & ~lost
    step = np.nan_to_num(traces.step, nan=0.0, posinf=np.inf)
    # Leaves in the wind move unlike one another, too; but then the plate is found again.
    moving = (step > MOVING) & (np.isfinite(step) | lost)
    gap, gain = np.nan_to_num(traces.gap, nan=0.0), np.nan_to_num(traces.gain, nan=1.0)
    crowded = people_between(near)
    marks = {
        Flag.LOST: ~seen,
        Flag.BLUR: soft_frames(sharpness, heights),
        Flag.CUT: traces.cut,
        Flag.CAMERA: moved | moving,
        Flag.SETTING: (lost & (gap > OTHER_LOST)) | ((gap > OTHER) & ~moved),
        Flag.LIGHT: np.abs(np.log(gain.clip(0.01))) > np.log(LIGHT),
        Flag.PEOPLE: crowded & seen,
    }
    bits = np.zeros(len(seen), np.uint16)
    for flag, where in marks.items():
        bits[where] |= np.uint16(int(flag))
    flags = Flags(bits, np.zeros(len(seen), bool))
    poisonous = [f for f in REASONS if f & POISON and share(flags, f, seen) <= RULE]
    excluded = np.zeros(len(seen), bool)
    for flag in poisonous:
        excluded |= flags.has(flag)
    flags = Flags(bits, excluded)
    return Judgement(flags, _troubles(flags, seen))


def share(flags: Flags, flag: Flag, seen: NDArray[np.bool_]) -> float:
    """Of the frames that show the person, those with `flag`."""
    return float(flags.has(flag)[seen].mean()) if seen.any() else 0.0


def people_between(near: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(N,): frames around which looks saw somebody near the subject.

    Of three looks in a row two must have: a person stays for a while, an error flickers.
    """
    looked = np.flatnonzero(near >= 0)
    if not len(looked):
        return np.zeros(len(near), bool)
    saw = np.pad((near[looked] > 0).astype(int), 1, mode="edge")
    agreed = saw[:-2] + saw[1:-1] + saw[2:] >= 2
    frames = np.arange(len(near))
    after = np.searchsorted(looked, frames).clip(0, len(looked) - 1)
    before = (after - 1).clip(0)
    closer = np.abs(looked[before] - frames) < np.abs(looked[after] - frames)
    return np.asarray(agreed[np.where(closer, before, after)])


def _troubles(flags: Flags, seen: NDArray[np.bool_]) -> tuple[Trouble, ...]:
    found = []
    camera, setting = share(flags, Flag.CAMERA, seen), share(flags, Flag.SETTING, seen)
    if camera > RULE:
        found.append(
            Trouble(
                Flag.CAMERA,
                camera,
                f"the camera moves in {camera:.0%} of the footage; put it on a tripod, lock zoom "
                f"and stabilization, and film again",
            )
        )
    elif setting > RULE:
        found.append(
            Trouble(
                Flag.SETTING,
                setting,
                f"{setting:.0%} of the footage has another background than the rest; prepare "
                f"shots of one camera position only",
            )
        )
    people = share(flags, Flag.PEOPLE, seen)
    if people > RULE:
        found.append(
            Trouble(
                Flag.PEOPLE,
                people,
                f"a second person is near the subject in {people:.0%} of the footage; film the "
                f"subject alone",
            )
        )
    return tuple(found)
