"""The tracker's networks on any engine: the CPU's for real, GPUs' on memory that pretends."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from live.engines import choose
from live.engines.base import RecurrentEngine
from live.engines.choose import Opener
from live.engines.fake_cuda import FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.frames import Frame, Image, Pose
from live.pose import blazepose_open
from live.pose.blazepose import BlazePose, BlazePoseSettings
from live.pose.blazepose_open import open_blazepose
from live.pose.weights import PoseWeights
from tests.live.engines.machines import missing, on

EAGER = BlazePoseSettings(search_every_s=0.0)
GPUS = ("tensorrt", "tensorrt-rtx", "cuda")


@pytest.fixture(scope="module")
def dancer(one_person_clip: Path) -> list[Image]:
    clip = cv2.VideoCapture(str(one_person_clip))
    frames = [np.asarray(cv2.resize(clip.read()[1], (406, 720)), np.uint8) for _ in range(10)]
    clip.release()
    return frames


@pytest.fixture(scope="module")
def expected(pose_weights: PoseWeights, dancer: list[Image]) -> list[Pose]:
    """What the CPU finds."""
    with open_blazepose(pose_weights, EAGER) as tracker:
        return found_by(tracker, dancer)


def found_by(tracker: BlazePose, images: list[Image], first: int = 0) -> list[Pose]:
    poses = [tracker.estimate(Frame(image, (first + n) / 30, n)) for n, image in enumerate(images)]
    assert all(poses)
    return [pose for pose in poses if pose]


def same(found: list[Pose], expected: list[Pose]) -> bool:
    return all(
        np.array_equal(one.points, other.points) and np.array_equal(one.scores, other.scores)
        for one, other in zip(found, expected, strict=True)
    )


def only(name: str, opener: Opener) -> dict[str, Opener]:
    return dict.fromkeys(GPUS, missing) | {name: opener}


def test_a_gpu_finds_what_the_cpu_finds_and_gives_everything_back(
    pose_weights: PoseWeights,
    dancer: list[Image],
    expected: list[Pose],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    cuda = FakeCuda()
    with open_blazepose(pose_weights, EAGER, "tensorrt", only("tensorrt", on(cuda, {}))) as tracker:
        launches = cuda.launches
        assert same(found_by(tracker, dancer), expected)
        assert cuda.launches == launches + len(dancer) + 1, "one detection, then landmarks alone"
    assert cuda.held() == 0
    for what in ("BlazePose's detector", "BlazePose's landmark network"):
        assert f"{what}: engine tensorrt, as asked" in caplog.text


def test_when_the_gpu_vanishes_the_cpu_finds_the_performer_aloud(
    pose_weights: PoseWeights,
    dancer: list[Image],
    expected: list[Pose],
    caplog: pytest.LogCaptureFixture,
) -> None:
    cuda = FakeCuda()
    with open_blazepose(pose_weights, EAGER, "tensorrt", only("tensorrt", on(cuda, {}))) as tracker:
        before = found_by(tracker, dancer[:5])
        cuda.gone = True
        assert same([*before, *found_by(tracker, dancer[5:], 5)], expected), "not a frame is lost"
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(said) == 1
    assert "BlazePose's landmark network goes on with onnxruntime-cpu, slower" in said[0]


@pytest.mark.parametrize(("share", "taken"), [(0.5, True), (0.95, False), (3.0, False)])
def test_auto_takes_a_gpu_only_where_it_is_the_faster_one(
    pose_weights: PoseWeights,
    dancer: list[Image],
    expected: list[Pose],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    share: float,
    taken: bool,
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setattr(choose, "time_share", lambda rival, engine, feeds: share)
    cuda = FakeCuda()
    with open_blazepose(pose_weights, EAGER, "auto", only("cuda", on(cuda, {}))) as tracker:
        assert (cuda.held() > 0) is taken
        assert same(found_by(tracker, dancer), expected)
    assert cuda.held() == 0
    why = "engine tensorrt, the best that works here (tensorrt: it is not here; pip install it; "
    if not taken:
        why = "engine cpu, 1 thread, float32; no GPU engine is faster here (name one with "
        assert f"tensorrt works, and takes {share:.2f} of the CPU's time" in caplog.text
    assert f"BlazePose's detector: {why}" in caplog.text


def test_auto_on_this_machine_finds_the_performer(
    pose_weights: PoseWeights, dancer: list[Image], expected: list[Pose]
) -> None:
    """With whatever libraries and GPU there are here."""
    with open_blazepose(pose_weights, EAGER, "auto") as tracker:
        for one, other in zip(found_by(tracker, dancer), expected, strict=True):
            assert np.median(np.abs(one.points - other.points)) < 1


def test_a_named_engine_that_cannot_run_is_an_error_and_nothing_stays_open(
    pose_weights: PoseWeights,
) -> None:
    with pytest.raises(SetupError, match="--pose-engine cuda cannot run here: it is not here; pip"):
        open_blazepose(pose_weights, engine="cuda", openers=only("cuda", missing))
    with pytest.raises(SetupError, match="--pose-engine is 'quick'; known: auto, cpu"):
        open_blazepose(pose_weights, engine="quick")


def test_a_gpu_that_is_full_is_said_so_and_nothing_leaks(pose_weights: PoseWeights) -> None:
    full = FakeCuda(memory_bytes=2_000_000)  # the detector fits, the landmark network does not
    with pytest.raises(
        SetupError, match=r"landmark network cannot run on .* out of memory; of its"
    ):
        open_blazepose(pose_weights, engine="tensorrt", openers=only("tensorrt", on(full, {})))
    assert full.held() == 0


@pytest.mark.parametrize("spoil", [1.03, np.nan])
def test_a_gpu_that_computes_something_else_is_refused(
    pose_weights: PoseWeights, spoil: float
) -> None:
    class Wrong(OnnxRuntimeEngine):
        name = "wrong"

        def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            return {name: array * spoil for name, array in super().run(feeds).items()}

    def opener(model: bytes, what: str) -> RecurrentEngine:
        return Wrong(model, what)

    with pytest.raises(SetupError, match=r"wrong computes another result .* of its largest number"):
        open_blazepose(pose_weights, engine="cuda", openers=only("cuda", opener))


def test_without_somebody_to_try_on_it_says_so(
    pose_weights: PoseWeights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(blazepose_open, "SOMEBODY", tmp_path / "nobody.jpg")
    with pytest.raises(SetupError, match=r"nobody.jpg is missing; get the program again"):
        open_blazepose(pose_weights)
