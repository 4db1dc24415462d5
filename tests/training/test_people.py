"""Real people: everybody is found, with masks, and nobody twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.frames import Frame
from live.skeleton import INDEX
from training.footage import open_clip, read_clip
from training.framing import Framing, stage_width
from training.judge import people_between
from training.people import BlazePoseCrowd, open_blazepose_crowd
from training.plate import body_mask, people_mask
from training.shards import count_near


@pytest.fixture(scope="module")
def crowd() -> Iterator[BlazePoseCrowd]:
    opened = open_blazepose_crowd()
    yield opened
    opened.close()


def some_frames(path: Path) -> tuple[list[Frame], Framing]:
    clip = open_clip(path)
    framing = Framing(clip.size, (512, stage_width(512, clip.size)))
    return list(read_clip(clip, skip=10, step=20)), framing


def test_a_person_alone_is_found_once_with_a_mask_that_fits(
    crowd: BlazePoseCrowd, one_person_clips: list[Path]
) -> None:
    frames, framing = some_frames(one_person_clips[2])
    for frame in frames:
        people = crowd.look(frame, framing)
        subject = people[0]
        assert count_near(subject.points, subject.scores, people, framing.target) == 0
        assert subject.mask is not None
        x, y = subject.points[INDEX["neck"]].astype(int)
        assert subject.mask[y, x] == 255 and 0.01 < (subject.mask > 0).mean() < 0.15
        mask = people_mask(subject.points, subject.scores, framing.target, subject.mask)
        wide = body_mask(subject.points, subject.scores, framing.target)
        assert (mask[subject.mask > 0] == 255).all() and (mask > 0).sum() < (wide > 0).sum()


def test_two_people_are_both_found(crowd: BlazePoseCrowd, two_people_clip: Path) -> None:
    frames, framing = some_frames(two_people_clip)
    counts = []
    for frame in frames:
        people = crowd.look(frame, framing)
        subject = people[0]
        counts.append(count_near(subject.points, subject.scores, people, framing.target))
    assert np.mean(np.array(counts) >= 1) >= 0.75


def test_of_three_looks_two_must_agree() -> None:
    near = np.array([0, -1, 1, 0, 0, -1, -1, 1, -1, 1, 0, 0], np.int8)
    assert list(np.flatnonzero(people_between(near))) == [6, 7, 8, 9]
    assert not people_between(np.full(5, -1, np.int8)).any()
