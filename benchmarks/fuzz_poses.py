"""OpenPose's JSON for the fuzzing."""

from __future__ import annotations

import json
import random
from typing import cast

import numpy as np

from benchmarks.fuzz_mutate import spoiled_bytes, spoiled_json
from benchmarks.fuzz_target import LetInError, Verdict
from live.pose.openpose_json import read_people

SIZE = (480, 640)


class OpenPoseFiles:
    """`read_people`, which raises ValueError and nothing else."""

    name, share = "openpose", 0.15

    def make(self, rng: random.Random) -> object:
        content = spoiled_json(rng, sound(rng))
        text = json.dumps(content).encode("utf-8", "surrogatepass")
        return spoiled_bytes(rng, text) if rng.random() < 0.4 else text

    def feed(self, given: object) -> Verdict:
        try:
            people = read_people(cast(bytes, given), SIZE, 0.0)
        except ValueError:
            return Verdict.REFUSED
        for pose in people:
            if not (np.isfinite(pose.points).all() and np.isfinite(pose.scores).all()):
                raise LetInError("numbers that are not finite")
            if not ((pose.scores >= 0) & (pose.scores <= 1)).all():
                raise LetInError("scores beyond 0 and 1")
        return Verdict.TAKEN

    def close(self) -> None:
        """Nothing is held."""


def sound(rng: random.Random) -> dict[str, object]:
    """A file as OpenPose writes it, of nobody, one or two."""

    def triples(count: int) -> list[float]:
        return [round(rng.uniform(0, 640), 3) for _ in range(3 * count)]

    def person() -> dict[str, object]:
        return {
            "person_id": [-1],
            "pose_keypoints_2d": triples(rng.choice((25, 18))),
            "face_keypoints_2d": triples(rng.choice((0, 70))),
            "hand_left_keypoints_2d": triples(rng.choice((0, 21))),
            "hand_right_keypoints_2d": triples(rng.choice((0, 21))),
            "pose_keypoints_3d": [],
        }

    return {"version": 1.3, "people": [person() for _ in range(rng.choice((0, 1, 1, 2)))]}
