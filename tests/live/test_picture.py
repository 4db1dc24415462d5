"""Pose in, picture out: with a generator that shows its label, the label stands on the stage
where the pose is, in the room's pixels, whether the figure is near or far."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from live.character import Character, neutral_pose
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.frames import Image, Pose, Sighting
from live.generator import Generator
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.skeleton import INDEX, LabelStyle, draw
from live.smooth import Smoother
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.live.figures import placed
from tests.tiny_subject import PLATE_RGB, standing, write_tiny_subject

SIZE, STAGE = (192, 160), (256, 352)
PATCH_PX, SEARCH_PX = 9, 7  # half the side of what is looked for, and how far around
FAR, NEAR = 0.0, 1.0
BENDS = (
    ("left_wrist", 0.1, 0.25), ("right_wrist", -0.08, 0.05),
    ("left_knee", 0.07, 0.02), ("right_knee", -0.07, 0.02),
)  # fmt: skip
"""What the dancer does otherwise than `standing`: to the side and up, stage heights."""


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", SIZE, STAGE))


def painter(subject: Subject) -> PictureMaker:
    """The stage's own, for a performer who is built and placed like the target."""
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "tiny"))
    body = subject.manifest.body
    normalizer = Normalizer(body, STAGE, performer=body, refine=False)
    return PictureMaker(Character(subject, generator, normalizer, Smoother()), Timing())


def figure(subject: Subject, depth: float, x: float) -> Pose:
    """One who dances at `depth` (0 far, 1 near), `x` stage heights from the middle.

    No elbow or knee is straight: along a straight limb a joint has no place that can be seen.
    """
    points, scores = standing(*STAGE)
    for name, aside, up in BENDS:
        points[INDEX[name]] += np.array([aside, -up], np.float32) * STAGE[0]
    return placed(subject.manifest.body, STAGE, (points, scores), depth, x)


def at_rest(maker: PictureMaker, pose: Pose, seconds: float = 3) -> Image:
    """The picture once everything that eases has come to rest."""
    for number in range(round(seconds * 30)):
        now_s = number / 30
        found = Pose(pose.points, pose.scores, now_s, pose.size)
        picture = maker.make(Sighting(found, now_s, number), now_s)
    assert picture.rung == "generated" or not (pose.scores > 0).any()
    return picture.image


def drawn_on_the_stage(maker: PictureMaker, pose: Pose) -> Image:
    """What is to be seen, by no window at all: the figure drawn over the room in one step."""
    assert maker.label is not None
    style = LabelStyle(limb_width=LabelStyle().limb_width * maker.label.region.height / STAGE[0])
    label = draw(pose.points, pose.scores, STAGE, style)
    return np.where(label.max(axis=2, keepdims=True) > 0, label, np.array(PLATE_RGB, np.uint8))


def found_off(picture: Image, expected: Image, joint: tuple[int, int]) -> tuple[int, int]:
    """How far from `joint` (x, y) the picture shows what `expected` has there, (dx, dy) pixels."""
    (x, y), reach = joint, PATCH_PX + SEARCH_PX
    around = picture[y - reach : y + reach + 1, x - reach : x + reach + 1]
    wanted = expected[y - PATCH_PX : y + PATCH_PX + 1, x - PATCH_PX : x + PATCH_PX + 1]
    gaps = cv2.matchTemplate(around, np.ascontiguousarray(wanted), cv2.TM_SQDIFF)
    best_y, best_x = np.unravel_index(int(gaps.argmin()), gaps.shape)
    return int(best_x) - SEARCH_PX, int(best_y) - SEARCH_PX


@pytest.mark.parametrize("depth", [FAR, 0.5, NEAR])
@pytest.mark.parametrize("x", [-0.3, 0.0, 0.25])
def test_every_joint_is_on_the_stage_where_the_pose_has_it(
    subject: Subject, depth: float, x: float
) -> None:
    maker, pose = painter(subject), figure(subject, depth, x)
    picture = at_rest(maker, pose)
    expected = drawn_on_the_stage(maker, pose)
    # The floor below the feet is short: room to look around in.
    margin = ((20, 20), (20, 20), (0, 0))
    picture, expected = np.pad(picture, margin, "edge"), np.pad(expected, margin, "edge")
    for name, joint in INDEX.items():
        if pose.scores[joint] > 0:
            place_x, place_y = np.round(pose.points[joint]).astype(int) + 20
            off = found_off(picture, expected, (int(place_x), int(place_y)))
            assert max(map(abs, off)) <= 1, f"{name} is off by {off}"


def test_a_joint_that_is_elsewhere_would_be_noticed(subject: Subject) -> None:
    """The measure of the test above sees two pixels."""
    maker, pose = painter(subject), figure(subject, NEAR, 0.0)
    picture = at_rest(maker, pose)
    expected = drawn_on_the_stage(maker, pose)
    x, y = np.round(pose.points[INDEX["left_elbow"]]).astype(int)
    moved = np.roll(picture, (2, -3), (0, 1))
    dx, dy = found_off(moved, expected, (int(x), int(y)))
    assert abs(dx + 3) <= 1 and abs(dy - 2) <= 1


def test_near_and_far_the_generator_sees_the_figure_equally_large(subject: Subject) -> None:
    heights, on_stage = [], []
    for depth in (FAR, 0.5, NEAR):
        maker, pose = painter(subject), figure(subject, depth, 0.1)
        picture = at_rest(maker, pose)
        assert maker.label is not None
        heights.append(np.ptp(np.nonzero(maker.label.image.any(axis=(1, 2)))[0]))
        on_stage.append(np.ptp(np.nonzero((picture != PLATE_RGB).any(axis=(1, 2)))[0]))
    assert max(on_stage) / min(on_stage) > 1.35
    assert max(heights) / min(heights) < 1.03


def test_outside_the_figure_the_room_stands_still(subject: Subject) -> None:
    maker, pose = painter(subject), figure(subject, 0.5, 0.2)
    changed = (at_rest(maker, pose) != subject.plate).any(axis=2)
    assert changed.any()
    near = cv2.dilate((drawn_on_the_stage(maker, pose) != PLATE_RGB).any(axis=2).astype(np.uint8),
                      np.ones((7, 7), np.uint8))  # fmt: skip
    assert not changed[near == 0].any()


def test_with_nobody_in_view_the_neutral_pose_is_where_the_bundle_has_it(subject: Subject) -> None:
    maker, pose = painter(subject), neutral_pose(subject)
    assert pose.size == STAGE
    image = at_rest(maker, Pose(pose.points, np.zeros_like(pose.scores), 0.0, STAGE))
    expected = drawn_on_the_stage(maker, pose)
    for name in ("left_wrist", "right_knee", "nose"):
        x, y = np.round(pose.points[INDEX[name]]).astype(int)
        assert max(map(abs, found_off(image, expected, (int(x), int(y))))) <= 1


def test_who_walks_out_of_the_picture_takes_the_window_along(subject: Subject) -> None:
    """Wholly outside there is the empty room, and the way back in leads to the same place."""
    maker = painter(subject)
    inside = at_rest(maker, figure(subject, 0.5, 0.0))
    scores = figure(subject, 0.5, 0.0).scores
    for number in range(240):
        x = 3 * np.sin(np.pi * min(number / 180, 1))
        points, now_s = figure(subject, 0.5, float(x)).points, 3 + number / 30
        # The normalizer keeps what is in the performer's picture in the target's: feed its result.
        maker.normalizer.apply = lambda pose: pose  # type: ignore[method-assign]
        sighting = Sighting(Pose(points, scores, now_s, STAGE), now_s, number)
        image = maker.make(sighting, now_s).image
        if number == 90:
            assert np.array_equal(image, subject.plate)
    assert np.abs(image.astype(int) - inside).mean() < 0.5
