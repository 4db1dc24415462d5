"""The JSON that OpenPose writes for one frame, as poses in the canonical skeleton."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.frames import Pose
from live.skeleton import BODY_25, GROUPS, HAND, INDEX, JOINTS

# OpenPose's own order of its COCO model (its documentation, 02_output.md).
_COCO_18 = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
# The corners among its 70 points of the face: iBUG's 68, which count from the picture's left,
# where the person's right is, and two pupils.
_FACE_70 = {
    36: "right_eye_outer", 39: "right_eye_inner", 42: "left_eye_inner", 45: "left_eye_outer",
    48: "right_mouth", 54: "left_mouth",
}  # fmt: skip

_BODY_ROWS = {
    25: [INDEX[name] for name in BODY_25],
    18: [INDEX[name] for name in _COCO_18],
}
_HALF_HANDS = {
    "hand_left_keypoints_2d": list(GROUPS["hands"][: len(HAND)]),
    "hand_right_keypoints_2d": list(GROUPS["hands"][len(HAND) :]),
}


def read_people(text: bytes, size: tuple[int, int], captured_s: float) -> list[Pose]:
    """Everybody in one file's `text`.

    `size` is the (height, width) of the frame, in whose pixels OpenPose wrote. Raises ValueError
    that says what is wrong, where the text is not such a file.
    """
    try:
        content = json.loads(text)
        people = content["people"]
        return [_pose(person, size, captured_s) for person in people]
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"not OpenPose's layout: {error!r}") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _pose(person: dict[str, Any], size: tuple[int, int], captured_s: float) -> Pose:
    points = np.zeros((len(JOINTS), 2), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)

    def fill(rows: list[int], found: NDArray[np.float32]) -> None:
        points[rows], scores[rows] = found[:, :2], found[:, 2]

    body = _triples(person, "pose_keypoints_2d", tuple(_BODY_ROWS))
    if body is not None:
        fill(_BODY_ROWS[len(body)], body)
    if body is not None and len(body) == len(_COCO_18):
        hips = [INDEX["right_hip"], INDEX["left_hip"]]
        points[INDEX["mid_hip"]] = points[hips].mean(0)
        scores[INDEX["mid_hip"]] = scores[hips].min()
    face = _triples(person, "face_keypoints_2d", (70,))
    if face is not None:
        fill([INDEX[name] for name in _FACE_70.values()], face[list(_FACE_70)])
    for key, rows in _HALF_HANDS.items():
        hand = _triples(person, key, (len(HAND),))
        if hand is not None:
            fill(rows, hand)
    return Pose(points, scores, captured_s, size)


def _triples(
    person: dict[str, Any], key: str, counts: tuple[int, ...]
) -> NDArray[np.float32] | None:
    """The keypoints under `key`, shape (N, 3): x, y, score in [0, 1]; None where it was not run.

    A point that is not finite gets zeros.
    """
    values = person.get(key) or []
    if len(values) == 0:
        return None
    if len(values) not in [3 * count for count in counts]:
        raise ValueError(
            f"{key} has {len(values)} numbers, not 3 x {' or '.join(map(str, counts))}"
        )
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, and drops out
        found = np.asarray(values, np.float64).astype(np.float32).reshape(-1, 3)
    found[~np.isfinite(found).all(1)] = 0
    found[:, 2] = np.clip(found[:, 2], 0, 1)
    return found
