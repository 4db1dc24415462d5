"""MediaPipe on real people: finds them, stays with them, and survives what has none."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.errors import SetupError
from live.frames import Frame, Image, Pose
from live.pose import mediapipe_tasks
from live.pose.mediapipe_tasks import MediaPipePose, MediaPipeSettings
from live.pose.weights import PoseWeights
from live.skeleton import INDEX

HEIGHT, WIDTH = 720, 406
FRAME_S = 1 / 30


@pytest.fixture(scope="module")
def estimator(pose_weights: PoseWeights) -> Iterator[MediaPipePose]:
    with MediaPipePose(pose_weights) as estimator:
        yield estimator


@pytest.fixture(autouse=True)
def _afresh(request: pytest.FixtureRequest) -> None:
    if "estimator" in request.fixturenames:
        request.getfixturevalue("estimator").reset()


@pytest.fixture(scope="module")
def dancer(one_person_clips_: list[Path]) -> list[Image]:
    return _read(one_person_clips_[0], count=30)


@pytest.fixture(scope="module")
def rival(one_person_clips_: list[Path]) -> list[Image]:
    return _read(one_person_clips_[2], count=30)


@pytest.fixture(scope="module")
def one_person_clips_(request: pytest.FixtureRequest) -> list[Path]:
    clips: list[Path] = request.getfixturevalue("one_person_clips")
    return clips


def _read(path: Path, count: int) -> list[Image]:
    """The first `count` frames at half their rate, 720 pixels high."""
    clip = cv2.VideoCapture(str(path))
    images: list[Image] = []
    while len(images) < count and clip.grab():
        read, image = clip.retrieve()
        assert read and clip.grab()
        images.append(np.asarray(cv2.resize(image, (WIDTH, HEIGHT)), np.uint8))
    clip.release()
    assert len(images) == count
    return images


def _run(estimator: MediaPipePose, images: list[Image], start_s: float = 0) -> list[Pose | None]:
    return [
        estimator.estimate(Frame(image, start_s + at * FRAME_S, at))
        for at, image in enumerate(images)
    ]


def _hip(pose: Pose | None) -> tuple[float, float]:
    assert pose is not None
    assert pose.scores[INDEX["mid_hip"]] > 0.5
    x, y = pose.points[INDEX["mid_hip"]]
    return float(x), float(y)


def _side_by_side(left: Image, right: Image, left_size: float, right_size: float) -> Image:
    """Both pictures on one, each shrunk to its size (at most 1) and standing on the lower edge."""
    stage = np.full((HEIGHT, 2 * WIDTH, 3), 100, np.uint8)
    for image, size, x in ((left, left_size, 0), (right, right_size, WIDTH)):
        small = cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        stage[HEIGHT - small.shape[0] :, x : x + small.shape[1]] = small
    return stage


def test_finds_one_person_whole(estimator: MediaPipePose, dancer: list[Image]) -> None:
    poses = _run(estimator, dancer)
    for at, pose in enumerate(poses):
        assert pose is not None
        assert (pose.person, pose.size) == (poses[0].person if poses[0] else 0, (HEIGHT, WIDTH))
        assert pose.captured_s == at * FRAME_S
        assert np.isfinite(pose.points).all()
        assert ((pose.scores >= 0) & (pose.scores <= 1)).all()
        nose, ankles = pose.points[INDEX["nose"]], pose.points[[INDEX["left_ankle"]]]
        assert nose[1] < _hip(pose)[1] < ankles[:, 1].min()  # upright
        assert HEIGHT * 0.2 < ankles[0, 1] - nose[1] < HEIGHT * 0.8


def test_follows_a_real_walk(estimator: MediaPipePose, sports_clip: Path) -> None:
    clip = cv2.VideoCapture(str(sports_clip))
    clip.set(cv2.CAP_PROP_POS_FRAMES, 80)
    images = [np.asarray(cv2.resize(clip.read()[1], (854, 480)), np.uint8) for _ in range(40)]
    poses = _run(estimator, images)
    hips = [_hip(pose)[0] for pose in poses]
    assert len({pose.person for pose in poses if pose}) == 1
    assert abs(hips[-1] - hips[0]) > 50  # the person has walked on
    assert np.abs(np.diff(hips)).max() < 20  # and nobody jumped


def test_picks_the_larger_and_stays(
    estimator: MediaPipePose, dancer: list[Image], rival: list[Image]
) -> None:
    fading = np.linspace(1.0, 0.5, len(dancer))
    images = [
        _side_by_side(left, right, size, 1.5 - size)
        for left, right, size in zip(dancer, rival, fading, strict=True)
    ]
    poses = _run(estimator, images)
    assert all(_hip(pose)[0] < WIDTH for pose in poses)
    assert len({pose.person for pose in poses if pose}) == 1
    estimator.reset()
    assert _hip(estimator.estimate(Frame(images[-1], 60, 0)))[0] > WIDTH  # now the other is larger


def test_two_real_people(estimator: MediaPipePose, two_people_clip: Path) -> None:
    poses = _run(estimator, _read(two_people_clip, count=30))
    hips = np.array([_hip(pose) for pose in poses])
    assert len({pose.person for pose in poses if pose}) == 1
    assert np.hypot(*np.diff(hips, axis=0).T).max() < HEIGHT * 0.05


def test_leaves_and_comes_back(estimator: MediaPipePose, dancer: list[Image]) -> None:
    empty = np.full_like(dancer[0], 100)
    first = _run(estimator, dancer[:5])[-1]
    away = _run(estimator, [empty] * 30, start_s=5 * FRAME_S)
    back = _run(estimator, dancer[:5], start_s=35 * FRAME_S)[-1]
    assert away == [None] * 30
    assert first is not None and back is not None
    assert back.person == first.person  # within the memory of two seconds
    assert np.hypot(*np.subtract(_hip(first), _hip(back))) < HEIGHT * 0.05
    assert estimator.estimate(Frame(empty, 2.0, 0)) is None
    later = _run(estimator, dancer[:1], start_s=9.0)[0]
    assert later is not None
    assert later.person == first.person + 1


def test_a_clip_that_loops_goes_on(estimator: MediaPipePose, dancer: list[Image]) -> None:
    once = _run(estimator, dancer[:10])
    again = _run(estimator, dancer[:10])  # its times begin anew
    assert all(pose is not None for pose in once + again)


def test_where_the_last_person_stood_does_not_matter(
    estimator: MediaPipePose, dancer: list[Image]
) -> None:
    """Fails where the tracker goes on from a body that is no longer there, as after a cut."""
    alone = _hip(estimator.estimate(Frame(dancer[0], 0, 0)))
    for at, (dx, dy) in enumerate([(0, 100), (40, -60), (0, -100)]):
        estimator.reset()
        shifted = np.roll(dancer[0], (dy, dx), (0, 1))
        estimator.estimate(Frame(shifted, 1.0 + 2 * at, 0))
        estimator.reset()
        again = _hip(estimator.estimate(Frame(dancer[0], 2.0 + 2 * at, 0)))
        assert np.hypot(*np.subtract(alone, again)) < HEIGHT * 0.01


def test_an_empty_stage_is_searched_now_and_then(
    estimator: MediaPipePose, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[object] = []
    detect = estimator._lister.detect

    def counted(image: object) -> object:
        searches.append(image)
        return detect(image)

    monkeypatch.setattr(estimator._lister, "detect", counted)
    empty = np.zeros((480, 640, 3), np.uint8)
    assert _run(estimator, [empty] * 30) == [None] * 30
    assert 8 <= len(searches) <= 11  # in one second


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 640), (480, 1), (3, 2), (17, 1001), (481, 639), (1920, 1080)]
)
def test_pictures_of_odd_size(estimator: MediaPipePose, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (*size, 1), np.uint8).repeat(3, 2)
    for at, image in enumerate((np.zeros((*size, 3), np.uint8), noise)):
        assert estimator.estimate(Frame(image, at * 1.0, at)) is None


def test_a_person_in_odd_and_changing_sizes(estimator: MediaPipePose, dancer: list[Image]) -> None:
    for at, size in enumerate([(407, 719), (203, 361), (809, 1439)]):
        image = np.asarray(cv2.resize(dancer[0], size), np.uint8)
        estimator.reset()
        pose = estimator.estimate(Frame(image, at * 1.0, at))
        assert pose is not None
        x, y = _hip(pose)
        assert (x / size[0], y / size[1]) == pytest.approx((0.39, 0.38), abs=0.05)


def test_half_a_person(estimator: MediaPipePose, dancer: list[Image]) -> None:
    legless = np.ascontiguousarray(dancer[0][: int(HEIGHT * 0.5)])
    pose = estimator.estimate(Frame(legless, 0, 0))
    if pose is None:
        pytest.fail("the upper half of a person was not found")
    feet = [INDEX[name] for name in ("left_ankle", "right_ankle", "left_heel", "right_heel")]
    assert pose.scores[feet].max() < 0.1
    assert pose.scores[INDEX["neck"]] > 0.5


def test_a_picture_that_is_not_contiguous(estimator: MediaPipePose, dancer: list[Image]) -> None:
    straight = estimator.estimate(Frame(dancer[0], 0, 0))
    estimator.reset()
    backwards = np.ascontiguousarray(dancer[0][:, ::-1])[:, ::-1]
    strided = estimator.estimate(Frame(backwards, 9, 0))
    assert np.hypot(*np.subtract(_hip(straight), _hip(strided))) < 3


def test_a_missing_system_library_is_said(
    pose_weights: PoseWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediapipe.tasks.python import vision

    def absent(_: object) -> None:
        raise OSError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(vision.PoseLandmarker, "create_from_options", absent)
    with pytest.raises(SetupError, match=r"libEGL\.so\.1.*apt-get install libegl1 libgles2"):
        MediaPipePose(pose_weights)


def test_a_missing_package_is_said(
    pose_weights: PoseWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(SetupError, match="pip install"):
        MediaPipePose(pose_weights)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="candidates=0"):
        MediaPipeSettings(candidates=0)


def test_a_whole_run_says_nothing_and_ends_cleanly(
    pose_weights: PoseWeights, dancer: list[Image], tmp_path: Path
) -> None:
    """In a process of its own, also without close(): what the library says at exit counts."""
    np.save(tmp_path / "image.npy", dancer[0])
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from live.frames import Frame\n"
        "from live.pose.mediapipe_tasks import MediaPipePose\n"
        "from live.pose.weights import fetch_pose_weights\n"
        "estimator = MediaPipePose(fetch_pose_weights())\n"
        f"image = np.load({str(tmp_path / 'image.npy')!r})\n"
        "assert estimator.estimate(Frame(image, 0.0, 0)) is not None\n"
        "estimator.close(); estimator.close()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_reports_of_use_go_where_we_point_them(
    pose_weights: PoseWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mediapipe sends reports to Google unless its proxy leads nowhere. Here it leads to us."""
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    heard: list[bytes] = []

    def listen() -> None:
        connection, _ = proxy.accept()
        with connection:
            heard.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(60)
        monkeypatch.setattr(
            mediapipe_tasks, "NOWHERE", f"http://127.0.0.1:{proxy.getsockname()[1]}"
        )
        listener = threading.Thread(target=listen)
        listener.start()
        MediaPipePose(pose_weights).close()
        listener.join()
    assert heard[0].startswith(b"CONNECT ")
    assert heard[0].split()[1].endswith(b".googleapis.com:443")


def test_a_proxy_of_the_users_own_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:8080")
    mediapipe_tasks._keep_usage_reports_home()
    assert os.environ["https_proxy"] == "http://127.0.0.1:8080"
    with caplog.at_level(logging.WARNING):
        assert "report its use" in caplog.text
