"""The skeleton's tables, and the drawing: exact, deterministic, anti-aliased, left unlike right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.figure import dancer
from live.skeleton import (
    BODY_25,
    GROUPS,
    INDEX,
    JOINTS,
    LIMBS,
    MIRROR,
    Drawer,
    LabelStyle,
    draw,
    limbs_of,
)
from tests.oracles import drawing

ALL_SEEN = np.ones(len(JOINTS), np.float32)


def _random_pose(seed: int, size: tuple[int, int]) -> tuple[NDArray, NDArray]:
    """Joints in and around the picture, some on whole pixels, with every kind of score."""
    random = np.random.default_rng(seed)
    points = random.uniform(-0.3, 1.3, (len(JOINTS), 2)) * [size[1], size[0]]
    whole = random.uniform(size=len(JOINTS)) < 0.3
    points[whole] = np.round(points[whole])
    points[random.integers(len(JOINTS))] = points[random.integers(len(JOINTS))]
    scores = random.choice([0, 0.1, 0.3, 0.5, 1, np.nan], len(JOINTS))
    points[random.integers(len(JOINTS), size=3)] = random.choice([np.nan, np.inf, 1e30, -1e9])
    return points.astype(np.float32), scores.astype(np.float32)


def test_tables_fit_together() -> None:
    assert len(BODY_25) == 25
    assert len(JOINTS) == len(INDEX) == 73
    assert sorted(joint for group in GROUPS.values() for joint in group) == list(range(73))
    assert [MIRROR[MIRROR[joint]] for joint in range(73)] == list(range(73))
    assert JOINTS[MIRROR[INDEX["left_wrist"]]] == "right_wrist"
    assert MIRROR[INDEX["nose"]] == INDEX["nose"]


def test_every_limb_has_its_mirror_image_in_another_colour() -> None:
    by_ends = {frozenset((limb.start, limb.end)): limb for limb in LIMBS}
    assert len(by_ends) == len(LIMBS)
    for ends, limb in by_ends.items():
        other = by_ends[frozenset(MIRROR[joint] for joint in ends)]
        assert limb.width == other.width
        if limb is not other:
            difference = np.abs(np.subtract(limb.colour, other.colour))
            assert difference.max() >= 50, (JOINTS[limb.start], JOINTS[limb.end])


def test_left_and_right_strokes_stay_apart_in_the_picture() -> None:
    """A figure and its exchange of left and right are told apart everywhere but in the middle."""
    pose = dancer(0.4)
    label = draw(pose.points, ALL_SEEN, (512, 512)).astype(int)
    exchanged = draw(pose.points[list(MIRROR)], ALL_SEEN, (512, 512)).astype(int)
    drawn = label.any(-1) | exchanged.any(-1)
    differing = np.abs(label - exchanged).max(-1) > 20
    assert differing[drawn].mean() > 0.7


@given(st.integers(0, 2**32 - 1), st.sampled_from([(64, 64), (48, 80), (90, 33), (1, 1)]))
@settings(max_examples=60)
def test_kernel_equals_oracle(seed: int, size: tuple[int, int]) -> None:
    points, scores = _random_pose(seed, size)
    style = LabelStyle(limb_width=(0.016, 0.1, 0.3)[seed % 3])
    label = draw(points, scores, size, style)
    assert label.dtype == np.uint8
    expected = drawing.draw(points, scores, size, style)
    assert np.abs(label.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(256, 256), (512, 384)])
def test_dancer_equals_oracle(size: tuple[int, int]) -> None:
    pose = dancer(2.2, size)
    label = draw(pose.points, pose.scores, size)
    expected = drawing.draw(pose.points, pose.scores, size, LabelStyle())
    assert np.abs(label.astype(int) - expected.astype(int)).max() <= 1
    assert label.any()


def test_thin_strokes_show_at_any_angle() -> None:
    """A stroke narrower than a pixel has the same weight wherever it lies."""
    sums = []
    for angle in np.linspace(0, np.pi, 40):
        points = np.full((len(JOINTS), 2), np.nan, np.float32)
        way = np.array([np.cos(angle), np.sin(angle)]) * 20
        points[INDEX["neck"]], points[INDEX["mid_hip"]] = 32 - way, 32 + way
        sums.append(draw(points, ALL_SEEN, (64, 64), LabelStyle(limb_width=0.012)).sum())
    assert max(sums) < 1.2 * min(sums)  # the box filter is not quite round


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_equal_input_gives_equal_bytes(seed: int) -> None:
    points, scores = _random_pose(seed, (96, 96))
    drawer = Drawer((96, 96), LabelStyle())
    first = drawer.draw(points, scores)
    drawer.draw(points[::-1].copy(), scores)
    assert drawer.draw(points, scores).tobytes() == first.tobytes()
    assert Drawer((96, 96), LabelStyle()).draw(points, scores).tobytes() == first.tobytes()


def test_edges_are_anti_aliased() -> None:
    """Moved by a tenth of a pixel, an edge changes by about a tenth of its colour."""
    points = np.full((len(JOINTS), 2), np.nan, np.float32)
    points[INDEX["neck"]], points[INDEX["mid_hip"]] = (20.0, 10.0), (20.0, 50.0)
    style = LabelStyle(limb_width=0.1)
    row = draw(points, ALL_SEEN, (64, 64), style)[30, :, 2].astype(int)
    points[:, 0] += 0.1
    moved = draw(points, ALL_SEEN, (64, 64), style)[30, :, 2].astype(int)
    change = np.abs(moved - row)
    assert 23 <= change.max() <= 28  # 25.5 of 255
    assert len(np.unique(row)) > 2


def test_score_fades_a_limb_and_hides_it() -> None:
    points = np.full((len(JOINTS), 2), np.nan, np.float32)
    points[INDEX["neck"]], points[INDEX["mid_hip"]] = (20.0, 10.0), (20.0, 50.0)
    blue = [int(draw(points, ALL_SEEN * s, (64, 64))[30, 20, 2]) for s in (0.1, 0.2, 0.4, 0.5, 1.0)]
    assert blue[0] == 0
    assert blue == sorted(blue)
    assert abs(blue[1] - 255 * 0.25 * 1.0) <= 1.5
    assert blue[3] == blue[4]


def test_groups_choose_the_limbs() -> None:
    body = limbs_of(("body",))
    assert body
    assert {limb.start for limb in body} | {limb.end for limb in body} <= set(GROUPS["body"])
    assert len(body) < len(limbs_of(("body", "face"))) < len(limbs_of(("body", "face", "hands")))


@pytest.mark.parametrize(
    "change",
    [{"groups": ("body", "tail")}, {"limb_width": 0.0}, {"limb_width": 1.0},
     {"score_hidden": 0.5, "score_full": 0.5}, {"score_full": 1.1}],
)  # fmt: skip
def test_impossible_styles_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        LabelStyle(**change)
