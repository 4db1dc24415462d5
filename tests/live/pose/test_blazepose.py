"""Our BlazePose on real people: as good as MediaPipe's own tracker on the same networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.frames import Frame, Image, Pose
from live.pose.base import PoseEstimator
from live.pose.blazepose import BlazePose, BlazePoseSettings
from live.pose.blazepose_nets import pose_nets
from live.pose.blazepose_open import open_blazepose
from live.pose.mediapipe_tasks import MediaPipePose
from live.pose.weights import PoseWeights
from live.skeleton import BODY_25, INDEX

FRAME_S = 1 / 30
BODY = [i for i, name in enumerate(BODY_25) if name not in ("neck", "mid_hip")]


@pytest.fixture(scope="module")
def tracker(pose_weights: PoseWeights) -> Iterator[BlazePose]:
    with open_blazepose(pose_weights, BlazePoseSettings(search_every_s=0.0)) as tracker:
        yield tracker


@pytest.fixture(autouse=True)
def _afresh(request: pytest.FixtureRequest) -> None:
    if "tracker" in request.fixturenames:
        request.getfixturevalue("tracker").reset()


@pytest.fixture(scope="module")
def dancer(one_person_clip: Path) -> list[Image]:
    return read(one_person_clip, 45, (720, 406))


@pytest.fixture(scope="module")
def walker(sports_clip: Path) -> list[Image]:
    return read(sports_clip, 45, (480, 854), first=80)


def read(path: Path, count: int, size: tuple[int, int], first: int = 0) -> list[Image]:
    clip = cv2.VideoCapture(str(path))
    clip.set(cv2.CAP_PROP_POS_FRAMES, first)
    images = [np.asarray(cv2.resize(clip.read()[1], size[::-1]), np.uint8) for _ in range(count)]
    clip.release()
    return images


def run(estimator: PoseEstimator, images: list[Image], start_s: float = 0) -> list[Pose | None]:
    return [
        estimator.estimate(Frame(image, start_s + number * FRAME_S, number))
        for number, image in enumerate(images)
    ]


def side_by_side(left: Image, right: Image, share: float) -> Image:
    """`right` shrunk to `share`, on the floor beside `left`."""
    small = cv2.resize(right, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    stage = np.full((left.shape[0], left.shape[1] + small.shape[1], 3), 100, np.uint8)
    stage[:, : left.shape[1]] = left
    stage[-small.shape[0] :, left.shape[1] :] = small
    return stage


def hip_x(pose: Pose | None) -> float:
    assert pose is not None
    return float(pose.points[INDEX["mid_hip"], 0])


@pytest.mark.parametrize("clip", ["dancer", "walker"])
def test_it_agrees_with_mediapipes_tracker(
    tracker: BlazePose, pose_weights: PoseWeights, clip: str, request: pytest.FixtureRequest
) -> None:
    images: list[Image] = request.getfixturevalue(clip)
    ours = run(tracker, images)
    with MediaPipePose(pose_weights) as rival:
        theirs = run(rival, images)
    assert sum(p is None for p in ours) <= sum(p is None for p in theirs)
    gaps = []
    for one, other in zip(ours, theirs, strict=True):
        if one is None or other is None:
            continue
        seen = [j for j in BODY if min(one.scores[j], other.scores[j]) > 0.5]
        height = float(np.ptp(other.points[seen, 1]))
        gaps += [*np.hypot(*(one.points[seen] - other.points[seen]).T) / height]
    assert len(gaps) > 300
    assert np.median(gaps) < 0.015  # of the body's height


def test_equal_input_gives_equal_output(tracker: BlazePose, dancer: list[Image]) -> None:
    first = run(tracker, dancer[:5])
    tracker.reset()
    again = run(tracker, [image.copy() for image in dancer[:5]])
    for one, other in zip(first, again, strict=True):
        assert one is not None and other is not None
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_an_empty_stage_shows_nobody(tracker: BlazePose) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    for image in (np.zeros_like(noise), np.full_like(noise, 128), noise):
        assert run(tracker, [image] * 3) == [None] * 3


def test_who_leaves_is_gone_and_who_returns_is_found(
    tracker: BlazePose, dancer: list[Image]
) -> None:
    empty = np.full_like(dancer[0], 100)
    poses = run(tracker, [*dancer[:6], *[empty] * 6, *dancer[6:12]])
    assert None not in poses[:6] and poses[6:12] == [None] * 6 and None not in poses[12:]


def test_an_empty_stage_is_searched_only_now_and_then(
    pose_weights: PoseWeights, dancer: list[Image]
) -> None:
    with open_blazepose(pose_weights, BlazePoseSettings(search_every_s=0.5)) as tracker:
        assert tracker.estimate(Frame(np.zeros_like(dancer[0]), 0.0, 0)) is None
        assert tracker.estimate(Frame(dancer[0], 0.4, 1)) is None
        assert tracker.estimate(Frame(dancer[0], 0.6, 2)) is not None


def test_the_largest_is_taken_and_kept(tracker: BlazePose, dancer: list[Image]) -> None:
    near_left = [side_by_side(image, image, 0.6) for image in dancer[:6]]
    poses = run(tracker, near_left)
    width = dancer[0].shape[1]
    assert all(hip_x(pose) < width for pose in poses)
    # The other one, now the larger, does not take over from who is followed.
    swapped = [side_by_side(image, image, 1.0) for image in dancer[6:12]]
    assert all(hip_x(pose) < width for pose in run(tracker, swapped, 6 * FRAME_S))
    people = {pose.person for pose in poses if pose}
    assert len(people) == 1


@pytest.mark.parametrize("size", [(361, 203), (203, 641), (97, 53)])
def test_pictures_of_any_shape(
    tracker: BlazePose, dancer: list[Image], size: tuple[int, int]
) -> None:
    image = np.asarray(cv2.resize(dancer[0], size[::-1]), np.uint8)
    pose = tracker.estimate(Frame(image, 0.0, 0))
    if pose is not None:  # squeezed beyond likeness, nobody need be found
        assert pose.size == size and np.isfinite(pose.points).all()
    tiny = np.zeros((1, 3, 3), np.uint8)
    assert tracker.estimate(Frame(tiny, 1.0, 1)) is None


def test_a_picture_in_strides_is_read_right(tracker: BlazePose, dancer: list[Image]) -> None:
    plain = run(tracker, [dancer[0]])[0]
    tracker.reset()
    strided = run(tracker, [np.asfortranarray(dancer[0])])[0]
    assert plain is not None and strided is not None
    np.testing.assert_array_equal(plain.points, strided.points)


def test_closing_twice_and_wrong_nets(pose_weights: PoseWeights) -> None:
    nets = pose_nets(pose_weights)
    detector, landmarks = (OnnxRuntimeEngine(net, "net") for net in (nets.detector, nets.landmarks))
    with pytest.raises(SetupError, match="not BlazePose's detector"):
        BlazePose(landmarks, detector)
    with pytest.raises(SetupError, match="not BlazePose's landmark network"):
        BlazePose(detector, detector)
    tracker = BlazePose(detector, landmarks)
    tracker.close()
    tracker.close()


def test_settings_out_of_range() -> None:
    for wrong in ({"candidates": 0}, {"search_every_s": -1.0}, {"min_presence": 1.5}):
        with pytest.raises(ValueError, match="out of range"):
            BlazePoseSettings(**wrong)
