"""The figure in every frame, measured in its own body heights, for the reference set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError
from live.frames import Pose
from live.skeleton import INDEX
from live.window import StageWindow, WindowSettings
from training.assemble import Assembled, heights

Array = NDArray[np.float64]
Where = NDArray[np.bool_]
SEEN = 0.3
LONGEST_STEPS = 3.0  # usual steps that one frame may stand for: a hole is no pose


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """N frames of one figure. Lengths are in statures: eyes to ankles, standing at that place."""

    points: Array  # (N, J, 2), pixels of the stage; NaN where a joint is not seen
    stature: Array  # (N,), pixels of the stage
    seconds: Array  # (N,), the time that each frame stands for
    times_s: Array  # (N,), of the clip
    video: NDArray[np.int64]  # (N,)
    usable: Where  # (N,)
    stage: tuple[int, int]

    def at(self, name: str) -> Array:
        """(N, 2) pixels: the joint `name`."""
        return self.points[:, INDEX[name]]

    def both(self, name: str) -> tuple[Array, Array]:
        """The left and the right joint `name`, (N, 2) pixels each."""
        return self.at(f"left_{name}"), self.at(f"right_{name}")

    def share(self, pixels: Array) -> Array:
        """(N,) pixels in statures."""
        return pixels / self.stature

    def above(self, one: Array, other: Array) -> Array:
        """(N,): how far `one` lies above `other`, (N, 2) each, in statures."""
        return self.share(other[:, 1] - one[:, 1])

    def apart(self, one: Array, other: Array) -> Array:
        """(N,): from `one` to `other`, (N, 2) each, in statures."""
        return self.share(np.hypot(*(one - other).T))

    def angle(self, end: str, middle: str, other: str) -> Array:
        """(N,) degrees: the angle at the joint `middle`, 180 where it is straight."""
        one, two = self.at(end) - self.at(middle), self.at(other) - self.at(middle)
        cosine = (one * two).sum(1) / (np.hypot(*one.T) * np.hypot(*two.T)).clip(1e-6)
        return np.asarray(np.degrees(np.arccos(cosine.clip(-1, 1))))

    def facing(self) -> Array:
        """(N,): shoulder width in statures, positive towards the camera, negative away from it."""
        left, right = self.both("shoulder")
        return self.share(left[:, 0] - right[:, 0])

    def looks(self) -> Array:
        """(N,): above 0 where nose and toes point to the picture's right, below to its left."""
        head = self.at("nose")[:, 0] - np.nanmean([p[:, 0] for p in self.both("ear")], axis=0)
        feet = [
            self.at(f"{side}_big_toe")[:, 0] - self.at(f"{side}_heel")[:, 0]
            for side in ("left", "right")
        ]
        return np.asarray(np.nansum([head, *feet], axis=0))


def bodies_of(found: Assembled) -> Bodies:
    """The figure of every frame."""
    seen = (found.scores > SEEN) & found.seen[:, None]
    points = np.where(seen[:, :, None], found.points.astype(np.float64), np.nan)
    return Bodies(
        points=points,
        stature=_statures(found),
        seconds=_seconds(found),
        times_s=found.times_s,
        video=found.video,
        usable=found.usable,
        stage=found.stage,
    )


def _statures(found: Assembled) -> Array:
    """As the stage's window takes them: they follow the foot line, not a crouch."""
    try:
        body = found.body()
    except SetupError:  # too little is seen; the report will say that first
        tall = heights(found.points, found.scores, found.seen)
        return np.full(len(tall), max(float(np.nanquantile(tall, 0.9)), 1.0))
    settings = WindowSettings()
    window = StageWindow(body, found.stage, (288, 224), settings)
    statures, video = np.zeros(len(found.points)), -1
    for number, (points, scores) in enumerate(zip(found.points, found.scores, strict=True)):
        if found.video[number] != video:
            window.reset()
            video = int(found.video[number])
        time_s = float(found.times_s[number])
        region = window.follow(Pose(points, scores, time_s, found.stage), time_s)
        statures[number] = region.height / settings.height
    return statures


def _seconds(found: Assembled) -> Array:
    """The time until the next frame of the same clip, holes apart."""
    seconds = np.zeros(len(found.times_s))
    for number, clip in enumerate(found.clips):
        mine = np.flatnonzero(found.video == number)
        if len(mine):
            steps = np.diff(found.times_s[mine])
            usual_s = float(np.median(steps)) if len(steps) else 1 / clip.fps
            seconds[mine] = np.append(steps, usual_s).clip(0, LONGEST_STEPS * usual_s)
    return seconds
