"""The run in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.contest import NEAREST, PREVIOUS
from training.report.worst import Worst
from training.sheet import Row

GOOD, SOME, BAD = "good", "some", "bad"
CLEARLY_DB = 3.0  # over the nearest training frame: so much is seen at a glance
POSE_PERCENT = 2.0  # of the body's height: a hand's width


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, and how it is painted."""

    words: str
    paint: str


def headline(rows: Sequence[Row], name: str, worst: Sequence[Worst]) -> list[Sentence]:
    """The most important first; `name` is whose run it is."""
    region = "person" if any(row.region == "person" for row in rows) else "picture"
    by_name = {row.name: row for row in rows if row.region == region}
    hero = by_name[name]
    found = [
        _against_nearest(hero, by_name.get(NEAREST), region),
        _against_previous(hero, by_name.get(PREVIOUS)),
        _pose(hero),
        _steadiness(hero),
    ]
    if worst:
        found.append(Sentence(f"The worst frame: {worst[0].words}.", ""))
    return [sentence for sentence in found if sentence is not None]


def _against_nearest(hero: Row, rival: Row | None, region: str) -> Sentence | None:
    if rival is None:
        return None
    gain = hero.psnr_db - rival.psnr_db
    where = "on the person" if region == "person" else "on the whole picture"
    if gain <= 0:
        words = f"{hero.name} has {-gain:.1f} dB less {where} than the nearest training frame"
        return Sentence(f"{words}: it has not learned yet.", BAD)
    words = f"{hero.name} beats the nearest training frame by {gain:.1f} dB {where}"
    return Sentence(f"{words} ({hero.psnr_db:.1f} dB).", GOOD if gain >= CLEARLY_DB else SOME)


def _against_previous(hero: Row, rival: Row | None) -> Sentence | None:
    if rival is None:
        return None
    closer = hero.perceptual < rival.perceptual
    if closer:
        words = "To the eye it is closer to the real picture than the real one before it"
    else:
        words = "To the eye the real picture before is closer to the real one than what is painted"
    figures = f"perceptual distance {hero.perceptual:.2f}, of the one before {rival.perceptual:.2f}"
    return Sentence(f"{words} ({figures}).", GOOD if closer else SOME)


def _pose(hero: Row) -> Sentence | None:
    if hero.missed is None:
        return None
    if hero.pose_error is None:
        return Sentence("Nobody can be found in its pictures.", BAD)
    lost = f"in {hero.missed:.1%} of the pictures nobody is found"
    if not hero.missed:
        lost = "the person is found in every picture"
    fine = hero.pose_error <= POSE_PERCENT and hero.missed <= 0.02
    words = f"The limbs are {hero.pose_error:.1f} % of the body's height off; {lost}."
    return Sentence(words, GOOD if fine else SOME if hero.missed < 0.2 else BAD)


def _steadiness(hero: Row) -> Sentence | None:
    ratio = hero.warp_over_real
    if ratio is None:
        return None
    words = f"From frame to frame, along the real motion, its pictures change {ratio:.2f} times"
    end = "as much as real ones" + (": it may be too still" if ratio < 0.7 else "")
    return Sentence(f"{words} {end}.", GOOD if 0.7 <= ratio <= 1.3 else SOME)
