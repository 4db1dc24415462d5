"""The measures of a body on its stage, that normalization maps between.

Everything is a fraction of the frame's height, so that footage, label and stage may have
different sizes. y runs down from the top edge; x is measured from the frame's centre line.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BodyStats:
    """Statistics of one clip (EDN, Chan et al. 2019, section 3.2 and its supplement).

    `near` is where the feet stand when the person is closest to the camera, `far` when farthest.
    """

    toe_near: float  # foot line (y of the lower ankle) at the near position
    toe_far: float  # the same at the far position; at most toe_near
    height_near: float  # body height, head to ankles, at the near position
    height_far: float  # the same at the far position
    torso: float  # neck to mid-hip, as a fraction of body height: used when ankles are hidden
    aspect: float  # frame width / frame height

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not _is_finite(value):
                raise ValueError(f"body statistic {name} is {value!r}; it must be a finite number")
        if self.toe_far > self.toe_near:
            raise ValueError(f"toe_far {self.toe_far} lies below toe_near {self.toe_near}")
        for name in ("height_near", "height_far", "torso", "aspect"):
            if getattr(self, name) <= 0:
                raise ValueError(f"body statistic {name} is {getattr(self, name)}; it must be > 0")

    def to_json(self) -> dict[str, float]:
        """Plain numbers by field name."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BodyStats:
        """The inverse of `to_json`. Raises ValueError naming what is missing, unknown or wrong."""
        if set(data) != set(cls.__dataclass_fields__):
            wrong = sorted(set(data) ^ set(cls.__dataclass_fields__))
            raise ValueError(f"body statistics have missing or unknown fields: {wrong}")
        return cls(**data)


def _is_finite(value: object) -> bool:
    """Whether `value`, perhaps from a file, is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False
