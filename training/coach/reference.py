"""The reference set: what footage should show, each pose by what joints do, relative to the body.

Lengths are in statures (eyes to ankles of the figure, standing at that place), angles in degrees in
the picture. A criterion is False where its joints are not seen.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.coach.bodies import Array, Bodies, Where

DEPTH = 1.2  # near to far, in figure heights, from which on the footage has depth at all
_JUMP_S = 0.7  # before and after: how long feet are held against where they stand


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing that footage should show."""

    name: str  # in the report
    wanted_s: float
    worth: float  # of what is missing, 10 is most
    film: str  # what to film
    shown: Callable[[Bodies], Where]


def reference_set() -> tuple[Reference, ...]:
    """All of it, as the report lists it."""
    return (
        Reference("facing the camera", 20, 10, "the performance, facing the camera", _facing),
        Reference("turned back", 8, 9, "the same with the back to the camera", _back),
        Reference("profile, to the left", 5, 8, "standing and walking to the left", _left_profile),
        Reference("profile, to the right", 5, 8, "standing, walking to the right", _right_profile),
        Reference("arms hanging", 5, 7, "standing calmly, arms down", _hanging),
        Reference(
            "both hands above the head", 4, 9, "both arms raised, slowly, a few times", _high
        ),
        Reference("one hand above the head", 3, 6, "each arm raised by itself", _one_high),
        Reference("arms out to the sides", 3, 7, "arms stretched out to both sides", _wide),
        Reference("arms crossed", 3, 6, "arms crossed before the chest, and open again", _crossed),
        Reference("hands on hips", 2, 3, "hands on the hips, elbows out", _on_hips),
        Reference("hands at the face", 2, 4, "hands to the face and hair", _at_face),
        Reference("bent forward", 2, 5, "bending forward, to the front and to the side", _bent),
        Reference("crouch", 3, 8, "going down into a crouch and up again", _crouch),
        Reference("kneeling", 2, 5, "kneeling, on one knee and on both", _kneeling),
        Reference("sitting or lying", 2, 2, "sitting and lying on the floor", _floor),
        Reference("jump", 1, 5, "some jumps, landing included", _jump),
        Reference("a leg lifted", 2, 5, "each leg lifted forward and sideways", _leg),
        Reference("a wide stance", 2, 4, "lunges and a wide stance", _stance),
        Reference("near the camera", 4, 7, "walking up to the camera", _near),
        Reference("far from the camera", 4, 7, "walking away as far as the stage goes", _far),
        Reference("left of the picture", 4, 4, "some of it on the picture's left", _left),
        Reference("right of the picture", 4, 4, "some of it on the picture's right", _right),
    )


def shown_by(reference: Reference, bodies: Bodies) -> Where:
    """(N,): usable frames that show it."""
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of joints that nobody sees is NaN
        return np.asarray(reference.shown(bodies) & bodies.usable)


def _facing(b: Bodies) -> Where:
    return b.facing() > 0.12


def _back(b: Bodies) -> Where:
    return b.facing() < -0.1


def _sideways(b: Bodies) -> Where:
    torso = b.apart(b.at("neck"), b.at("mid_hip"))
    return np.asarray((np.abs(b.facing()) < 0.08) & (torso > 0.2))


def _left_profile(b: Bodies) -> Where:
    return _sideways(b) & (b.looks() < 0)


def _right_profile(b: Bodies) -> Where:
    return _sideways(b) & (b.looks() > 0)


def _over_head(b: Bodies) -> tuple[Where, Where]:
    left, right = (b.above(wrist, b.at("nose")) > 0.06 for wrist in b.both("wrist"))
    return left, right


def _high(b: Bodies) -> Where:
    left, right = _over_head(b)
    return left & right


def _one_high(b: Bodies) -> Where:
    left, right = _over_head(b)
    return left ^ right


def _upright(b: Bodies) -> Where:
    return b.above(b.at("neck"), b.at("mid_hip")) > 0.22


def _hanging(b: Bodies) -> Where:
    hands = [b.above(wrist, hip) < 0.06 for wrist, hip in zip(*_wrists_hips(b), strict=True)]
    beside = [b.apart(w, h) < 0.22 for w, h in zip(*_wrists_hips(b), strict=True)]
    standing = np.minimum(*(b.above(h, a) for h, a in _hips_ankles(b))) > 0.4
    return np.asarray(hands[0] & hands[1] & beside[0] & beside[1] & _upright(b) & standing)


def _wrists_hips(b: Bodies) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    return b.both("wrist"), b.both("hip")


def _hips_ankles(b: Bodies) -> list[tuple[Array, Array]]:
    return list(zip(b.both("hip"), b.both("ankle"), strict=True))


def _wide(b: Bodies) -> Where:
    sides = zip(b.both("wrist"), b.both("shoulder"), strict=True)
    level = [(np.abs(b.above(w, s)) < 0.16) & (b.apart(w, s) > 0.24) for w, s in sides]
    return np.asarray(level[0] & level[1])


def _crossed(b: Bodies) -> Where:
    middle = b.at("neck")[:, 0]
    left, right = b.both("wrist")
    shoulders = b.both("shoulder")
    over = [
        (wrist[:, 0] - middle) * (shoulder[:, 0] - middle) < 0
        for wrist, shoulder in zip((left, right), shoulders, strict=True)
    ]
    chest = [
        (b.above(w, b.at("mid_hip")) > 0.05) & (b.above(b.at("neck"), w) > 0.02)
        for w in (left, right)
    ]
    return np.asarray(over[0] & over[1] & chest[0] & chest[1] & (np.abs(b.facing()) > 0.1))


def _on_hips(b: Bodies) -> Where:
    close = [b.apart(w, h) < 0.13 for w, h in zip(*_wrists_hips(b), strict=True)]
    bent = [
        b.angle(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") < 130
        for side in ("left", "right")
    ]
    return np.asarray((close[0] & bent[0]) & (close[1] & bent[1]))


def _at_face(b: Bodies) -> Where:
    return np.asarray(
        np.logical_or(*(b.apart(wrist, b.at("nose")) < 0.13 for wrist in b.both("wrist")))
    )


def _bent(b: Bodies) -> Where:
    hips_up = b.above(b.at("mid_hip"), _feet(b)) > 0.33
    return np.asarray((b.above(b.at("neck"), b.at("mid_hip")) < 0.16) & hips_up)


def _feet(b: Bodies) -> Array:
    return np.asarray(np.nanmean(b.both("ankle"), axis=0))


def _crouch(b: Bodies) -> Where:
    low = b.above(b.at("mid_hip"), _feet(b)) < 0.36
    knees_up = np.maximum(*(b.above(k, _feet(b)) for k in b.both("knee"))) > 0.12
    return np.asarray(low & knees_up & _upright_ish(b))


def _upright_ish(b: Bodies) -> Where:
    return b.above(b.at("neck"), b.at("mid_hip")) > 0.12


def _kneeling(b: Bodies) -> Where:
    floor = np.nanmax([ankle[:, 1] for ankle in b.both("ankle")], axis=0)
    knees = [b.share(floor - knee[:, 1]) < 0.1 for knee in b.both("knee")]
    hips = b.share(floor - b.at("mid_hip")[:, 1])
    return np.asarray((knees[0] | knees[1]) & (hips > 0.12) & (hips < 0.42) & _upright_ish(b))


def _floor(b: Bodies) -> Where:
    return np.asarray(
        (b.above(b.at("mid_hip"), _feet(b)) < 0.14) & (b.above(b.at("nose"), _feet(b)) < 0.6)
    )


def _jump(b: Bodies) -> Where:
    """Both feet above where they stand just before and just after, at nearly the full height."""
    lowest = np.nanmax([ankle[:, 1] for ankle in b.both("ankle")], axis=0)
    # Whoever walks away from the camera rises, too, but does not come down again.
    ground = np.fmin(_beside(b, lowest, -_JUMP_S), _beside(b, lowest, _JUMP_S))
    return np.asarray((b.share(ground - lowest) > 0.05) & (b.above(b.at("nose"), _feet(b)) > 0.6))


def _beside(b: Bodies, line: Array, span_s: float) -> Array:
    """(N,): the line's lower end within `span_s` before (below 0) or after, in the same clip.

    y runs down, so that the lower end is the 80 % quantile. NaN where there is nothing.
    """
    found = np.full(len(line), np.nan)
    for video in np.unique(b.video):
        mine = np.flatnonzero(b.video == video)
        times = b.times_s[mine]
        first = np.searchsorted(times, times + min(span_s, 0))
        last = np.searchsorted(times, times + max(span_s, 0), "right")
        for at, low, high in zip(mine, first, last, strict=True):
            found[at] = np.nanquantile(line[mine[low:high]], 0.8)
    return found


def _leg(b: Bodies) -> Where:
    left, right = b.both("ankle")
    return np.asarray((np.abs(b.above(left, right)) > 0.18) & ~_kneeling(b) & _standing(b))


def _standing(b: Bodies) -> Where:
    floor = np.nanmax([ankle[:, 1] for ankle in b.both("ankle")], axis=0)
    return b.share(floor - b.at("mid_hip")[:, 1]) > 0.38


def _stance(b: Bodies) -> Where:
    left, right = b.both("ankle")
    return np.asarray((b.share(np.abs(left[:, 0] - right[:, 0])) > 0.4) & (_feet_level(b) < 0.15))


def _feet_level(b: Bodies) -> Array:
    return np.abs(b.above(*b.both("ankle")))


def depth(b: Bodies) -> tuple[float, float]:
    """The figure's heights far from the camera and near it, pixels of the stage."""
    tall = b.stature[b.usable]
    low, high = np.quantile(tall, [0.02, 0.98]) if len(tall) else (1.0, 1.0)
    return float(low), float(high)


def _near(b: Bodies) -> Where:
    low, high = depth(b)
    return (b.stature > np.sqrt(low * high)) & (high / low >= DEPTH)


def _far(b: Bodies) -> Where:
    low, high = depth(b)
    return (b.stature <= np.sqrt(low * high)) & (high / low >= DEPTH)


def _left(b: Bodies) -> Where:
    return b.at("mid_hip")[:, 0] < 0.42 * b.stage[1]


def _right(b: Bodies) -> Where:
    return b.at("mid_hip")[:, 0] > 0.58 * b.stage[1]
