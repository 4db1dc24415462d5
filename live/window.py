"""Where the generator looks: a window of the stage that follows the figure at constant size.

A figure that walks away grows small on the stage, but not in its window: face and hands keep
their pixels, and no work is spent on the empty room. Training cuts its pictures with this very
class. Windows are whole pixels, so that what is drawn into one is composed back without a shift.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.footline import FootLine
from live.frames import Pose, Region
from live.measure import MEASURES, ROOT_X, SEEN, measure

_ASIDE_S = 0.1  # time constant with which the window follows the figure to the side
_DEPTH_S = 0.2  # ... and in depth
_GAP_S = 1.0  # after this long, or when time runs back, the window jumps to the figure
_FRAME_S = 1 / 30
_BODY = 25
_LEAST_PX, _MOST = 16, 4.0  # of a window's height: pixels, stage heights


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What the window shows around a standing figure, in body heights (eyes to ankles)."""

    height: float = 1.5  # raised hands reach 1.35 above the ankles
    feet: float = 0.16  # from the ankles to the window's lower edge: shoes, and the contact shadow

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not (isinstance(value, int | float) and 0 < value < 10):
                raise ValueError(f"window {name} is {value!r}; it must be within 0 and 10")
        if self.feet >= self.height:
            raise ValueError(f"window feet {self.feet} must be below its height {self.height}")

    def to_json(self) -> dict[str, float]:
        """Plain numbers by field name."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> WindowSettings:
        """The inverse of `to_json`. Raises ValueError naming what is missing or unknown."""
        if set(data) != set(cls.__dataclass_fields__):
            wrong = sorted(set(data) ^ set(cls.__dataclass_fields__))
            raise ValueError(f"the window has missing or unknown fields: {wrong}")
        return cls(**data)


class StageWindow:
    """Follows one figure on one stage, pose after pose in order of time."""

    def __init__(
        self,
        body: BodyStats,
        stage: tuple[int, int],
        size: tuple[int, int],
        settings: WindowSettings | None = None,
    ) -> None:
        """body: the target's; stage: (height, width) pixels; size: of the generator's pictures."""
        self.stage = stage
        self.size = size
        self.settings = settings or WindowSettings()
        self._body = body
        self._measures = np.full(MEASURES, np.nan)
        self.reset()

    def reset(self) -> None:
        """Forget the figure; the next pose is jumped to."""
        self._foot = FootLine()
        self._last_s: float | None = None
        self._middle = 0.0  # of the figure, from the stage's centre line
        self._toe = self._body.toe_near  # both in stage heights

    def follow(self, pose: Pose, now_s: float) -> Region:
        """The window for `pose` (pixels of the stage) at `now_s`, seconds; may leave the stage."""
        elapsed_s = math.inf if self._last_s is None else now_s - self._last_s
        jumps = not 0 <= elapsed_s <= _GAP_S
        if jumps:
            self._foot.reset()
        dt_s = _FRAME_S if jumps else elapsed_s
        self._last_s = now_s
        measure(pose.points, pose.scores, *self.stage, self._measures)
        toe = self._foot.follow(self._measures, self._body.torso, dt_s)
        if math.isfinite(toe):
            self._toe += (toe - self._toe) * (1.0 if jumps else _step(dt_s, _DEPTH_S))
        middle = self._middle_of(pose)
        if middle is not None:
            self._middle += (middle - self._middle) * (1.0 if jumps else _step(dt_s, _ASIDE_S))
        return self._region()

    @property
    def stands_at(self) -> tuple[float, float]:
        """Where the figure stands, as last followed: x of its hips and the foot line, pixels."""
        root = float(self._measures[ROOT_X])
        aside = root if math.isfinite(root) else self._middle
        return self.stage[1] / 2 + aside * self.stage[0], self._toe * self.stage[0]

    def _middle_of(self, pose: Pose) -> float | None:
        """Halfway between the figure's outermost joints, from the centre line, stage heights."""
        seen = (pose.scores[:_BODY] >= SEEN) & np.isfinite(pose.points[:_BODY, 0])
        if not seen.any():
            return None
        across = pose.points[:_BODY, 0][seen]
        middle = (float(across.min()) + float(across.max())) / 2
        return (middle - self.stage[1] / 2) / self.stage[0]

    def _region(self) -> Region:
        stage_px = self.stage[0]
        tall = self.settings.height * self._body_height() * stage_px
        height = round(min(max(tall, _LEAST_PX), _MOST * stage_px))
        width = max(round(height * self.size[1] / self.size[0]), 1)
        lower = (self._toe + self.settings.feet * self._body_height()) * stage_px
        middle = self.stage[1] / 2 + self._middle * stage_px
        return Region(round(middle - width / 2), round(lower - height), width, height)

    def _body_height(self) -> float:
        """Of the target where the feet stand now, in stage heights."""
        body = self._body
        span = body.toe_near - body.toe_far
        depth = (self._toe - body.toe_far) / span if span > 1e-6 else 1.0
        depth = min(max(depth, -1.0), 2.0)  # as in `live.normalize`
        height = body.height_far + (body.height_near - body.height_far) * depth
        return max(height, 0.5 * body.height_far)


def into_window(
    points: NDArray[np.float32], region: Region, size: tuple[int, int]
) -> NDArray[np.float32]:
    """(..., 2) x, y from pixels of the stage to pixels of a picture of `size` that shows `region`.

    A joint that is nowhere (score 0) is moved like the rest, and as meaningless as before.
    """
    corner = np.array([region.x, region.y], np.float32)
    grow = np.array([size[1] / region.width, size[0] / region.height], np.float32)
    return np.asarray((points - corner) * grow, np.float32)


def _step(dt_s: float, time_constant_s: float) -> float:
    return 1 - math.exp(-dt_s / time_constant_s)
