"""Normalization: equal to the book, nothing on itself, equivariant, never a jump or a NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.figure import arrays, clip, dancer
from live.body import BodyStats
from live.errors import SetupError
from live.fit import near_and_far
from live.frames import Pose
from live.measure import HEAD, MEASURES, TOE, measure
from live.normalize import Normalizer, fit_body_stats
from live.refine import RunningStats
from live.skeleton import INDEX, MIRROR
from tests.oracles import normalize as oracle

SIZE = (512, 512)
WALK = clip(16.0)
TARGET = fit_body_stats(*arrays(WALK), SIZE)
ANKLES = [INDEX["left_ankle"], INDEX["right_ankle"]]
LEGS = [i for n, i in INDEX.items() if any(p in n for p in ("knee", "ankle", "heel", "_toe"))]
HIPS = [INDEX["mid_hip"], INDEX["left_hip"], INDEX["right_hip"]]

seeds = st.integers(0, 2**32 - 1)


def stats_of(poses: list[Pose]) -> BodyStats:
    return fit_body_stats(*arrays(poses), poses[0].size)


def hidden(pose: Pose, joints: list[int]) -> Pose:
    """`pose` with `joints` out of sight."""
    scores, points = pose.scores.copy(), pose.points.copy()
    scores[joints], points[joints] = 0, np.nan
    return replace(pose, scores=scores, points=points)


def random_stats(random: np.random.Generator) -> BodyStats:
    near, tall = random.uniform(0.6, 1.1), random.uniform(0.2, 0.9)
    depth = random.choice([0.0, random.uniform(0.01, 0.4)])
    small = tall * random.uniform(0.4, 1.0) if depth else tall
    return BodyStats(near, near - depth, tall, small, 0.33, random.uniform(0.5, 2.0))


def random_dancer(random: np.random.Generator, size: tuple[int, int]) -> Pose:
    """Somewhere in the picture, with a few unimportant joints out of sight."""
    pose = dancer(
        random.uniform(0, 9), size, random.uniform(0.2, 0.8), random.uniform(0.6, 1.1),
        random.uniform(-0.5, 0.5) * size[1] / size[0],
    )  # fmt: skip
    return hidden(pose, list(random.integers(31, 73, 6)))


def turned_over(pose: Pose) -> Pose:
    """The picture's mirror image, with the joints named anew."""
    points = pose.points[list(MIRROR)].copy()
    points[:, 0] = pose.size[1] - points[:, 0]
    return replace(pose, points=points, scores=pose.scores[list(MIRROR)])


def largest_move(poses: list[Pose], joints: list[int]) -> float:
    """Pixels between two neighbouring frames, over `joints`."""
    points = np.stack([pose.points[joints] for pose in poses])
    return float(np.abs(np.diff(points, axis=0)).max())


@given(seeds, st.booleans())
@settings(max_examples=80)
def test_equals_oracle(seed: int, mirror: bool) -> None:
    random = np.random.default_rng(seed)
    size = (int(random.integers(200, 1200)), int(random.integers(200, 1200)))
    label = (int(random.integers(64, 600)), int(random.integers(64, 600)))
    target, performer = random_stats(random), random_stats(random)
    pose = random_dancer(random, size)
    out = Normalizer(target, label, performer, mirror, refine=False).apply(pose)
    points, scores = oracle.normalize(
        pose.points, pose.scores, size, label, target, performer, mirror
    )
    np.testing.assert_array_equal(out.scores, scores)
    np.testing.assert_allclose(out.points[scores > 0], points[scores > 0], rtol=1e-5, atol=0.01)
    assert out.size == label


@given(seeds)
@settings(max_examples=60)
def test_measures_equal_oracle(seed: int) -> None:
    random = np.random.default_rng(seed)
    pose = hidden(random_dancer(random, (400, 300)), list(random.integers(0, 25, 12)))
    measures = np.empty(MEASURES)
    measure(pose.points, pose.scores, 400, 300, measures)
    toe = oracle.foot_line(pose.points, pose.scores, pose.size)
    np.testing.assert_allclose(measures[TOE], toe, rtol=1e-6)
    tall = oracle.body_height(pose.points, pose.scores, pose.size)
    np.testing.assert_allclose(measures[TOE] - measures[HEAD], tall, rtol=1e-5)


@given(seeds)
@settings(max_examples=30)
def test_a_clip_onto_itself_changes_nothing(seed: int) -> None:
    """Even where joints are missing, ankles among them."""
    random = np.random.default_rng(seed)
    size = [(512, 512), (720, 1280), (640, 360)][seed % 3]
    poses = [random_dancer(random, size) for _ in range(30)]
    stats = stats_of(poses)
    normalizer = Normalizer(stats, size, stats, refine=False)
    for number, pose in enumerate(poses):
        pose = hidden(pose, list(random.integers(0, 25, number % 8)))
        out = normalizer.apply(replace(pose, captured_s=number / 30))
        np.testing.assert_array_equal(out.scores, pose.scores)
        np.testing.assert_allclose(
            out.points[out.scores > 0], pose.points[out.scores > 0], atol=0.01
        )


def test_refining_on_the_same_clip_changes_next_to_nothing() -> None:
    """The online quantiles agree with the offline fit on the clip that both saw."""
    normalizer = Normalizer(TARGET, SIZE, TARGET)
    for number in range(3 * len(WALK)):
        pose = replace(WALK[number % len(WALK)], captured_s=number / 30)
        out = normalizer.apply(pose)
        assert np.abs(out.points - pose.points).max() < 0.01 * SIZE[0]


@given(seeds, st.floats(0.3, 4))
@settings(max_examples=30)
def test_resolution_does_not_matter(seed: int, factor: float) -> None:
    random = np.random.default_rng(seed)
    pose = random_dancer(random, (500, 500))
    size = (round(500 * factor), round(500 * factor))
    factor = size[0] / 500
    target, performer = random_stats(random), random_stats(random)
    out = Normalizer(target, (400, 400), performer).apply(pose)
    larger = replace(pose, points=pose.points * np.float32(factor), size=size)
    np.testing.assert_allclose(
        Normalizer(target, (400, 400), performer).apply(larger).points, out.points, atol=0.02
    )
    double = Normalizer(target, (800, 800), performer).apply(pose)
    np.testing.assert_allclose(double.points, out.points * 2, atol=0.02)


@given(st.floats(0.5, 1.2), seeds)
@settings(max_examples=15)
def test_scale_equivariance(zoom: float, seed: int) -> None:
    """A performer filmed larger or smaller comes out the same."""
    frames = np.random.default_rng(seed).integers(0, len(WALK), 10)
    one = Normalizer(TARGET, SIZE, TARGET, refine=False)
    zoomed = [
        replace(p, points=((p.points - [256, 0]) * zoom + [256, 0]).astype(np.float32))
        for p in WALK
    ]
    other = Normalizer(TARGET, SIZE, stats_of(zoomed), refine=False)
    for frame in frames:
        expected = one.apply(WALK[frame]).points
        np.testing.assert_allclose(other.apply(zoomed[frame]).points, expected, atol=0.05)


@given(seeds, st.booleans())
@settings(max_examples=30)
def test_mirror_equivariance(seed: int, refine: bool) -> None:
    """Mirroring in here is the same as a performer in a mirror, over a whole clip."""
    random = np.random.default_rng(seed)
    target, performer = random_stats(random), random_stats(random)
    inside = Normalizer(target, SIZE, performer, mirror=True, refine=refine)
    outside = Normalizer(target, SIZE, performer, refine=refine)
    for number in range(10):
        pose = replace(random_dancer(random, (480, 640)), captured_s=number / 30)
        one, other = inside.apply(pose), outside.apply(turned_over(pose))
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_allclose(one.points, other.points, atol=0.01)


def test_mirror_flips_and_renames() -> None:
    pose = WALK[40]
    out = Normalizer(TARGET, SIZE, TARGET, mirror=True, refine=False).apply(pose)
    right, left = INDEX["right_wrist"], INDEX["left_wrist"]
    assert out.points[right, 0] == pytest.approx(512 - pose.points[left, 0], abs=0.01)
    assert out.points[right, 1] == pytest.approx(pose.points[left, 1], abs=0.01)


@given(seeds)
@settings(max_examples=40)
def test_what_is_not_finite_never_scores(seed: int) -> None:
    random = np.random.default_rng(seed)
    normalizer = Normalizer(TARGET, SIZE, None if seed % 2 else TARGET)
    for number in range(15):
        points = random.uniform(-2000, 3000, (73, 2)).astype(np.float32)
        broken = random.uniform(size=(73, 2)) < random.uniform()
        points[broken] = random.choice([np.nan, np.inf, -np.inf, 1e38], broken.sum())
        scores = random.choice([0, 0.2, 0.9, 1, 1.5, -1, np.nan], 73).astype(np.float32)
        out = normalizer.apply(Pose(points, scores, number * 0.1, (480, 640)))
        assert np.isfinite(out.points).all()
        assert ((out.scores >= 0) & (out.scores <= 1)).all()
        assert not out.scores[~np.isfinite(points).all(1)].any()
        for value in (normalizer.performer or TARGET).to_json().values():
            assert np.isfinite(value)


def test_a_smaller_performer_fills_the_targets_place() -> None:
    """Half the size, elsewhere: feet and head come out where the target's were."""
    performance = clip(16.0, size=(720, 1280), scale=0.5)
    normalizer = Normalizer(TARGET, SIZE, stats_of(performance), refine=False)
    for small, large in zip(performance, WALK, strict=True):
        out = normalizer.apply(small)
        for joint in (INDEX["nose"], *ANKLES):
            assert np.abs(out.points[joint] - large.points[joint]).max() < 0.015 * SIZE[0]


def test_a_narrow_range_is_not_stretched() -> None:
    """Who hardly walks keeps the proportion of steps to body, at the target's near place."""
    performance = [
        dancer(number / 30, SIZE, 0.4, 0.8 + 0.01 * np.sin(number / 20)) for number in range(300)
    ]
    stats = stats_of(performance)
    normalizer = Normalizer(TARGET, SIZE, stats, refine=False)
    feet = [p.points[ANKLES, 1].max() / SIZE[0] for p in performance]
    out = [normalizer.apply(p).points[ANKLES, 1].max() / SIZE[0] for p in performance]
    assert max(out) == pytest.approx(TARGET.toe_near, abs=0.01)
    ratio = TARGET.height_near / stats.height_near
    assert np.ptp(out) == pytest.approx(np.ptp(feet) * ratio, rel=0.02)


def test_a_wide_picture_fits_into_a_square_one() -> None:
    """From edge to edge of a 16:9 picture, the hips stay in the label, in order, middle alike."""
    hips = []
    stats = BodyStats(0.95, 0.7, 0.6, 0.4, 0.33, 16 / 9)
    for aside in np.linspace(-0.88, 0.88, 41):
        pose = dancer(0.0, (720, 1280), 0.6, 0.95, aside)
        out = Normalizer(TARGET, SIZE, stats, refine=False).apply(pose)
        hips.append(float(out.points[INDEX["mid_hip"], 0]))
    assert min(hips) >= 0
    assert max(hips) <= 512
    assert (np.diff(hips) > 0).all()
    assert hips[20] == pytest.approx(256, abs=0.5)


def test_a_portrait_picture_works() -> None:
    performance = clip(16.0, size=(1920, 1080), scale=0.8)
    normalizer = Normalizer(TARGET, SIZE, stats_of(performance), refine=False)
    for tall, square in zip(performance, WALK, strict=True):
        out = normalizer.apply(tall)
        assert np.abs(out.points - square.points).max() < 0.03 * SIZE[0]


def test_hidden_ankles_are_no_jump() -> None:
    """Legs go out of sight for two seconds and come back: nothing moves faster than before."""
    plain, cut = (Normalizer(TARGET, SIZE, TARGET, refine=False) for _ in range(2))
    before = [plain.apply(pose) for pose in WALK]
    poses = [hidden(p, LEGS) if 90 <= n < 150 else p for n, p in enumerate(WALK)]
    after = [cut.apply(pose) for pose in poses]
    shown = [INDEX["nose"], INDEX["neck"], INDEX["left_wrist"], *HIPS]
    assert largest_move(after, shown) < largest_move(before, shown) + 1.5
    for one, other in zip(before, after, strict=True):
        assert np.abs(one.points[shown] - other.points[shown]).max() < 0.06 * SIZE[0]


def test_ankles_hidden_in_a_crouch_are_no_jump() -> None:
    """The torso now guesses the feet 60 pixels too low: the figure drifts, and does not leap."""
    upper = [joint for joint in range(73) if joint not in LEGS]
    walker, stander = (
        BodyStats(0.95, 0.5, 0.7, 0.4, 0.33, 1),
        BodyStats(0.9, 0.88, 0.7, 0.69, 0.33, 1),
    )
    normalizer, out = Normalizer(stander, SIZE, walker, refine=False), []
    for number in range(180):
        pose = dancer(0.0, SIZE, 0.7, 0.93)
        pose.points[upper, 1] += 2 * min(max(number - 60, 0), 30)
        pose = replace(pose, captured_s=number / 30)
        out.append(normalizer.apply(hidden(pose, LEGS) if 100 <= number < 140 else pose))
    assert largest_move(out, [INDEX["neck"], *HIPS]) < 8
    assert out[-1].points[INDEX["neck"], 1] == pytest.approx(
        out[99].points[INDEX["neck"], 1], abs=10
    )


def test_flickering_ankles_are_no_jump() -> None:
    normalizer = Normalizer(TARGET, SIZE, stats_of(clip(16.0, scale=0.7)))
    random = np.random.default_rng(5)
    poses = [hidden(p, LEGS) if random.uniform() < 0.5 else p for p in clip(16.0, scale=0.7)]
    out = [normalizer.apply(pose) for pose in poses]
    assert largest_move(out, [INDEX["nose"], *HIPS]) < 6


@pytest.mark.parametrize("unseen", [LEGS, [*LEGS, *HIPS]], ids=["waist up", "shoulders up"])
def test_half_a_person_is_placed_like_a_whole_one(unseen: list[int]) -> None:
    """Close to the camera with the legs below its edge: head and neck come to the target's."""
    normalizer = Normalizer(TARGET, SIZE)
    for number in range(150):
        out = normalizer.apply(hidden(dancer(number / 30, (480, 640), 1.6, 1.85), unseen))
    head = (TARGET.toe_near - TARGET.height_near) * SIZE[0]
    assert out.points[INDEX["nose"], 1] == pytest.approx(head, abs=0.12 * SIZE[0])
    assert out.scores[INDEX["nose"]] == 1
    assert normalizer.performer is not None


def test_without_calibration_it_starts_sensibly_and_learns() -> None:
    """The first frame already has about the target's size; later ones agree with a calibration."""
    performance = clip(64.0, size=(720, 1280), scale=0.5)
    normalizer = Normalizer(TARGET, SIZE)
    out = [normalizer.apply(pose) for pose in performance]
    first = oracle.body_height(out[0].points, out[0].scores, SIZE)
    assert first == pytest.approx(TARGET.height_near, rel=0.15)
    known = stats_of(performance)
    learnt = normalizer.performer
    assert learnt is not None
    for name, value in known.to_json().items():
        assert learnt.to_json()[name] == pytest.approx(value, abs=0.02), name
    assert largest_move(out, [INDEX["nose"], *HIPS]) < 0.02 * SIZE[0]


def test_standing_still_stays_still() -> None:
    normalizer = Normalizer(TARGET, SIZE)
    pose = dancer(0.0, (720, 1280), 0.5, 0.9, 0.2)
    out = [normalizer.apply(replace(pose, captured_s=n / 30)) for n in range(200)]
    assert largest_move(out, list(range(73))) < 1.0
    assert out[-1].points[ANKLES, 1].max() == pytest.approx(TARGET.toe_near * 512, abs=3)


def test_the_performers_statistics_are_possible_wherever_the_feet_are_first_seen() -> None:
    """One frame gives near and far alike; rounding on the way there must not exchange them."""
    for foot in np.linspace(0.3, 1.0, 200):
        normalizer = Normalizer(TARGET, SIZE)
        normalizer.apply(dancer(0.0, (720, 1280), 0.25, foot))
        assert normalizer.performer is not None  # it checks itself


def test_a_calibration_during_the_show_is_eased_into() -> None:
    """As when eight seconds of calibration end: no jump, and in the end as if it had been there."""
    small = [dancer(n / 30, SIZE, 0.35, 0.8) for n in range(600)]
    performer = stats_of(WALK)
    late, early = Normalizer(TARGET, SIZE), Normalizer(TARGET, SIZE, performer, refine=False)
    shown = [late.apply(replace(pose, captured_s=n / 30)) for n, pose in enumerate(small[:60])]
    late.use(performer)
    shown += [
        late.apply(replace(pose, captured_s=n / 30)) for n, pose in enumerate(small[60:], start=60)
    ]
    before = largest_move(shown[:60], HIPS)
    assert largest_move(shown[59:90], HIPS) < before + 6.0
    wanted, learnt = early.performer, late.performer
    assert wanted is not None and learnt is not None
    assert abs(learnt.height_near - wanted.height_near) < 0.3 * abs(0.35 - wanted.height_near)


def test_nobody_measurable_is_left_as_a_guess() -> None:
    """Only a hand in the picture: something finite, and no statistics are made up."""
    unseen = [joint for joint in range(73) if joint < 31]
    normalizer = Normalizer(TARGET, SIZE)
    out = normalizer.apply(hidden(WALK[0], unseen))
    assert np.isfinite(out.points).all()
    assert out.scores[31:].min() == 1
    assert normalizer.performer is None


def test_another_person_is_eased_into() -> None:
    """Someone twice as tall takes over: no jump of the statistics, and in ten seconds they fit."""
    normalizer = Normalizer(TARGET, SIZE)
    for pose in clip(8.0, scale=0.5):
        normalizer.apply(pose)
    before = normalizer.performer
    newcomer = [replace(pose, person=1) for pose in clip(16.0)]
    normalizer.apply(newcomer[0])
    after = normalizer.performer
    assert before is not None
    assert after is not None
    assert abs(after.height_near - before.height_near) < 0.02
    for pose in newcomer[1:]:
        normalizer.apply(pose)
    learnt = normalizer.performer
    assert learnt is not None
    assert learnt.height_near == pytest.approx(TARGET.height_near, abs=0.03)


@pytest.mark.parametrize("performer", [None, TARGET])
def test_reset_equals_fresh(performer: BodyStats | None) -> None:
    used = Normalizer(TARGET, SIZE, performer)
    for pose in clip(4.0, scale=0.6):
        used.apply(pose)
    used.reset()
    fresh = Normalizer(TARGET, SIZE, performer)
    assert used.performer == fresh.performer
    for pose in WALK[:30]:
        np.testing.assert_array_equal(used.apply(pose).points, fresh.apply(pose).points)
    assert used.performer == fresh.performer


@pytest.mark.parametrize("times_s", [[5.0, 5.0, 5.0], [5.0, 4.0, 3.0], [0.0, 100.0, 1e6]])
def test_odd_time_stamps_do_no_harm(times_s: list[float]) -> None:
    normalizer = Normalizer(TARGET, SIZE)
    for time_s in times_s:
        out = normalizer.apply(replace(WALK[0], captured_s=time_s))
        assert np.isfinite(out.points).all()
    assert out.points[ANKLES, 1].max() == pytest.approx(TARGET.toe_near * 512, abs=3)


def test_performers_statistics_can_be_saved_and_used_again() -> None:
    learner = Normalizer(TARGET, SIZE)
    for pose in clip(16.0, scale=0.7):
        learner.apply(pose)
    assert learner.performer is not None
    again = Normalizer(TARGET, SIZE, learner.performer)
    assert again.performer == learner.performer


def _fill(running: RunningStats, poses: list[Pose]) -> NDArray[np.float64]:
    stats, measures = np.array(list(TARGET.to_json().values())), np.empty(MEASURES)
    for pose in poses:
        measure(pose.points, pose.scores, *pose.size, measures)
        running.add(measures, float(measures[TOE]), 0.33, 1 / 30)
    assert running.estimate(stats)
    return stats


def test_running_statistics_forget_and_survive_their_rescaling() -> None:
    """Memory of half a second, so that a minute's weights would overflow without it."""
    running = RunningStats(memory_s=0.5)
    _fill(running, clip(60.0, scale=0.4))
    stats = _fill(running, [replace(WALK[120], captured_s=n / 30) for n in range(900)])
    assert running.weight_s == pytest.approx(0.5, rel=0.05)
    toe = oracle.foot_line(WALK[120].points, WALK[120].scores, SIZE)
    assert stats[:2] == pytest.approx([toe, toe], abs=1e-6)
    tall = oracle.body_height(WALK[120].points, WALK[120].scores, SIZE)
    assert stats[2:4] == pytest.approx([tall, tall], abs=1e-3)


def test_near_and_far_follow_the_paper() -> None:
    """far = median - the largest distance above it below half of (near - median): no jumps."""
    toes = np.array([0.5] + [0.7] * 200 + [0.66] * 50 + [0.65] * 49 + [0.8] * 100)
    near, far = near_and_far(toes)
    assert near == pytest.approx(0.8)
    assert far == pytest.approx(0.65)


def test_fit_survives_missed_detections_and_misplaced_joints() -> None:
    points, scores = arrays(WALK)
    random = np.random.default_rng(1)
    points, scores = points.copy(), scores.copy()
    missed = random.uniform(size=len(points)) < 0.4
    scores[missed], points[missed] = 0, np.nan
    points[::97, ANKLES] = np.inf
    half = random.uniform(size=len(points)) < 0.1
    scores[half, INDEX["nose"]] = np.nan
    stray = np.flatnonzero(random.uniform(size=len(points)) < 0.005)
    points[stray, INDEX["left_ankle"], 1] = 700
    fitted = fit_body_stats(points, scores, SIZE)
    for name, value in TARGET.to_json().items():
        assert fitted.to_json()[name] == pytest.approx(value, abs=0.02), name


def test_fit_of_half_a_body_uses_the_torso() -> None:
    fitted = stats_of([hidden(pose, LEGS) for pose in WALK])
    assert fitted.height_near == pytest.approx(TARGET.height_near, rel=0.15)
    assert fitted.toe_near == pytest.approx(TARGET.toe_near, abs=0.08)


@pytest.mark.parametrize("frames", [0, 3])
def test_fit_of_too_little_is_refused(frames: int) -> None:
    points, scores = arrays(WALK)
    with pytest.raises(SetupError, match=f"{frames} of {frames} frames"):
        fit_body_stats(points[:frames], scores[:frames], SIZE)


def test_a_calibration_counts_though_nothing_is_learnt() -> None:
    """Eased into; what was given at the beginning stays as it was."""
    normalizer = Normalizer(TARGET, SIZE, TARGET, refine=False)
    measured = replace(TARGET, height_near=TARGET.height_near * 0.8)
    for pose in WALK[:30]:
        normalizer.apply(pose)
    assert normalizer.performer == TARGET
    normalizer.use(measured)
    normalizer.apply(WALK[30])
    half_way = normalizer.performer
    assert half_way is not None
    assert measured.height_near < half_way.height_near < TARGET.height_near
    for pose in WALK[31:400]:
        normalizer.apply(pose)
    assert normalizer.performer is not None
    assert normalizer.performer.height_near == pytest.approx(measured.height_near, rel=0.01)


def test_another_takes_the_performer_over_and_goes_its_own_way() -> None:
    one, other = Normalizer(TARGET, SIZE), Normalizer(TARGET, SIZE)
    for pose in WALK[:200]:
        one.apply(pose)
    other.take_over(one)
    assert other.performer == one.performer
    for pose in WALK[200:230]:
        np.testing.assert_array_equal(other.apply(pose).points, one.apply(pose).points)
    kept = one.performer
    other.forget()
    other.apply(WALK[230])
    assert one.performer == kept and other.performer != kept


def test_mirror_is_obeyed_from_the_next_pose_on() -> None:
    normalizer = Normalizer(TARGET, SIZE, TARGET, refine=False)
    crossed = Normalizer(TARGET, SIZE, TARGET, mirror=True, refine=False)
    normalizer.apply(WALK[0]), crossed.apply(WALK[0])
    normalizer.mirror = True
    np.testing.assert_array_equal(normalizer.apply(WALK[1]).points, crossed.apply(WALK[1]).points)
