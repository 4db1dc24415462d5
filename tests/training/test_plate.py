from __future__ import annotations

import numpy as np

from tests.training.tiny_footage import SIZE, background, picture_at, pose_at
from training.plate import body_mask, median_plate


def test_the_plate_of_a_moving_person_is_the_background() -> None:
    numbers = range(0, 90, 3)
    masks = [body_mask(pose_at(n).points, pose_at(n).scores, SIZE) for n in numbers]
    plate = median_plate([picture_at(n) for n in numbers], masks)
    assert not plate.unseen.any()
    np.testing.assert_array_equal(plate.image, background())


def test_a_place_that_was_never_free_is_said_so() -> None:
    mask = body_mask(pose_at(0, still=True).points, pose_at(0, still=True).scores, SIZE)
    frames = [picture_at(n, still=True) for n in range(20)]
    plate = median_plate(frames, [mask] * 20)
    assert plate.unseen[mask > 0].all()
    free = mask == 0
    assert not plate.unseen[free].any()
    np.testing.assert_array_equal(plate.image[free], background()[free])
    # The person is not in the plate, not even where it is a guess.
    figure = (picture_at(0, still=True) != background()).any(axis=2)
    gap = np.abs(plate.image.astype(int) - picture_at(0, still=True))[figure]
    assert gap.mean() > 20


def test_what_hangs_on_to_a_mask_is_left_out_too() -> None:
    """A scarf beyond the joints stays in one place for most frames; the median alone keeps it."""
    masks, frames = [], []
    for n in range(12):
        frame, mask = background().copy(), np.zeros(SIZE, np.uint8)
        if n < 9:
            mask[40:80, 60:90] = 255
            frame[40:80, 60:90] = 0
        if n < 5:
            frame[60:70, 90:100] = 255  # it touches the mask
        frames.append(frame)
        masks.append(mask)
    plate = median_plate(frames, masks)
    np.testing.assert_array_equal(plate.image, background())


def test_a_change_of_light_does_not_hide_the_whole_stage() -> None:
    masks = [np.zeros(SIZE, np.uint8) for _ in range(10)]
    for mask in masks:
        mask[50:60, 50:60] = 255
    frames = [background()] * 9 + [255 - background()]
    plate = median_plate(frames, masks)
    assert plate.unseen.sum() == 100


def test_nobody_has_no_mask() -> None:
    pose = pose_at(0)
    assert not body_mask(pose.points, np.zeros_like(pose.scores), SIZE).any()
    nowhere = np.full_like(pose.points, np.nan)
    assert not body_mask(nowhere, pose.scores, SIZE).any()


def test_the_mask_covers_the_figure() -> None:
    pose = pose_at(7)
    figure = (picture_at(7) != background()).any(axis=2)
    assert (body_mask(pose.points, pose.scores, SIZE) > 0)[figure].all()
