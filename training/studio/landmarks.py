"""Where a shaped body has its neck, knees and eyes: garments are measured from these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.anatomy import Anatomy

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Rest positions that garments are measured from, metres. `left` arms and legs are at +x."""

    neck: Array
    shoulder: Array
    elbow: Array
    wrist: Array
    hip: Array
    knee: Array
    ankle: Array
    head: Array  # the head bone's head, at the skull's base
    crown: float  # y of the scalp's top
    eye: Array  # centre of the left eyeball
    waist: float  # y
    ears: Array  # left ear


def find_landmarks(anatomy: Anatomy, vertices: Array) -> Landmarks:
    """Measure a shaped mesh."""

    def head(name: str) -> Array:
        return np.asarray(vertices[anatomy.heads[anatomy.bone(name)]].mean(0))

    eye = vertices[np.unique(anatomy.quads["helper-l-eye"])].mean(0)
    ears = vertices[(anatomy.masks["ears"] > 0.5) & (vertices[:, 0] > 0)].mean(0)
    body = vertices[np.unique(anatomy.quads["body"])]
    hip, spine = head("upperleg01.L"), head("spine03")
    return Landmarks(
        neck=head("neck01"), shoulder=head("upperarm01.L"), elbow=head("lowerarm01.L"),
        wrist=head("wrist.L"), hip=hip, knee=head("lowerleg01.L"), ankle=head("foot.L"),
        head=head("head"), crown=float(body[:, 1].max()), eye=eye, waist=float(spine[1]), ears=ears,
    )  # fmt: skip


def skirt_hem(marks: Landmarks) -> float:
    """Height of the skirt's hem: well above the knee, so that legs can kick."""
    return float(0.42 * marks.hip[1] + 0.58 * marks.knee[1])


def limb_coordinate(anatomy: Anatomy, vertices: Array, marks: Landmarks) -> Array:
    """Where along its limb each vertex lies, shape (V,): arms 0 shoulder, 1 elbow, 2 wrist, 3 hand;
    legs -0 hip, -1 knee, -2 ankle, -3 toes; torso and head 0.
    """
    mirrored = vertices * np.where(vertices[:, :1] < 0, (-1, 1, 1), 1)
    arm = _along(mirrored, (marks.shoulder, marks.elbow, marks.wrist))
    leg = _along(mirrored, (marks.hip, marks.knee, marks.ankle))
    names = np.array(anatomy.bones)
    is_arm = np.array(
        [n.startswith(("upperarm", "lowerarm", "wrist", "finger", "metac")) for n in names]
    )
    is_leg = np.array([n.startswith(("upperleg", "lowerleg", "foot", "toe")) for n in names])
    arm_share = (anatomy.weights * is_arm[anatomy.weight_bones]).sum(1)
    leg_share = (anatomy.weights * is_leg[anatomy.weight_bones]).sum(1)
    sure = np.clip((arm_share - 0.15) / 0.45, 0, 1)
    return np.where(arm_share > 0.15, arm * sure, np.where(leg_share > 0.02, -leg, 0.0))


def _along(points: Array, joints: tuple[Array, Array, Array]) -> Array:
    """Projection of points (N, 3) onto a two-part chain, in parts; beyond the end it goes on."""
    start, middle, end = joints
    upper, lower = middle - start, end - middle
    first = (points - start) @ upper / (upper @ upper)
    second = (points - middle) @ lower / (lower @ lower)
    bend = 0.5 + 0.5 * np.tanh((first - 1) / 0.08)
    return np.maximum(first, 0) * (1 - bend) + (1 + second) * bend
