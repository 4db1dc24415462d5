from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.rehearsal import FRAMES_A_POSE, codebook_labels, dance, dance_labels
from live.skeleton import INDEX
from live.subject import Subject, load_subject
from tests.export.student_subject import (
    SIZE,
    lively_student,
    walking_codebook,
    write_student_subject,
)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("subject") / "bundle"
    return load_subject(write_student_subject(folder, lively_student()))


def test_the_dance_starts_neutral_and_visits_every_pose_once() -> None:
    book = walking_codebook(9)
    points, scores = dance(book, 10 * FRAMES_A_POSE)
    np.testing.assert_array_equal(points[0], book.neutral_points)
    reached = points[::FRAMES_A_POSE][1:]
    order = [
        next(n for n, pose in enumerate(book.points) if np.allclose(pose, found, atol=1e-4))
        for found in reached
    ]
    assert sorted(order) == list(range(9))
    assert points.dtype == scores.dtype == np.float32


def test_the_dance_is_smooth() -> None:
    book = walking_codebook()
    points, scores = dance(book, 300)
    seen = scores.min(0) > 0
    steps = np.linalg.norm(np.diff(points[:, seen], axis=0), axis=2).max()
    spread = np.ptp(book.points[:, seen], axis=0).max()
    # 3u^2 - 2u^3 is at most 1.5 times as fast as a straight line, and no way is longer than all.
    assert 0 < steps <= 1.5 * np.sqrt(2) * spread / FRAMES_A_POSE


def test_a_joint_that_one_pose_does_not_see_stays_and_fades() -> None:
    book = walking_codebook(1)
    wrist = INDEX["left_wrist"]
    scores, points = book.scores.copy(), book.points.copy()
    scores[:, wrist], points[:, wrist] = 0, 1e6
    points_found, scores_found = dance(replace(book, points=points, scores=scores), FRAMES_A_POSE)
    np.testing.assert_array_equal(
        points_found[:, wrist], np.repeat(book.neutral_points[wrist][None], FRAMES_A_POSE, 0)
    )
    assert (np.diff(scores_found[:, wrist]) < 0).all()


def test_labels_are_drawn_at_the_generators_size(subject: Subject) -> None:
    labels = codebook_labels(subject)
    assert len(labels) == len(subject.codebook.points) and len(codebook_labels(subject, 3)) == 3
    for label in [*labels, *dance_labels(subject, 30)]:
        assert label.shape == (*SIZE, 3) and label.dtype == np.uint8
        drawn = label.max(2) > 0
        assert 0.02 < drawn.mean() < 0.5
        assert not drawn[:, [0, -1]].any()  # the window holds the whole figure


def test_the_window_follows_a_figure_that_stands_elsewhere(subject: Subject) -> None:
    """A pose and the same pose 16 pixels aside make the same label."""
    book = subject.codebook
    aside = replace(book, points=book.points + np.array([16, 0], np.float32))
    for here, there in zip(
        codebook_labels(subject), codebook_labels(replace(subject, codebook=aside)), strict=True
    ):
        np.testing.assert_array_equal(here, there)


def test_single_poses_do_not_depend_on_those_before(subject: Subject) -> None:
    book = subject.codebook
    back = replace(book, points=book.points[::-1].copy(), scores=book.scores[::-1].copy())
    turned = codebook_labels(replace(subject, codebook=back))
    for one, other in zip(codebook_labels(subject), turned[::-1], strict=True):
        np.testing.assert_array_equal(one, other)
