"""Exact joints of a posed figure, in the canonical skeleton's order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.skeleton import INDEX, JOINTS
from training.studio.anatomy import Anatomy, load_anatomy
from training.studio.figure import Figure
from training.studio.puppet import Bones

Array = NDArray[np.float64]
_TAGS = {"left": ".L", "right": ".R"}
_FROM_BONE = {
    "shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist",
    "hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot",
}  # fmt: skip
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")


class JointMap:
    """Which mesh point each canonical joint is, found once per figure on the rest mesh."""

    def __init__(self, figure: Figure) -> None:
        anatomy = load_anatomy()
        sets = _vertex_sets(anatomy, figure)
        self.names = tuple(sets)
        self.rows = np.array([INDEX[name] for name in self.names])
        rest, bones, weights = [], [], []
        for vertices in sets.values():
            points = figure.shaped[vertices]
            rest.append(points.mean(0))
            shares = np.zeros(len(anatomy.bones))
            np.add.at(shares, anatomy.weight_bones[vertices], anatomy.weights[vertices])
            bones.append(np.argsort(-shares, kind="stable")[:4])
            weights.append(shares[bones[-1]] / shares[bones[-1]].sum())
        self._rest, self._bones, self._weights = np.array(rest), np.array(bones), np.array(weights)
        self._heads = {
            INDEX[f"{side}_{joint}"]: anatomy.bone(bone + tag)
            for side, tag in _TAGS.items() for joint, bone in _bone_joints().items()
        }  # fmt: skip

    def locate(self, bones: Bones) -> tuple[Array, NDArray[np.float32]]:
        """Joints (73, 3) in metres and scores (73,): 1 where known, 0 for the rest."""
        points, scores = np.zeros((len(JOINTS), 3)), np.zeros(len(JOINTS), np.float32)
        turned = (
            np.einsum("jkab,jb->jka", bones.turns[self._bones], self._rest)
            + bones.moves[self._bones]
        )
        points[self.rows] = (turned * self._weights[..., None]).sum(1)
        scores[self.rows] = 1
        for joint, bone in self._heads.items():
            points[joint], scores[joint] = bones.heads[bone], 1
        for middle, pair in (("neck", "shoulder"), ("mid_hip", "hip")):
            ends = [INDEX[f"{side}_{pair}"] for side in _TAGS]
            points[INDEX[middle]], scores[INDEX[middle]] = points[ends].mean(0), 1
        return points, scores


def _bone_joints() -> dict[str, str]:
    """Canonical joint without its side -> bone whose head it is."""
    found = dict(_FROM_BONE)
    found["hand_wrist"] = "wrist"
    for number, finger in enumerate(_FINGERS, 1):
        for joint in (1, 2, 3):
            found[f"{finger}_{joint}"] = f"finger{number}-{joint}"
    return found


def _vertex_sets(anatomy: Anatomy, figure: Figure) -> dict[str, NDArray[np.int64]]:
    """Joints that are points on or in the mesh, by the vertices whose mean they are."""
    shaped, marks = figure.shaped, figure.landmarks
    body = np.unique(anatomy.quads["body"])
    head = body[shaped[body, 1] > marks.head[1]]
    middle = head[np.abs(shaped[head, 0]) < 1e-4]
    sets = {"nose": middle[[int(np.argmax(shaped[middle, 2]))]]}
    for side, tag in _TAGS.items():
        sign = 1 if side == "left" else -1
        letter = side[0]
        sets[f"{side}_eye"] = np.unique(anatomy.quads[f"helper-{letter}-eye"])
        ears = np.nonzero(anatomy.masks["ears"] > 0.5)[0]
        ears = ears[shaped[ears, 0] * sign > 0]
        sets[f"{side}_ear"] = ears
        lash = np.unique(anatomy.quads[f"helper-{letter}-eyelashes-1"])
        out = shaped[lash, 0] * sign
        sets[f"{side}_eye_outer"], sets[f"{side}_eye_inner"] = (
            lash[[int(out.argmax())]],
            lash[[int(out.argmin())]],
        )
        lips = np.nonzero(anatomy.masks["lips"] > 0.4)[0]
        sets[f"{side}_mouth"] = lips[[int((shaped[lips, 0] * sign).argmax())]]
        sets[f"{side}_big_toe"] = anatomy.tails[anatomy.bone("toe1-2" + tag)]
        sets[f"{side}_small_toe"] = anatomy.tails[anatomy.bone("toe5-3" + tag)]
        foot = body[(shaped[body, 1] < 0.03) & (shaped[body, 0] * sign > 0)]
        sets[f"{side}_heel"] = foot[np.argsort(shaped[foot, 2])[:12]]
        for number, finger in enumerate(_FINGERS, 1):
            sets[f"{side}_{finger}_4"] = anatomy.tails[anatomy.bone(f"finger{number}-3{tag}")]
    return sets
