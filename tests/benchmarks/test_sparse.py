"""The window against the whole: no seam where the figure is, no limb cut, a quarter of the work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sparse import (
    ROOM,
    STRIDE,
    SUBJECT,
    View,
    against_whole,
    main,
    seams_of,
    views_of,
    work_of,
)
from export.rehearsal import dance
from live.errors import EXIT_BAD_INPUT
from live.frames import Pose
from live.subject import Subject, load_subject
from live.window import StageWindow, into_window


@pytest.fixture(scope="module")
def demo() -> Subject:
    return load_subject(SUBJECT)


@pytest.fixture(scope="module")
def views(demo: Subject) -> list[View]:
    return views_of(demo, 300)


def test_outside_the_window_is_the_room_and_at_its_edges_no_figure_is_cut(
    demo: Subject, views: list[View]
) -> None:
    seams = seams_of(demo, views)
    assert seams.outside == 0
    assert seams.joint_margin_px > 8, "every joint is inside, with room for what is around it"
    assert max(seams.edges["top"], seams.edges["right"]) <= 4
    # Her shadow falls to the left and the floor mirrors her shoes: those two may fade out of sight.
    assert max(seams.edges.values()) <= 8


def test_the_figure_is_the_one_that_the_whole_picture_would_have(
    demo: Subject, views: list[View]
) -> None:
    """The same net, shown more around the same figure: nothing else appears, nothing changes."""
    assert ROOM % STRIDE == 0, "the net's grid is where it was"
    whole = against_whole(demo, views[:20])
    assert whole.worst_psnr_db > 35 and whole.psnr_db > 40
    # A limb there would be opaque. Her shadow, a third of it, may leave the window: it fades.
    assert whole.alpha_beyond < 100, "she does not reach beyond the window"


def test_in_a_dance_the_window_is_quick_enough_for_every_limb(demo: Subject) -> None:
    """It follows with a lag, where the views above have it jump to each pose."""
    manifest = demo.manifest
    stage, size = manifest.stage_size, manifest.generator_size
    window = StageWindow(manifest.body, stage, size, manifest.window)
    points, scores = dance(demo.codebook, 600)
    for number in range(len(points)):
        region = window.follow(
            Pose(points[number], scores[number], number / 30, stage), number / 30
        )
        seen = into_window(points[number], region, size)[
            scores[number] > manifest.style.score_hidden
        ]
        assert (seen > 0).all() and (seen < size[::-1]).all(), f"frame {number}"


def test_the_window_is_at_most_a_third_of_the_work(demo: Subject, views: list[View]) -> None:
    window, stage = work_of(demo, views, seconds=0)
    assert window.size == demo.manifest.generator_size
    assert all(side % STRIDE == 0 for side in stage.size)
    farthest = min(view.region.height for view in views)
    scales = np.array(stage.size) / demo.manifest.stage_size
    assert (scales >= window.size[0] / farthest).all(), "her face has no fewer pixels"
    assert window.pixels / stage.pixels < 1 / 3 and window.macs / stage.macs < 1 / 3


def test_the_command_prints_a_table_and_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--poses", "3", "--whole", "2", "--seconds", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("window") and lines[2].startswith("stage")
    found = json.loads(lines[-1])
    assert 0 < found["pixels_share"] < 1 and found["seams"]["outside"] == 0
    assert set(found["machine"]["versions"]) == {"onnxruntime", "torch"}


def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--bundle", str(tmp_path / "nothing")]) == EXIT_BAD_INPUT
    assert "does not exist" in capsys.readouterr().err
    assert main(["--poses", "0"]) == EXIT_BAD_INPUT
    assert "--poses is 0" in capsys.readouterr().err
