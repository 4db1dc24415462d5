"""From a choreography to bones: forward kinematics above the hips, planted feet below.

Every body is first brought, bone by bone, into one canonical stance (upright, arms hanging, palms
to the thighs, facing +z); a joint's angles turn it from there, so that equal angles look alike on
every body. Legs follow the feet (`footwork.py`) by two-bone inverse kinematics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.anatomy import load_anatomy
from training.studio.choreography import CHANNELS, SIDES, Choreography
from training.studio.figure import Figure
from training.studio.footwork import Footwork, plan_steps
from training.studio.rotations import about, between, frame, from_vector, rotation_vector

Array = NDArray[np.float64]
_SUFFIX = {"left": ".L", "right": ".R"}
_SIGN = {"left": 1.0, "right": -1.0}
SOFT_KNEE = 0.985
"""A leg is never straighter than this share of its length."""


@dataclass(frozen=True, slots=True, eq=False)
class Bones:
    """One posed skeleton: a rest point p moves with bone b to turns[b] p + moves[b]."""

    turns: NDArray[np.float32]  # (B, 3, 3)
    moves: NDArray[np.float32]  # (B, 3)
    heads: Array  # (B, 3) metres


class Puppet:
    """Poses one figure frame by frame along a choreography."""

    def __init__(self, figure: Figure, dance: Choreography) -> None:
        anatomy = load_anatomy()
        self.names, self.parents = anatomy.bones, anatomy.parents
        self.number = {name: i for i, name in enumerate(anatomy.bones)}
        self.rest = np.array([figure.shaped[v].mean(0) for v in anatomy.heads])
        self.tails = np.array([figure.shaped[v].mean(0) for v in anatomy.tails])
        self.figure, self.dance = figure, dance
        self.leg_m = self._leg_length()
        self.sole_m = self._sole()
        self.canonical = self._canonical()
        self.hip_width = abs(self._head("upperleg01.L")[0]) * 2 / self.leg_m
        self.footwork: Footwork = plan_steps(dance, self.hip_width * 0.85)

    def _head(self, name: str) -> Array:
        return np.asarray(self.rest[self.number[name]])

    def _leg_length(self) -> float:
        hip, knee, ankle = (self._head(n) for n in ("upperleg01.L", "lowerleg01.L", "foot.L"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))

    def _sole(self) -> float:
        """Thickness of the sole: how far the shoes reach below the bare foot's y = 0."""
        return float(-self.figure.rest[:, 1].min())

    def _canonical(self) -> dict[str, Array]:
        """Rotations from the rest stance to the canonical one, for the bones that need one."""
        turns: dict[str, Array] = {}
        down = np.array([0.0, -1.0, 0.0])
        for tag in _SUFFIX.values():
            shoulder, elbow, wrist = (
                self._head(n + tag) for n in ("upperarm01", "lowerarm01", "wrist")
            )
            index, little, middle = (self._head(f"finger{n}-1{tag}") for n in (2, 5, 3))
            turns["upperarm" + tag] = between(elbow - shoulder, down)
            turns["lowerarm" + tag] = between(wrist - elbow, down)
            rest_hand = frame(middle - wrist, index - little)
            turns["wrist" + tag] = rest_hand.T
            hip, knee, ankle = (self._head(n + tag) for n in ("upperleg01", "lowerleg01", "foot"))
            turns["upperleg" + tag] = between(knee - hip, down)
            turns["lowerleg" + tag] = between(ankle - knee, down)
            toe = self.tails[self.number["toe1-2" + tag]] - ankle
            turns["foot" + tag] = about(1, -float(np.arctan2(toe[0], toe[2])))
        return turns

    def pose(self, index: int) -> Bones:
        """The bones at frame `index`."""
        row = dict(zip(CHANNELS, self.dance.table[index], strict=True))
        given: dict[int, Array] = {}  # bone -> its whole rotation from rest
        heading = about(1, row["facing"])
        pelvis = heading @ about(1, row["turn"]) @ about(0, row["tilt"]) @ about(2, -row["roll"])
        feet = [self._foot(index, side, row, heading) for side in SIDES]
        root = self._root(row, heading, pelvis, feet)
        given[self.number["root"]] = pelvis
        chest = self._spine(row, heading, pelvis, given)
        for side in SIDES:
            self._arm(side, row, chest, given)
        for side, foot in zip(SIDES, feet, strict=True):
            self._leg(side, foot, root, pelvis, heading, given)
        return self._chain(root, given)

    def _spine(
        self, row: dict[str, float], heading: Array, pelvis: Array, given: dict[int, Array]
    ) -> Array:
        """Spread bend, lean and twist over the spine; head upright over it. Returns the chest."""
        flat = heading @ about(1, row["turn"])
        # The spine undoes most of the pelvis' sideways roll, so that the head stays calm.
        chest = (
            flat
            @ about(1, row["twist"] - row["turn"])
            @ about(2, -row["lean"])
            @ about(0, row["tilt"] + row["bend"])
        )
        turn = rotation_vector(pelvis.T @ chest)
        for number, name in enumerate(("spine05", "spine04", "spine03", "spine02", "spine01")):
            given[self.number[name]] = pelvis @ from_vector(turn * ((number + 1) / 5))
        upright = 0.55  # share of the bend that the neck undoes, to keep the eyes ahead
        head = (
            flat @ about(1, row["twist"] * 0.5 + row["look"])
            @ about(2, -row["cock"] - row["lean"] * 0.4)
            @ about(0, row["nod"] + (row["tilt"] + row["bend"]) * (1 - upright))
        )  # fmt: skip
        turn = rotation_vector(chest.T @ head)
        for number, name in enumerate(("neck01", "neck02", "neck03", "head")):
            given[self.number[name]] = chest @ from_vector(turn * ((number + 1) / 4))
        return chest

    def _arm(self, side: str, row: dict[str, float], chest: Array, given: dict[int, Array]) -> None:
        sign, tag = _SIGN[side], _SUFFIX[side]

        def get(name: str) -> float:
            return row[f"{side}_{name}"]

        direction = (
            about(1, sign * get("swing")) @ about(0, -get("raise")) @ about(2, sign * get("spread"))
        )
        # The shoulder blade takes part beyond about 40 degrees (scapulohumeral rhythm, 1 to 2).
        lift = float(np.arccos(np.clip(direction[1, 1], -1, 1)))
        shrug = 0.30 * max(lift - 0.6, 0.0)
        forward = float(np.clip(direction[2, 1], -1, 1))
        girdle = chest @ about(2, sign * shrug) @ about(1, sign * 0.25 * forward)
        given[self.number["clavicle" + tag]] = girdle
        given[self.number["shoulder01" + tag]] = (
            chest @ about(2, sign * shrug * 1.25) @ about(1, sign * 0.25 * forward)
        )
        arm = chest @ direction
        spin, pronate = get("spin"), get("pronate")
        upper = self.canonical["upperarm" + tag]
        given[self.number["upperarm01" + tag]] = arm @ about(1, -sign * spin * 0.4) @ upper
        given[self.number["upperarm02" + tag]] = arm @ about(1, -sign * spin * 0.8) @ upper
        bent = arm @ about(1, -sign * spin) @ about(0, -get("elbow"))
        lower, hand = self.canonical["lowerarm" + tag], self.canonical["wrist" + tag]
        # Rest forearm and hand differ by a twist about the forearm: share it out along the way.
        turn = rotation_vector(lower @ hand.T)
        for name, share in (("lowerarm01", 0.25), ("lowerarm02", 0.75)):
            twist = about(1, -sign * pronate * share)
            given[self.number[name + tag]] = bent @ twist @ from_vector(turn * (1 - share)) @ hand
        palm = (
            bent
            @ about(1, -sign * pronate)
            @ about(2, -sign * get("wrist"))
            @ about(0, -get("fan"))
        )
        given[self.number["wrist" + tag]] = palm @ hand
        self._fingers(sign, tag, get("curl"), palm, hand, given)

    def _fingers(
        self, sign: float, tag: str, curl: float, palm: Array, hand: Array, given: dict[int, Array]
    ) -> None:
        """Curl the fingers, the little one most; the thumb follows a little."""
        for finger in range(2, 6):
            turned = palm
            for joint, share in ((1, 0.75), (2, 1.0), (3, 0.6)):
                amount = curl * share * (0.75 + 0.12 * (finger - 2))
                turned = turned @ about(2, -sign * amount)
                given[self.number[f"finger{finger}-{joint}{tag}"]] = turned @ hand
        turned = palm
        for joint, share in ((1, 0.1), (2, 0.3), (3, 0.4)):
            turned = turned @ about(0, curl * share * 0.6) @ about(2, -sign * curl * share * 0.4)
            given[self.number[f"finger1-{joint}{tag}"]] = turned @ hand

    # -- legs

    def _foot(self, index: int, side: str, row: dict[str, float], heading: Array) -> _Foot:
        """Where this foot's sole is asked to be."""
        step = self.footwork.side(side)
        ground = step.ground[index] * self.leg_m
        lift, pitch, yaw = step.lift[index] * self.leg_m, step.pitch[index], step.yaw[index]
        planted = 1.0 - step.swing[index]
        kick = row[f"{side}_kick"]
        if kick > 1e-3:
            ahead = np.array(
                [
                    row[f"{side}_kick_side"] * _SIGN[side],
                    row[f"{side}_kick_up"],
                    row[f"{side}_kick_forward"],
                ]
            )
            shift = heading @ (ahead * self.leg_m)
            ground = ground + np.array([shift[0], shift[2]])
            lift += shift[1]
            pitch += row[f"{side}_kick_pitch"]
            planted *= 1 - min(kick * 4, 1.0)
        return _Foot(np.array([ground[0], lift, ground[1]]), yaw, pitch, planted)

    def _root(
        self, row: dict[str, float], heading: Array, pelvis: Array, feet: list[_Foot]
    ) -> Array:
        """Where the root bone's head goes, metres: hips high enough for straight legs, no more."""
        height = (SOFT_KNEE - row["lower"]) * self.leg_m + self._head("foot.L")[1] + self.sole_m
        side = heading @ np.array(
            [
                row["sway"] * self.leg_m,
                0,
                -0.35 * row["lower"] * self.leg_m * min(row["tilt"] * 2, 1),
            ]
        )
        hips = 0.5 * (self._head("upperleg01.L") + self._head("upperleg01.R"))
        centre = np.array(
            [row["across"] * self.leg_m + side[0], height, -row["distance"] * self.leg_m + side[2]]
        )
        # Pelvis turns about the middle of the hips.
        for foot in feet:
            if foot.planted > 0.5:
                centre[1] = min(centre[1], self._reach(foot, centre))
        return np.asarray(centre + pelvis @ (self._head("root") - hips))

    def _reach(self, foot: _Foot, centre: Array) -> float:
        """The greatest hip height at which a planted foot reaches the floor, heel raised."""
        ball = foot.place
        away = float(np.hypot(ball[0] - centre[0], ball[2] - centre[2]))
        away = max(away - 0.10 * self.leg_m, 0.0)
        length = self.leg_m * 1.04
        return (
            float(np.sqrt(max(length**2 - min(away, 0.9 * length) ** 2, 0.0)))
            + self._head("foot.L")[1]
        )

    def _leg(
        self,
        side: str,
        foot: _Foot,
        root: Array,
        pelvis: Array,
        heading: Array,
        given: dict[int, Array],
    ) -> None:
        tag = _SUFFIX[side]
        hip_rest, knee_rest, ankle_rest = (
            self._head(n + tag) for n in ("upperleg01", "lowerleg01", "foot")
        )
        thigh, shin = (
            float(np.linalg.norm(knee_rest - hip_rest)),
            float(np.linalg.norm(ankle_rest - knee_rest)),
        )
        hip = root + pelvis @ (hip_rest - self._head("root"))
        ankle, turned, heel = self._ankle(side, foot, hip, thigh + shin)
        line = ankle - hip
        gap = float(np.linalg.norm(line))
        length = min(max(gap, 0.35 * (thigh + shin)), SOFT_KNEE**0.25 * (thigh + shin))
        line = line / gap
        cosine = (thigh**2 + length**2 - shin**2) / (2 * thigh * length)
        bend = float(np.arccos(np.clip(cosine, -1, 1)))
        ahead = heading @ np.array([0, 0, 1.0]) + about(1, foot.yaw) @ np.array([0.0, 0, 1.0])
        pole = ahead + heading @ np.array([_SIGN[side] * 0.15, 0.0, 0])
        base = frame(line, pole)
        upper = base @ about(0, -bend)
        knee = hip + upper @ np.array([0, -thigh, 0])
        reached = hip + line * length
        lower = frame(reached - knee, upper @ np.array([0, 0, 1.0]))
        for name in ("upperleg01", "upperleg02"):
            given[self.number[name + tag]] = upper @ self.canonical["upperleg" + tag]
        for name in ("lowerleg01", "lowerleg02"):
            given[self.number[name + tag]] = lower @ self.canonical["lowerleg" + tag]
        given[self.number["foot" + tag]] = turned @ self.canonical["foot" + tag]
        flat = turned @ about(0, -max(heel, 0.0)) @ self.canonical["foot" + tag]
        for toe in range(1, 6):
            given[self.number[f"toe{toe}-1{tag}"]] = flat

    def _ankle(
        self, side: str, foot: _Foot, hip: Array, reach: float
    ) -> tuple[Array, Array, float]:
        """The ankle (3,), the foot's rotation, and the least heel lift that lets it reach."""
        tag = _SUFFIX[side]
        ball_rest = self._head("toe1-1" + tag)
        arch = self.canonical["foot" + tag] @ (self._head("foot" + tag) - ball_rest)
        place = np.asarray(foot.place + np.array([0, self._head("foot" + tag)[1] + self.sole_m, 0]))
        yaw = about(1, foot.yaw)
        flat_ball = place - yaw @ arch

        def at(heel: float) -> tuple[Array, Array]:
            turned = yaw @ about(0, heel)
            return flat_ball + turned @ arch, turned

        low, high = foot.pitch, foot.pitch
        if np.linalg.norm(at(low)[0] - hip) > SOFT_KNEE * reach:
            high = low + 1.0
            for _ in range(12):
                middle = 0.5 * (low + high)
                if np.linalg.norm(at(middle)[0] - hip) > SOFT_KNEE * reach:
                    low = middle
                else:
                    high = middle
        if foot.pitch < 0:  # toes up: roll over the heel instead of the ball
            back = np.array([0, 0.0, -0.05])
            heel_point = np.array([0, -place[1] + foot.place[1], 0]) + back
            turned = yaw @ about(0, high)
            return place + yaw @ heel_point - turned @ heel_point, turned, high
        ankle, turned = at(high)
        # Just off the floor the toes stay flat, or they would dip into it; higher up they relax.
        return ankle, turned, high * (1 - 0.55 * min(foot.place[1] / 0.08, 1.0))

    def _chain(self, root: Array, given: dict[int, Array]) -> Bones:
        count = len(self.names)
        turns, heads = np.empty((count, 3, 3)), np.empty((count, 3))
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                turns[bone], heads[bone] = given[bone], root
                continue
            found = given.get(bone)
            turns[bone] = turns[parent] if found is None else found
            heads[bone] = heads[parent] + turns[parent] @ (self.rest[bone] - self.rest[parent])
        moves = heads - np.einsum("bij,bj->bi", turns, self.rest)
        return Bones(turns.astype(np.float32), moves.astype(np.float32), heads)


@dataclass(frozen=True, slots=True, eq=False)
class _Foot:
    place: Array  # (3,) the ankle's place on the floor, and the lift
    yaw: float
    pitch: float  # heel up is positive
    planted: float  # 1 on the floor, 0 in the air
