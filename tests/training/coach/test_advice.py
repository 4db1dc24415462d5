from __future__ import annotations

import itertools
import re
from dataclasses import fields, replace
from typing import Any

from training.coach.advice import GOOD_S, advice_from
from training.coach.coverage import Covered
from training.coach.expect import expectations
from training.coach.figures import Figures
from training.flags import Flag
from training.judge import Trouble

GOOD = Figures(
    seconds=200, seconds_seen=200, seconds_usable=200, seen_share=1, left_out_share=0,
    figure_px=700, hand_px=23, head_px=28, window_hand_px=23, window_head_px=28, depth=1.5,
    blur=0.3, soft_share=0, brightness=120, burnt_share=0, light_drift=0.02,
    feet_hidden_share=0, hands_hidden_share=0, unseen_share=0, unseen_behind_share=0,
    camera_share=0, people_share=0, cuts=0,
)  # fmt: skip


def covered(name: str, seconds: float, worth: float = 5) -> Covered:
    return Covered(name, seconds, 4, int(seconds > 0), worth, f"some {name}", -1)


def test_good_footage_gets_no_advice() -> None:
    assert advice_from(GOOD, (covered("crouch", 4),), ()) == []
    assert list(expectations(GOOD, (covered("crouch", 4),))) in ([], [
        "Shown on one occasion only, so with one set of folds and light: crouch."
    ])  # fmt: skip


def test_every_weakness_has_its_advice_with_a_figure() -> None:
    weak: dict[str, Any] = {
        "seconds_usable": 30, "seen_share": 0.5, "feet_hidden_share": 0.4,
        "hands_hidden_share": 0.4, "unseen_behind_share": 0.5, "blur": 0.7, "soft_share": 0.2,
        "brightness": 30, "burnt_share": 0.3, "light_drift": 0.4, "hand_px": 9, "depth": 1.0,
    }  # fmt: skip
    assert set(weak) <= {field.name for field in fields(Figures)}
    for name, value in weak.items():
        (advice,) = advice_from(replace(GOOD, **{name: value}), (), ())
        assert re.search(r"\d", advice.why), advice


def test_small_hands_are_foretold() -> None:
    said = list(expectations(replace(GOOD, hand_px=9.2, figure_px=77), ()))
    assert said == ["Hands will be soft: 9 px tall, where 14 are needed."]


def test_what_helps_most_comes_first() -> None:
    trouble = Trouble(Flag.CAMERA, 0.9, "the camera moves in 90% of it; use a tripod")
    poses = (covered("crouch", 0, 3), covered("turned back", 0, 9), covered("jump", 4, 10))
    advice = advice_from(replace(GOOD, seconds_usable=GOOD_S / 2, feet_hidden_share=0.9), poses,
                         (trouble,))  # fmt: skip
    assert [a.do.split()[0] for a in advice[:3]] == ["Use", "Step", "Film"]
    assert [a.why.split(":")[0] for a in advice[-2:]] == ["Turned back", "Crouch"]
    assert all(a.worth >= b.worth for a, b in itertools.pairwise(advice))
