from __future__ import annotations

import numpy as np

from live.skeleton import JOINTS
from tests.training.tiny_footage import SIZE, background, picture_at, pose_at
from training.masks import HEAD_WEIGHT, Masks, hand_boxes, head_box, make_masks, person_box

NOTHING_UNSEEN = np.zeros(SIZE, np.float32)


def masks_at(number: int, unseen: np.ndarray = NOTHING_UNSEEN) -> Masks:
    pose = pose_at(number)
    return make_masks(picture_at(number), background(), unseen, pose.points, pose.scores)


def test_the_figure_is_solid_and_the_rest_clear() -> None:
    masks = masks_at(10)
    figure = (np.abs(picture_at(10).astype(int) - background()).max(axis=2)) > 40
    assert masks.solid[figure].all()
    assert not masks.clear[figure].any()
    far = np.ones(SIZE, bool)
    box = person_box(pose_at(10).points, pose_at(10).scores, SIZE)
    assert box is not None
    far[box.top : box.bottom, box.left : box.right] = False
    assert masks.clear[far].all() and not masks.solid[far].any()
    assert not (masks.solid * masks.clear).any()


def test_head_counts_more_than_body_and_body_more_than_background() -> None:
    pose = pose_at(10)
    masks = masks_at(10)
    head = head_box(pose.points, pose.scores, SIZE)
    assert head is not None
    nose = pose.points[0].astype(int)
    assert masks.weight[nose[1], nose[0]] == HEAD_WEIGHT
    hip = pose.points[8].astype(int)
    assert masks.weight[0, 0] < masks.weight[hip[1], hip[0]] < HEAD_WEIGHT


def test_where_the_background_is_a_guess_the_layer_must_paint() -> None:
    unseen = NOTHING_UNSEEN.copy()
    unseen[:20, :20] = 1
    masks = masks_at(10, unseen)
    assert masks.solid[:20, :20].all() and not masks.clear[:20, :20].any()


def test_nobody_has_no_boxes_and_an_all_clear_picture() -> None:
    points, scores = np.zeros((len(JOINTS), 2), np.float32), np.zeros(len(JOINTS), np.float32)
    assert person_box(points, scores, SIZE) is None
    assert head_box(points, scores, SIZE) is None
    assert hand_boxes(points, scores, SIZE) == []
    masks = make_masks(background(), background(), NOTHING_UNSEEN, points, scores)
    assert masks.clear.all() and not masks.solid.any()


def test_boxes_stay_inside_the_picture() -> None:
    pose = pose_at(10)
    for shift in (-500, -60, 60, 500):
        for box in (
            person_box(pose.points + shift, pose.scores, SIZE),
            head_box(pose.points + shift, pose.scores, SIZE),
            *hand_boxes(pose.points + shift, pose.scores, SIZE),
        ):
            if box:
                assert 0 <= box.left < box.right <= SIZE[1]
                assert 0 <= box.top < box.bottom <= SIZE[0]
