"""Smoothing: equal to the published filter, never past a step, holds and fades what is lost."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.figure import clip, dancer
from live.frames import Pose
from live.skeleton import INDEX, JOINTS
from live.smooth import Smoother, SmoothSettings
from tests.oracles import make_one_euro_golden as golden
from tests.oracles.one_euro import one_euro

SIZE = (1000, 1000)
NOSE = INDEX["nose"]
PLAIN = SmoothSettings()
coordinates = st.floats(-500, 1500, width=32)
steps_s = st.floats(0.001, 0.2)


def pose_at(x: float, y: float = 0.0, score: float = 1.0, time_s: float = 0.0) -> Pose:
    """A pose whose every joint is at (x, y)."""
    points = np.tile(np.array([x, y], np.float32), (len(JOINTS), 1))
    return Pose(points, np.full(len(JOINTS), score, np.float32), time_s, SIZE)


def run(
    smoother: Smoother, times_s: list[float], xs: list[float], ys: list[float] | None = None
) -> list[tuple[float, float]]:
    """Where the nose comes out, pixels."""
    out = []
    for time_s, x, y in zip(times_s, xs, ys or xs, strict=True):
        smoothed = smoother.apply(pose_at(x, y, time_s=time_s), time_s)
        assert smoothed is not None
        out.append((float(smoothed.points[NOSE, 0]), float(smoothed.points[NOSE, 1])))
    return out


def assert_same(one: Pose | None, other: Pose | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_golden_file() -> None:
    """Its first time stamp is 0.0, which some implementations take for 'none'."""
    with golden.GOLDEN.open(encoding="utf-8", newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert rows[0]["time_s"] == 0.0
    tuned = SmoothSettings(
        golden.MIN_CUTOFF_HZ, golden.BETA, golden.DERIVATIVE_CUTOFF_HZ, score_seen=0.0
    )
    out = run(Smoother(tuned), [r["time_s"] for r in rows], [r["value"] * SIZE[0] for r in rows])
    np.testing.assert_allclose(
        np.array(out)[:, 0] / SIZE[0], [r["filtered"] for r in rows], atol=2e-6
    )


def test_golden_file_is_what_its_script_makes() -> None:
    assert golden.GOLDEN.read_text(encoding="utf-8") == golden.text()


@given(
    st.lists(st.tuples(steps_s, coordinates, coordinates), min_size=2, max_size=40),
    st.floats(0.1, 20), st.floats(0, 50), st.floats(0.1, 10),
)  # fmt: skip
@settings(max_examples=60)
def test_kernel_equals_oracle(
    samples: list[tuple[float, float, float]], cutoff: float, beta: float, derivative: float
) -> None:
    times_s = list(np.cumsum([step for step, _, _ in samples]))
    xs, ys = [x for _, x, _ in samples], [y for _, _, y in samples]
    out = run(Smoother(SmoothSettings(cutoff, beta, derivative)), times_s, xs, ys)
    for axis, values in enumerate((xs, ys)):
        heights = [value / SIZE[0] for value in values]
        expected = np.array(one_euro(times_s, heights, cutoff, beta, derivative)) * SIZE[0]
        np.testing.assert_allclose(np.array(out)[:, axis], expected, atol=1e-2)


@given(
    st.lists(st.tuples(steps_s, coordinates), min_size=1, max_size=40),
    st.floats(0.1, 20), st.floats(0, 50),
)  # fmt: skip
@settings(max_examples=60)
def test_never_leaves_the_range_of_its_input(
    samples: list[tuple[float, float]], cutoff: float, beta: float
) -> None:
    """Each output lies between the last output and the input: no overshoot of any step, ever."""
    times_s, xs = list(np.cumsum([step for step, _ in samples])), [x for _, x in samples]
    out = [x for x, _ in run(Smoother(SmoothSettings(cutoff, beta)), times_s, xs)]
    assert out[0] == pytest.approx(xs[0], abs=1e-3)
    for before, now, given_x in zip(out, out[1:], xs[1:], strict=False):
        assert min(before, given_x) - 1e-2 <= now <= max(before, given_x) + 1e-2


@given(st.floats(0.01, 0.2), st.floats(0.001, 0.3), st.floats(1, 900))
@settings(max_examples=40)
def test_lead_overshoots_by_no_more_than_its_formula(
    lead_s: float, limit: float, jump: float
) -> None:
    """At most lead_s times the largest speed of the filtered place, and at most lead_limit."""
    times_s = [index / 30 for index in range(60)]
    xs = [50.0] * 10 + [50.0 + jump] * 50
    plain = np.array(run(Smoother(PLAIN), times_s, xs))[:, 0]
    led = Smoother(replace(PLAIN, lead_s=lead_s, lead_limit=limit))
    out = np.array(run(led, times_s, xs))[:, 0]
    speed = np.abs(np.diff(plain, prepend=plain[0])).max() * 30
    assert np.abs(out - plain).max() <= min(lead_s * speed, limit * SIZE[0]) + 0.05
    assert out[-1] == pytest.approx(xs[-1], abs=0.05 * jump)


def test_lead_hides_delay() -> None:
    """On a steady walk a lead of 50 ms comes out about 50 ms ahead."""
    times_s = [index / 30 for index in range(90)]
    xs = [100 + 300 * time_s for time_s in times_s]
    plain = np.array(run(Smoother(PLAIN), times_s, xs))[-1, 0]
    led = np.array(run(Smoother(replace(PLAIN, lead_s=0.05)), times_s, xs))[-1, 0]
    assert led - plain == pytest.approx(300 * 0.05, rel=0.05)


def test_first_pose_at_time_zero_comes_out_as_it_went_in_and_counts() -> None:
    smoother = Smoother()
    first = smoother.apply(pose_at(100), 0.0)
    assert first is not None
    assert first.points[NOSE, 0] == 100
    second = smoother.apply(pose_at(200), 1 / 30)
    assert second is not None
    assert 100 < second.points[NOSE, 0] < 200


def test_time_may_be_negative_or_large() -> None:
    out = [run(Smoother(), [t, t + 1 / 32], [100.0, 200.0])[1] for t in (-5.0, 0.0, 1e6)]
    np.testing.assert_allclose(out, [out[0]] * 3, rtol=1e-6)


def test_rest_is_steady_and_motion_is_quick() -> None:
    random = np.random.default_rng(3)
    times_s = [index / 30 for index in range(300)]
    noisy = list(500 + random.normal(0, 2, 300))
    assert np.std(np.array(run(Smoother(), times_s, noisy))[60:, 0]) < 0.6 * 2
    moving = [500 + 300 * math.sin(2 * math.pi * t) for t in times_s]  # 1.9 heights per second
    lag = np.abs(np.array(run(Smoother(), times_s, moving))[60:, 0] - moving[60:])
    assert lag.max() / (300 * 2 * math.pi) < 0.015  # seconds behind


@given(st.floats(0.3, 4))
@settings(max_examples=20)
def test_resolution_does_not_matter(factor: float) -> None:
    poses = clip(1.0)
    size = (round(512 * factor), round(512 * factor))
    factor = size[0] / 512
    one, other = Smoother(), Smoother()
    for pose in poses:
        small = one.apply(pose, pose.captured_s)
        large = other.apply(
            replace(pose, points=pose.points * np.float32(factor), size=size), pose.captured_s
        )
        assert small is not None
        assert large is not None
        np.testing.assert_allclose(large.points, small.points * factor, atol=0.01)


def test_a_lost_joint_is_held_then_faded_then_gone() -> None:
    smoother = Smoother()
    smoother.apply(pose_at(100, score=0.8), 0.0)
    expected = {0.1: 0.8, 0.25: 0.8, 0.375: 0.4, 0.5: 0.0, 0.6: 0.0}
    for time_s, score in expected.items():
        pose = pose_at(100, score=0.8)
        pose.scores[NOSE] = 0.0
        pose.points[NOSE] = np.nan
        smoothed = smoother.apply(pose, time_s)
        assert smoothed is not None
        assert np.isfinite(smoothed.points).all()
        assert smoothed.scores[NOSE] == pytest.approx(score, abs=1e-6)
        if score:
            assert smoothed.points[NOSE, 0] == pytest.approx(100, abs=1e-3)
        assert smoothed.scores[NOSE + 1] == pytest.approx(0.8)


def test_a_lost_person_is_held_then_faded_then_gone() -> None:
    smoother = Smoother()
    assert smoother.apply(None, 0.0) is None
    smoother.apply(pose_at(100), 1.0)
    held, fading = smoother.apply(None, 1.2), smoother.apply(None, 1.375)
    assert held is not None
    assert held.scores.min() == 1
    assert fading is not None
    np.testing.assert_allclose(fading.scores, 0.5, atol=1e-6)
    assert smoother.apply(None, 1.6) is None
    assert smoother.apply(None, 1.7) is None


def test_who_comes_back_after_the_fade_starts_afresh() -> None:
    smoother = Smoother()
    smoother.apply(pose_at(100), 0.0)
    smoother.apply(None, 0.3)
    smoother.apply(None, 0.6)
    back = smoother.apply(pose_at(900), 0.7)
    assert back is not None
    assert back.points[NOSE, 0] == 900


def test_a_gap_without_frames_starts_afresh_too() -> None:
    smoother = Smoother()
    smoother.apply(pose_at(100), 0.0)
    back = smoother.apply(pose_at(900), 30.0)
    assert back is not None
    assert back.points[NOSE, 0] == 900


def test_another_person_or_picture_size_starts_afresh() -> None:
    for change in ({"person": 2}, {"size": (500, 500)}):
        smoother = Smoother()
        smoother.apply(pose_at(100), 0.0)
        other = smoother.apply(replace(pose_at(400), **change), 1 / 30)
        assert other is not None
        assert other.points[NOSE, 0] == 400


@pytest.mark.parametrize("now_s", [1.0, 0.9, 0.6])
def test_a_repeated_or_earlier_time_gives_the_last_answer(now_s: float) -> None:
    smoother, twin = Smoother(), Smoother()
    for each in (smoother, twin):
        each.apply(pose_at(100), 0.97)
        last = each.apply(pose_at(200), 1.0)
    assert_same(smoother.apply(pose_at(700), now_s), last)
    assert_same(smoother.apply(None, now_s), last)
    assert_same(smoother.apply(pose_at(300), 1.03), twin.apply(pose_at(300), 1.03))


def test_a_clip_that_loops_back_starts_afresh() -> None:
    smoother = Smoother()
    smoother.apply(pose_at(100), 20.0)
    first = smoother.apply(pose_at(900), 0.0)
    assert first is not None
    assert first.points[NOSE, 0] == 900


@pytest.mark.parametrize("now_s", [math.nan, math.inf])
def test_a_time_that_is_none_is_refused(now_s: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Smoother().apply(pose_at(1), now_s)


def test_reset_equals_fresh() -> None:
    used = Smoother(SmoothSettings(lead_s=0.05))
    for pose in clip(2.0):
        used.apply(pose, pose.captured_s)
    used.reset()
    fresh = Smoother(SmoothSettings(lead_s=0.05))
    for index in range(20):
        step = dancer(index / 30, foot=0.8) if index % 7 else None
        assert_same(used.apply(step, index / 30), fresh.apply(step, index / 30))


def test_a_frozen_source_settles_and_leaves_no_momentum() -> None:
    """A stale frame repeated with new time stamps: converges on it, prediction included."""
    smoother = Smoother(SmoothSettings(lead_s=0.1))
    run(smoother, [i / 30 for i in range(10)], [100.0 + 20 * i for i in range(10)])
    out = run(smoother, [(10 + i) / 30 for i in range(60)], [280.0] * 60)
    assert out[-1][0] == pytest.approx(280, abs=0.1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_nothing_infinite_ever_comes_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    smoother, now_s = Smoother(SmoothSettings(lead_s=0.05)), 0.0
    for _ in range(20):
        points = random.uniform(0, 1000, (73, 2)).astype(np.float32)
        points[random.uniform(size=73) < 0.3] = random.choice([np.nan, np.inf, -np.inf])
        scores = random.choice([0, 0.5, 1, np.nan], 73).astype(np.float32)
        smoothed = smoother.apply(Pose(points, scores, now_s, SIZE), now_s)
        now_s += float(random.choice([0.0, 1e-9, 0.03, 0.4]))
        if smoothed is not None:
            assert np.isfinite(smoothed.points).all()
            assert ((smoothed.scores >= 0) & (smoothed.scores <= 1)).all()


@pytest.mark.parametrize(
    "change",
    [{"min_cutoff_hz": 0}, {"derivative_cutoff_hz": -1}, {"beta": -1}, {"hold_s": math.nan},
     {"fade_s": math.inf}, {"lead_s": -0.1}, {"lead_limit": -1}, {"score_seen": 1.0}],
)  # fmt: skip
def test_impossible_settings_are_refused_by_name(change: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        SmoothSettings(**change)


def test_half_steady_is_as_it_was_made_and_both_ways_are_as_far() -> None:
    assert PLAIN.tuned(0.5, 0.0) == PLAIN
    quick, steady = PLAIN.tuned(0.0, 0.1), PLAIN.tuned(1.0, 0.1)
    for name in ("min_cutoff_hz", "beta"):
        middle = getattr(PLAIN, name)
        assert getattr(quick, name) > middle > getattr(steady, name)
        assert getattr(quick, name) * getattr(steady, name) == pytest.approx(middle**2)
    assert quick.lead_s == steady.lead_s == 0.1


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-300, 300))
@settings(max_examples=40)
def test_settings_that_change_between_two_poses_make_no_jump(
    before: float, after: float, step: float
) -> None:
    """The next place lies between the last one and what is given, as with any settings."""
    smoother = Smoother(PLAIN.tuned(before, 0.0))
    times_s = [index / 30 for index in range(31)]
    run(smoother, times_s[:30], [100.0 + 2 * index for index in range(30)])
    (last, _), given_x = run(smoother, [times_s[29]], [0.0])[0], 158.0 + step
    smoother.settings = PLAIN.tuned(after, 0.0)
    now, _ = run(smoother, [times_s[30]], [given_x])[0]
    assert min(last, given_x) - 1e-2 <= now <= max(last, given_x) + 1e-2
