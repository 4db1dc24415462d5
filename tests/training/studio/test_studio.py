"""The studio as a whole: what it films, and that its truth is true."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from live.errors import EXIT_BAD_INPUT, SetupError
from live.skeleton import GROUPS, INDEX, JOINTS
from training.studio import anatomy
from training.studio.__main__ import main
from training.studio.production import Order, Studio

FRAMES = (0, 17, 40, 63, 80, 95)


def _studio(body: str) -> Studio:
    return Studio(Order(Path("unused"), body, seed=2, seconds=10, fps=10, height=96, width=96))


@pytest.fixture(scope="module")
def target() -> Studio:
    return _studio("target")


@pytest.fixture(scope="module")
def performer() -> Studio:
    return _studio("performer")


@pytest.fixture(params=["target", "performer"])
def studio(request: pytest.FixtureRequest) -> Studio:
    found: Studio = request.getfixturevalue(request.param)
    return found


def _joints_m(studio: Studio, index: int) -> NDArray[np.float64]:
    return studio.joints.locate(studio.puppet.pose(index))[0]


def _angle(points: NDArray[np.float64], chain: tuple[str, str, str]) -> float:
    a, b, c = (points[INDEX[name]] for name in chain)
    u, v = a - b, c - b
    return float(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))


def test_equal_orders_give_equal_bytes(target: Studio) -> None:
    again = _studio("target")
    for index in FRAMES[:2]:
        ours, theirs = target.shoot(index), again.shoot(index)
        assert np.array_equal(ours.image, theirs.image)
        assert np.array_equal(ours.points, theirs.points)


def test_every_joint_is_known_and_lies_on_the_person(studio: Studio) -> None:
    for index in FRAMES:
        shot = studio.shoot(index)
        assert shot.points.shape == (len(JOINTS), 2) and shot.points.dtype == np.float32
        assert (shot.scores == 1).all()
        changed = np.abs(shot.image.astype(int) - studio.renderer.plate).max(2) > 8
        person = cv2.dilate(changed.astype(np.uint8), np.ones((5, 5), np.uint8))
        columns, rows = np.round(shot.points).astype(int).T
        assert person[rows, columns].all()


def test_left_is_the_persons_own_left(studio: Studio) -> None:
    points = _joints_m(studio, 0)
    assert abs(studio.dance.channel("facing")[0]) < 0.3, "this test wants a person who faces us"
    for name in ("shoulder", "hip", "eye", "ear", "mouth", "big_toe", "hand_wrist"):
        assert points[INDEX[f"left_{name}"], 0] > points[INDEX[f"right_{name}"], 0]
    assert points[INDEX["nose"], 2] > points[INDEX["left_ear"], 2]
    assert points[INDEX["left_big_toe"], 2] > points[INDEX["left_heel"], 2]


def test_feet_stand_on_the_floor_and_do_not_sink_into_it(studio: Studio) -> None:
    lowest = [studio.renderer.lowest_m(studio.puppet.pose(i)) for i in range(0, 100, 3)]
    assert max(lowest) < 0.01  # someone stands, always
    assert min(lowest) > -0.03
    assert abs(float(np.median(lowest))) < 0.005


def test_the_two_are_easily_told_apart(target: Studio, performer: Studio) -> None:
    def stature(studio: Studio) -> float:
        points = _joints_m(studio, 0)
        return float(points[INDEX["nose"], 1])

    assert stature(performer) > stature(target) + 0.12
    shots = [studio.shoot(0) for studio in (target, performer)]
    for ends in (("left_knee", "left_ankle"), ("left_elbow", "left_shoulder")):
        rows = [INDEX[name] for name in ends]
        colours = [_colour(shot.image, shot.points[rows].mean(0)) for shot in shots]
        assert np.abs(colours[0] - colours[1]).max() > 40
    assert np.abs(target.renderer.plate.astype(int) - performer.renderer.plate).mean() > 5


def _colour(image: NDArray[np.uint8], place: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean colour of the nine pixels around (x, y)."""
    x, y = np.round(place).astype(int)
    return np.asarray(image[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1)))


def test_one_dance_moves_both_bodies_alike(target: Studio, performer: Studio) -> None:
    assert np.array_equal(target.dance.table, performer.dance.table)
    chains = [
        (f"{side}_{a}", f"{side}_{b}", f"{side}_{c}")
        for side in ("left", "right")
        for a, b, c in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    ]
    curves = [
        np.array([[_angle(_joints_m(s, i), chain) for chain in chains] for i in range(100)])
        for s in (target, performer)
    ]
    for column in range(len(chains)):
        assert np.ptp(curves[0][:, column]) > 0.3
        assert np.corrcoef(curves[0][:, column], curves[1][:, column])[0, 1] > 0.97


def test_away_from_the_person_a_frame_is_the_plate(studio: Studio) -> None:
    for index in FRAMES:
        shot = studio.shoot(index)
        same = (shot.image == studio.renderer.plate).all(2)
        assert same.mean() > 0.5
        reach = np.abs(np.arange(96)[None] - shot.points[INDEX["mid_hip"], 0])
        assert same[reach.repeat(96, 0) > 60].all()
        assert not same.all()


def test_body_and_ankles_stay_in_the_picture(studio: Studio) -> None:
    size = np.array([96, 96])
    camera = studio.renderer.room.style.camera
    for index in range(0, 100, 2):
        points = camera.project(_joints_m(studio, index), (96, 96))[list(GROUPS["body"]), :2]
        assert (points > 0).all() and (points < size).all()


def test_the_film_and_what_lies_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "clip"
    arguments = (
        f"--out {out} --body performer --seed 3 --seconds 0.5 --fps 12 --size 96 --width 128"
    )
    assert main(arguments.split()) == 0
    with av.open(str(out / "video.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.pix_fmt == "yuv420p"
        assert stream.average_rate == 12
        frames = list(film.decode(stream))
    assert len(frames) == 6
    assert [frame.time for frame in frames] == pytest.approx([n / 12 for n in range(6)])
    truth = np.load(out / "truth.npz", allow_pickle=False)
    assert truth["points"].shape == (6, 73, 2) and truth["points"].dtype == np.float32
    assert truth["scores"].shape == (6, 73) and truth["scores"].dtype == np.float32
    assert truth["times_s"] == pytest.approx(np.arange(6) / 12)
    plate = cv2.imread(str(out / "plate.png"))
    assert plate is not None and plate.shape == (96, 128, 3)
    record = json.loads((out / "studio.json").read_text())
    assert record["synthetic"] is True
    assert record["arguments"]["seed"] == 3 and record["body"]["name"] == "performer"
    # The film shows what was rendered: its empty corner is the plate's, but for compression.
    corner = frames[3].to_ndarray(format="bgr24")[:20, :20].astype(float)
    assert np.abs(corner - plate[:20, :20]).mean() < 4


def test_workers_film_the_same(tmp_path: Path) -> None:
    for workers in (1, 2):
        arguments = f"--out {tmp_path / str(workers)} --seconds 0.4 --fps 10 --size 64"
        assert main([*arguments.split(), "--workers", str(workers)]) == 0
    one, two = (tmp_path / name / "video.mp4" for name in "12")
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--body nobody", "'nobody'"),
        ("--seconds 0", "0.0"),
        ("--seconds nan", "nan"),
        ("--seconds 0.001 --fps 5", "no frame"),
        ("--fps 0", "--fps is 0"),
        ("--size 97", "97"),
        ("--size 512 --width 20", "--width is 20"),
        ("--seed -1", "-1"),
        ("--workers 0", "--workers is 0"),
    ],
)
def test_a_bad_argument_is_one_sentence(
    arguments: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "x"), *arguments.split()]) == EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_out_must_not_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.touch()
    assert main(["--out", str(path)]) == EXIT_BAD_INPUT
    assert "is a file" in capsys.readouterr().err


def test_without_anny_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match="pip install"):
        anatomy.data_folder()
