"""The people in MediaPipe's answers, and pictures with only one of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from live.frames import Image, Pose
from live.pose.blazepose_map import canonical_pose
from live.pose.bodies import seen_box
from live.skeleton import INDEX

_MID_HIP = INDEX["mid_hip"]
_SAME = 0.25  # of a body's height: two whose hips are nearer than this are one


def poses_of(result: Any, rgb: Image, captured_s: float) -> list[Pose]:
    """Everybody in MediaPipe's `result` for the picture `rgb`, in its pixels."""
    size = (rgb.shape[0], rgb.shape[1])
    return [
        canonical_pose(
            np.array([(at.x, at.y, at.visibility, at.presence) for at in person], np.float32),
            size,
            captured_s,
        )
        for person in result.pose_landmarks
    ]


def together(people: list[Pose], more: list[Pose]) -> list[Pose]:
    """Both, each body once."""
    hips = [one.points[_MID_HIP] for one in more]
    return [
        *more,
        *(
            pose
            for pose in people
            if all(np.hypot(*(pose.points[_MID_HIP] - hip)) > _SAME * _tall(pose) for hip in hips)
        ),
    ]


def _tall(pose: Pose) -> float:
    seen = pose.points[pose.scores > 0]
    return float(np.ptp(seen[:, 1])) if len(seen) else 0.0


def blank_around(rgb: Image, chosen: Pose, score_seen: float, share: float) -> Image:
    """A copy of `rgb`, black outside the box of `chosen`, padded by this share of its size."""
    box = seen_box(chosen, score_seen)
    assert box is not None  # the follower chooses nobody without a seen joint
    padding = share * max(box[2] - box[0], box[3] - box[1])
    left, top = np.maximum(box[:2] - padding, 0).astype(int)
    right, bottom = np.maximum(box[2:] + padding, 0).astype(int)
    alone = np.zeros_like(rgb)
    alone[top:bottom, left:right] = rgb[top:bottom, left:right]
    return alone
