"""Each line of the reference set recognizes its pose, and no other of a calm stance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from live.skeleton import INDEX, JOINTS
from tests.training.tiny_footage import SHAPE
from training.coach.bodies import Bodies
from training.coach.coverage import coverage_of, score_of
from training.coach.reference import reference_set, shown_by

STATURE = 300.0  # pixels, eyes to ankles; SHAPE's figure has 0.97 of its height there
STAGE = (512, 800)
Change = Callable[[dict[str, tuple[float, float]]], object]


def standing() -> dict[str, tuple[float, float]]:
    """x to the picture's right and y down, in statures, from the nose; facing the camera."""
    feet = {
        f"{side}_{part}": (sign * 0.08 + out, 0.98)
        for side, sign in (("right", -1), ("left", 1))
        for part, out in (("big_toe", 0.0), ("heel", 0.0))
    }
    return {**SHAPE, **feet}


def bodies(*frames: dict[str, tuple[float, float]], middle: float = 400.0) -> Bodies:
    """At 30 frames a second, all of them usable."""
    points = np.full((len(frames), len(JOINTS), 2), np.nan)
    for row, frame in enumerate(frames):
        for name, (x, y) in frame.items():
            points[row, INDEX[name]] = middle + STATURE * x, 100 + STATURE * y
    count = len(frames)
    return Bodies(
        points=points,
        stature=np.full(count, STATURE),
        seconds=np.full(count, 1 / 30),
        times_s=np.arange(count) / 30,
        video=np.zeros(count, np.int64),
        usable=np.ones(count, bool),
        stage=STAGE,
    )


def shown(body: Bodies) -> set[str]:
    """What the first frame shows."""
    return {line.name for line in reference_set() if shown_by(line, body)[0]}


def moved(**places: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """The calm stance with some joints elsewhere."""
    return {**standing(), **places}


def mirrored() -> dict[str, tuple[float, float]]:
    return {name: (-x, y) for name, (x, y) in standing().items()}


def sideways(sign: float) -> dict[str, tuple[float, float]]:
    """Everything on one line but nose and toes."""
    frame = {name: (0.0, y) for name, (_, y) in standing().items()}
    toes = {f"{side}_big_toe": (sign * 0.1, 0.98) for side in ("left", "right")}
    return {**frame, **toes, "nose": (sign * 0.06, 0.0)}


def lowered(by: float, *also: str) -> dict[str, tuple[float, float]]:
    """Everything but the feet sinks; knees go forward."""
    fixed = ("ankle", "toe", "heel")
    return {
        name: (x, y if any(part in name for part in fixed) else y + by)
        for name, (x, y) in standing().items()
    }


def test_a_calm_stance_is_just_that() -> None:
    assert shown(bodies(standing())) == {"facing the camera", "arms hanging"}


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("turned back", mirrored()),
        ("profile, to the left", sideways(-1)),
        ("profile, to the right", sideways(1)),
        ("both hands above the head", moved(left_wrist=(0.2, -0.3), right_wrist=(-0.2, -0.3))),
        ("one hand above the head", moved(left_wrist=(0.2, -0.3))),
        ("arms out to the sides", moved(left_wrist=(0.45, 0.16), right_wrist=(-0.45, 0.18))),
        ("arms crossed", moved(left_wrist=(-0.08, 0.3), right_wrist=(0.08, 0.32))),
        (
            "hands on hips",
            moved(
                left_wrist=(0.12, 0.48), right_wrist=(-0.12, 0.48),
                left_elbow=(0.3, 0.36), right_elbow=(-0.3, 0.36),
            ),
        ),
        ("hands at the face", moved(left_wrist=(0.06, 0.04))),
        ("bent forward", {**moved(neck=(0.02, 0.4), nose=(0.02, 0.5))}),
        ("crouch", {**lowered(0.25), "left_knee": (0.15, 0.7), "right_knee": (-0.15, 0.7)}),
        (
            "kneeling",
            {
                **lowered(0.22),
                "left_knee": (0.08, 0.93), "right_knee": (-0.08, 0.93),
            },
        ),
        ("sitting or lying", {**lowered(0.4), "left_knee": (0.2, 0.8), "right_knee": (-0.2, 0.8)}),
        ("a leg lifted", moved(left_ankle=(0.3, 0.6), left_knee=(0.2, 0.6))),
        ("a wide stance", moved(left_ankle=(0.25, 0.95), right_ankle=(-0.25, 0.95))),
    ],
)  # fmt: skip
def test_every_pose_is_recognized(name: str, frame: dict[str, tuple[float, float]]) -> None:
    assert name in shown(bodies(frame))


def test_a_jump_comes_down_again_and_walking_away_does_not() -> None:
    def raised(by: float) -> dict[str, tuple[float, float]]:
        return {name: (x, y - by) for name, (x, y) in standing().items()}

    (line,) = [line for line in reference_set() if line.name == "jump"]
    hop = bodies(*(raised(0.2 * max(np.sin((n - 20) / 3), 0) * (20 < n < 29)) for n in range(50)))
    assert shown_by(line, hop)[22:27].all() and not shown_by(line, hop)[:18].any()
    away = bodies(*(raised(0.01 * n) for n in range(60)))
    assert not shown_by(line, away)[3:-3].any()


def test_left_right_near_and_far() -> None:
    assert "left of the picture" in shown(bodies(standing(), middle=200))
    assert "right of the picture" in shown(bodies(standing(), middle=600))
    body = bodies(*[standing()] * 40)
    assert not {"near the camera", "far from the camera"} & shown(body)
    body.stature[:20] *= 1.5
    names = {line.name: line.seconds for line in coverage_of(body)}
    assert names["near the camera"] == names["far from the camera"] == pytest.approx(0.7, abs=0.05)


def test_unseen_joints_show_nothing_and_raise_nothing() -> None:
    body = bodies(standing())
    body.points[:] = np.nan
    assert shown(body) == set()


def test_seconds_occasions_and_score() -> None:
    up = moved(left_wrist=(0.2, -0.3), right_wrist=(-0.2, -0.3))
    covered = coverage_of(bodies(*[standing()] * 30, *[up] * 30, *[standing()] * 30, *[up] * 60))
    (line,) = [line for line in covered if line.name == "both hands above the head"]
    assert line.seconds == 3.0 and line.occasions == 2 and line.share == 0.75
    assert 90 <= line.example < 150
    assert 0 < score_of(covered) < 0.3
