"""Engines held against one reference, frame by frame: on single poses and on their own past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Engine
from live.frames import Image
from training.samples import psnr

DRIFT_FRAMES = 30  # at each end of the dance


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """One frame, as both sides see it."""

    where: str  # "pose 12" of the codebook, or "frame 204" of the dance
    label: Image  # RGB uint8 (h, w, 3)
    expected: Image  # premultiplied RGBA uint8 (h, w, 4)
    found: Image  # the same
    psnr_db: float


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """How far an engine is from the reference.

    Differences are of next_state, [0, 1]; PSNR of all four channels of rgba, 8-bit, 108 dB for
    equal pictures.
    """

    max_abs: float  # over codebook and dance
    mean_abs: float  # the same
    psnr_db: float  # the lower of the two below
    codebook_psnr_db: float  # single poses, from one and the same state; nan without any
    dance_psnr_db: float  # each engine on its own past
    drift_db: float  # the dance's first `DRIFT_FRAMES` less its last: above 0 is a growing error
    series_db: tuple[float, ...]  # PSNR of every frame of the dance
    exhibits: tuple[Exhibit, ...]  # the worst of either, worst first


def compare(
    reference: Engine,
    engines: Mapping[str, Engine],
    poses: Sequence[Image],
    dance: Sequence[Image],
    progress: Callable[[Iterable[Image]], Iterable[Image]] = iter,
) -> dict[str, Gap]:
    """The gap of every engine, by name.

    poses: labels that stand alone, each computed from the state that the reference reaches when it
    sees that label once; dance: labels in order of time, every engine on its own states.
    """
    tallies = {name: _Tally() for name in engines}
    empty: NDArray[Any] = np.zeros((1, 4, *dance[0].shape[:2]), np.float32)
    for number, label in enumerate(progress(poses)):
        state = reference.run({"label": label[None], "state": empty})["next_state"]
        feeds = {"label": label[None], "state": state}
        expected = reference.run(feeds)
        for name, engine in engines.items():
            tallies[name].codebook.add(f"pose {number}", label, expected, engine.run(feeds))
    states = dict.fromkeys(engines, empty)
    own = empty
    for number, label in enumerate(progress(dance)):
        expected = reference.run({"label": label[None], "state": own})
        own = expected["next_state"]
        for name, engine in engines.items():
            found = engine.run({"label": label[None], "state": states[name]})
            states[name] = found["next_state"]
            tallies[name].dance.add(f"frame {number}", label, expected, found)
    return {name: tally.gap() for name, tally in tallies.items()}


@dataclass(slots=True)
class _Part:
    """Errors of one kind of labels."""

    squares: list[float] = field(default_factory=list)  # mean squared 8-bit error by frame
    max_abs: float = 0.0
    sums: list[float] = field(default_factory=list)  # mean absolute error by frame
    worst: Exhibit | None = None

    def add(
        self, where: str, label: Image,
        expected: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]],
    ) -> None:  # fmt: skip
        gap = np.abs(found["next_state"] - expected["next_state"])
        # A NaN must not hide behind a comparison: it counts as the largest error there is.
        self.max_abs = max(self.max_abs, float(np.nan_to_num(gap, nan=np.inf).max()))
        self.sums.append(float(gap.mean()))
        one, other = expected["rgba"][0], found["rgba"][0]
        square = float(np.square(one.astype(np.int32) - other).mean())
        self.squares.append(square)
        if self.worst is None or psnr(square) < self.worst.psnr_db:
            self.worst = Exhibit(where, label, one.copy(), other.copy(), psnr(square))

    def psnr_db(self) -> float:
        return psnr(float(np.mean(self.squares))) if self.squares else float("nan")


@dataclass(slots=True)
class _Tally:
    """Errors of one engine."""

    codebook: _Part = field(default_factory=_Part)
    dance: _Part = field(default_factory=_Part)

    def gap(self) -> Gap:
        squares = self.dance.squares
        end = max(min(DRIFT_FRAMES, len(squares) // 2), 1)
        first, last = (psnr(float(np.mean(part))) for part in (squares[:end], squares[-end:]))
        parts = (self.codebook, self.dance)
        exhibits = [part.worst for part in parts if part.worst is not None]
        both_db = self.codebook.psnr_db(), self.dance.psnr_db()
        return Gap(
            max_abs=max(part.max_abs for part in parts),
            mean_abs=float(np.mean([value for part in parts for value in part.sums])),
            psnr_db=float(np.nanmin(both_db)),
            codebook_psnr_db=both_db[0],
            dance_psnr_db=both_db[1],
            drift_db=first - last,
            series_db=tuple(psnr(square) for square in squares),
            exhibits=tuple(sorted(exhibits, key=lambda exhibit: exhibit.psnr_db)),
        )
