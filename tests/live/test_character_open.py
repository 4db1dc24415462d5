"""A character is opened warm: nothing compiles and nothing is remembered when the show begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from live.act import Act
from live.character import unknown_joints
from live.character_open import CharacterSettings, open_character
from live.errors import SetupError
from live.frames import Pose, Sighting
from live.look import Look
from live.novelty import Novelty
from live.picture import PictureMaker
from live.skeleton import GROUPS, INDEX
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.tiny_subject import standing, write_tiny_subject

STAGE = (128, 128)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", stage=STAGE))


def test_the_guard_does_its_work_in_the_rehearsal_though_it_may_be_off(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is made of is compiled then, and not when an operator turns it on."""
    guard, eased = Novelty.guard, []

    def spied(self: Novelty, pose: Pose, strength: float, now_s: float) -> Pose:
        given = guard(self, pose, strength, now_s)
        eased.append(given is not pose)
        return given

    monkeypatch.setattr(Novelty, "guard", spied)
    open_character(subject, CharacterSettings("cpu"))
    assert any(eased)


def test_the_rehearsal_leaves_nothing_behind(subject: Subject, tmp_path: Path) -> None:
    """Two characters that were opened one after the other show the same from the first picture."""
    opened = [open_character(subject, CharacterSettings("cpu")) for _ in range(2)]
    opened[0].reset()
    makers = [PictureMaker(character, Timing()) for character in opened]
    assert opened[0].normalizer.performer is None
    for number in range(20):
        now_s = number / 30
        pose = Pose(standing(*STAGE)[0] + number, standing(*STAGE)[1], now_s, STAGE)
        one, other = (maker.make(Sighting(pose, now_s, number), now_s) for maker in makers)
        assert np.array_equal(one.image, other.image)


def test_an_engine_that_is_none_is_refused(subject: Subject) -> None:
    with pytest.raises(SetupError, match="--engine"):
        open_character(subject, CharacterSettings("steam"))


def test_joints_that_training_never_drew_are_not_drawn(subject: Subject) -> None:
    """A performer whom OpenPose follows has fingers; a net that never saw any paints smears."""
    unknown = unknown_joints(subject)
    book = subject.codebook
    assert set(unknown.tolist()) >= set(GROUPS["hands"]) and INDEX["left_wrist"] not in unknown
    assert not book.scores[:, unknown].any() and not book.neutral_scores[unknown].any()
    points, scores = standing(*STAGE)
    with_fingers, fingers = scores.copy(), [INDEX[f"left_ring_{n}"] for n in range(1, 5)]
    with_fingers[fingers] = 1
    moved = points.copy()
    moved[fingers] = points[INDEX["left_wrist"]] + np.arange(4, dtype=np.float32)[:, None] * 3
    labels = []
    for pose in (Pose(points, scores, 0.0, STAGE), Pose(moved, with_fingers, 0.0, STAGE)):
        act = Act(open_character(subject, CharacterSettings("cpu")), Timing())
        act.picture(Sighting(pose, 0.0, 0), Look(), 0.0)
        assert act.label is not None
        labels.append(act.label.image)
    assert labels[0].any() and np.array_equal(labels[0], labels[1])
