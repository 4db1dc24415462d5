"""A dancer without a camera: every joint of the canonical skeleton, as a function of time.

Proportions after Drillis and Contini's segment lengths (1966), as fractions of the stature.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.frames import Pose
from live.skeleton import HANDS, JOINTS

_SIDES = (("left", 1.0), ("right", -1.0))  # the person's left is at the picture's right


def dancer(
    time_s: float,
    size: tuple[int, int] = (512, 512),
    height: float = 0.75,
    foot: float = 0.95,
    middle: float = 0.0,
    person: int = 0,
) -> Pose:
    """A person of body height `height` who stands at foot line `foot`, `middle` off the centre
    line (all fractions of the frame's height), dancing on the spot. Every score is 1."""
    places: dict[str, tuple[float, float]] = {}
    sway = 0.03 * math.sin(2.1 * time_s)
    hip_y, neck_y = 0.53 + 0.01 * math.sin(4.2 * time_s), 0.83
    places |= {"mid_hip": (sway, hip_y), "neck": (sway, neck_y), "nose": (sway, 0.93)}
    for side, sign in _SIDES:
        _leg(places, side, sign, sway, hip_y, time_s)
        _arm(places, side, sign, sway, neck_y, time_s)
        _face(places, side, sign, sway)
    stature = height / 0.907  # `height` is from the eyes to the ankles
    points = np.array([places[name] for name in JOINTS])
    points = (points - [0, 0.04]) * [stature, -stature] + [middle, foot]
    pixels = points * size[0] + [size[1] / 2, 0]
    return Pose(pixels.astype(np.float32), np.ones(len(JOINTS), np.float32), time_s, size, person)


def clip(
    seconds: float, fps: float = 30.0, size: tuple[int, int] = (512, 512), scale: float = 1.0
) -> list[Pose]:
    """The dancer walking to and from a camera at breast height, `scale` times as large."""
    poses = []
    for frame in range(int(seconds * fps)):
        depth = 0.5 - 0.5 * math.cos(2 * math.pi * frame / fps / 8)  # 0 far, 1 near
        height, foot = (0.45 + 0.3 * depth) * scale, 0.5 + (0.27 + 0.18 * depth) * scale
        sideways = 0.1 * scale * math.sin(frame / fps)
        poses.append(dancer(frame / fps, size, height, foot, sideways))
    return poses


def arrays(poses: list[Pose]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points (T, J, 2) and scores (T, J) of a clip."""
    return np.stack([pose.points for pose in poses]), np.stack([pose.scores for pose in poses])


def _leg(
    places: dict[str, tuple[float, float]],
    side: str, sign: float, sway: float, hip_y: float, time_s: float,
) -> None:  # fmt: skip
    lift = 0.06 * max(0.0, sign * math.sin(2.1 * time_s))
    ankle = (sign * 0.08, 0.04 + lift)
    places[f"{side}_hip"] = (sway + sign * 0.06, hip_y)
    places[f"{side}_knee"] = (sign * 0.08 + sway / 2, 0.285 + lift)
    places[f"{side}_ankle"] = ankle
    places[f"{side}_heel"] = (ankle[0] - sign * 0.01, ankle[1] - 0.03)
    places[f"{side}_big_toe"] = (ankle[0] + sign * 0.05, ankle[1] - 0.04)
    places[f"{side}_small_toe"] = (ankle[0] + sign * 0.07, ankle[1] - 0.03)


def _arm(
    places: dict[str, tuple[float, float]],
    side: str, sign: float, sway: float, neck_y: float, time_s: float,
) -> None:  # fmt: skip
    swing = math.sin(3.0 * time_s + sign)
    shoulder = np.array([sway + sign * 0.12, neck_y - 0.01])
    elbow = shoulder + 0.17 * _heading(-0.6 + 0.9 * swing, sign)
    forearm = _heading(0.3 + 1.1 * swing, sign)
    wrist = elbow + 0.15 * forearm
    across = np.array([-forearm[1], forearm[0]]) * sign
    for name, place in (("shoulder", shoulder), ("elbow", elbow), ("wrist", wrist)):
        places[f"{side}_{name}"] = (float(place[0]), float(place[1]))
    places[f"{side}_hand_wrist"] = places[f"{side}_wrist"]
    for name in (name for name in HANDS if name.startswith(side) and "_hand_" not in name):
        finger, number = name.split("_")[1:]
        spread = 0.012 * (("thumb", "index", "middle", "ring", "pinky").index(finger) - 2)
        place = wrist + (0.035 + 0.016 * int(number)) * forearm + spread * across
        places[name] = (float(place[0]), float(place[1]))


def _face(places: dict[str, tuple[float, float]], side: str, sign: float, sway: float) -> None:
    for name, aside, y in (
        ("eye", 0.017, 0.947), ("ear", 0.042, 0.94), ("eye_inner", 0.01, 0.947),
        ("eye_outer", 0.026, 0.947), ("mouth", 0.014, 0.905),
    ):  # fmt: skip
        places[f"{side}_{name}"] = (sway + sign * aside, y)


def _heading(angle: float, sign: float) -> NDArray[np.float64]:
    return np.array([sign * math.cos(angle), math.sin(angle)])
