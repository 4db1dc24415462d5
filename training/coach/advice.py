"""What to do about it, in plain words, what helps most first. Each advice names its figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from training.coach.coverage import Covered
from training.coach.figures import Figures
from training.coach.reference import DEPTH
from training.judge import Trouble

GOOD_S = 90.0  # usable footage: a subject of 100 s is known to follow well
LEAST_S = 20.0
SOFT_HAND_PX, SOFT_HEAD_PX = 14.0, 26.0  # smaller ones come out soft
BLURRED = 0.5  # of `blur_effect`; sharp pictures of people lie near 0.3
DARK, DRIFT, BURNT = 55.0, 0.12, 0.08
_MISSING = 0.6  # of what is wanted: less of a pose is worth an advice


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to film or to change."""

    worth: float  # what helps most has most; below 100 it is one pose among others
    do: str  # what to do
    why: str  # with the figure that it stands on


def advice_from(
    figures: Figures, covered: tuple[Covered, ...], troubles: tuple[Trouble, ...]
) -> list[Advice]:
    """What helps most first."""
    found = [
        *_troubles(troubles),
        *_filming(figures),
        *_picture(figures),
        *_poses(covered, figures),
    ]
    return sorted(found, key=lambda advice: -advice.worth)


def _troubles(troubles: tuple[Trouble, ...]) -> Iterator[Advice]:
    for trouble in troubles:
        problem, _, remedy = trouble.sentence.partition("; ")
        yield Advice(1000 + trouble.share, _sentence(remedy), _sentence(problem))


def _filming(f: Figures) -> Iterator[Advice]:
    if f.seconds_usable < GOOD_S:
        missing = GOOD_S - f.seconds_usable
        yield Advice(
            900 * missing / GOOD_S if f.seconds_usable < LEAST_S else 300 * missing / GOOD_S,
            f"Film about {_time(missing)} more, with the camera, lens and light left as they are.",
            f"{_time(f.seconds_usable)} of {_time(f.seconds)} can be used; "
            f"{_time(GOOD_S)} make a subject that follows well.",
        )
    if f.seen_share < 0.8:
        yield Advice(
            400 * (1 - f.seen_share),
            "Keep the person in the picture and in good light, or cut the empty parts away.",
            f"A person was found in {f.seen_share:.0%} of the pictures.",
        )
    if f.feet_hidden_share > 0.1:
        yield Advice(
            500 * f.feet_hidden_share,
            "Step back or tilt the camera: the feet belong into the picture, and floor below them.",
            f"The feet are out of sight in {f.feet_hidden_share:.0%} of the pictures; "
            f"where the figure stands on the stage is read off them.",
        )
    if f.hands_hidden_share > 0.15:
        yield Advice(
            250 * f.hands_hidden_share,
            "Leave room at the sides and above, so that stretched arms stay in the picture.",
            f"Neither hand is in sight in {f.hands_hidden_share:.0%} of the pictures.",
        )
    if f.unseen_behind_share > 0.1:
        yield Advice(
            60 + 60 * f.unseen_behind_share,
            "Let the person leave the picture for five seconds, with the camera running.",
            f"{f.unseen_behind_share:.0%} of the background around the person was never seen; "
            f"the generator has to paint it, and it may shimmer.",
        )


def _picture(f: Figures) -> Iterator[Advice]:
    if f.blur > BLURRED:
        yield Advice(
            350 * f.blur,
            "Focus on the person and lock the focus; use a shutter of 1/250 s and more light.",
            f"The person's pictures have blur {f.blur:.2f} (0 is sharp, 1 is blurred; "
            f"{BLURRED} and less is good).",
        )
    if f.soft_share > 0.05:
        yield Advice(
            150 * f.soft_share,
            "Lock the focus and use a shorter shutter, so that fast movement stays sharp.",
            f"{f.soft_share:.0%} of the pictures are much softer than the rest and are left out.",
        )
    if f.hand_px < SOFT_HAND_PX:
        yield _small(f)
    if f.brightness < DARK:
        yield Advice(
            200,
            "Put more light on the person.",
            f"The person's brightness is {f.brightness:.0f} of 255.",
        )
    if f.burnt_share > BURNT:
        yield Advice(
            180,
            "Close the lens a little, or take light off the person.",
            f"{f.burnt_share:.0%} of the person is white without detail.",
        )
    if f.light_drift > DRIFT:
        yield Advice(
            140 * min(f.light_drift / DRIFT, 2),
            "Lock exposure and white balance, and film away from changing daylight.",
            f"The background's brightness changes by {f.light_drift:.0%} over the footage.",
        )


def _small(f: Figures) -> Advice:
    if f.hand_px < 0.9 * f.window_hand_px:
        do = "Bring the camera nearer, or film at a higher resolution."
        why = (
            f"The figure is {f.figure_px:.0f} pixels tall in the footage, its hands "
            f"{f.hand_px:.0f}; {SOFT_HAND_PX:.0f} and more come out sharp."
        )
        return Advice(260, do, why)
    do = "Prepare with a larger --size, if the machine on stage can bear it."
    why = f"Hands have {f.hand_px:.0f} pixels in the generator's window; the footage has more."
    return Advice(50, do, why)


def _poses(covered: tuple[Covered, ...], f: Figures) -> Iterator[Advice]:
    for line in covered:
        if line.share >= _MISSING:
            continue
        if line.name in ("near the camera", "far from the camera") and f.depth < DEPTH:
            continue
        yield Advice(
            10 * line.worth * (1 - line.share),
            f"Film {_time(line.wanted_s)} of {line.film}.",
            f"{line.name.capitalize()}: {_time(line.seconds)} of {_time(line.wanted_s)}"
            + _times(line.occasions),
        )
    if f.depth < DEPTH:
        yield Advice(
            70,
            "Film 10 s of walking up to the camera and away from it, feet always in the picture.",
            f"The figure's height changes by {f.depth - 1:.0%} between near and far; "
            f"from {DEPTH - 1:.0%} on, depth can be learned.",
        )


def _times(occasions: int) -> str:
    if occasions == 0:
        return "; it never occurs."
    return ", all at once." if occasions == 1 else f", {occasions} times."


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _time(seconds: float) -> str:
    if seconds >= 90:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f} s"
