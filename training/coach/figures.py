"""The figures that advice stands on: sizes, sharpness, light, what is cut off."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from live.skeleton import INDEX
from live.window import WindowSettings
from training.assemble import Assembled
from training.coach.bodies import Bodies
from training.coach.reference import depth
from training.flags import Flag
from training.judge import share
from training.masks import person_box
from training.sharpness import person_blur

SAMPLES = 60  # frames that are looked at closely
HAND, HEAD = 0.12, 0.145
"""Of a stature: a hand from wrist to fingertip, a head from chin to crown. Winter, "Biomechanics
and Motor Control of Human Movement", figure 4.1: 0.108 and 0.130 of the body height, of which eyes
to ankles are 0.897."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the whole footage. Shares are in [0, 1]."""

    seconds: float  # of footage
    seconds_seen: float  # that show the person
    seconds_usable: float  # that training may use
    seen_share: float
    left_out_share: float  # of the frames that show the person
    figure_px: float  # the figure, eyes to ankles, in the footage's own pixels: median
    hand_px: float  # a hand's length in the pictures that are learned: the lesser of
    head_px: float  #   what was filmed and what the generator's window has
    window_hand_px: float  # what the window alone would allow
    window_head_px: float
    depth: float  # the figure's height near the camera over that far away
    blur: float  # 0 sharp to 1 blurred, the person's median
    soft_share: float  # frames much softer than the rest
    brightness: float  # the person's median, of 255
    burnt_share: float  # of the person's pixels that are white beyond detail
    light_drift: float  # of the background's brightness, 5 % to 95 %, relative
    feet_hidden_share: float  # frames without both ankles
    hands_hidden_share: float  # frames without both wrists
    unseen_share: float  # of the picture whose background was never seen
    unseen_behind_share: float  # the same, of the place where the person mostly stands
    camera_share: float  # frames in which the camera has moved
    people_share: float  # frames with a second person near
    cuts: int


def figures_of(found: Assembled, bodies: Bodies, size: tuple[int, int]) -> Figures:
    """Measure. `size` is the generator's window, (height, width) pixels."""
    usable = found.usable
    seen = max(float(bodies.seconds[found.seen].sum()), 1e-6)
    tall = bodies.stature[usable if usable.any() else found.seen]
    source = _source_scale(found)[usable if usable.any() else found.seen]
    filmed = float(np.median(tall * source))
    window = size[0] / WindowSettings().height
    low, high = depth(bodies)
    blur, brightness, burnt = _close_looks(found)
    everything = float(bodies.seconds.sum())
    return Figures(
        seconds=everything,
        seconds_seen=seen,
        seconds_usable=float(bodies.seconds[usable].sum()),
        seen_share=float(found.seen.mean()),
        left_out_share=float(found.flags.excluded[found.seen].mean()),
        figure_px=filmed,
        hand_px=HAND * min(filmed, window),
        head_px=HEAD * min(filmed, window),
        window_hand_px=HAND * window,
        window_head_px=HEAD * window,
        depth=high / max(low, 1e-6),
        blur=blur,
        soft_share=share(found.flags, Flag.BLUR, found.seen),
        brightness=brightness,
        burnt_share=burnt,
        light_drift=_drift(found),
        feet_hidden_share=_hidden(found, "ankle"),
        hands_hidden_share=_hidden(found, "wrist"),
        unseen_share=float(found.plate.unseen.mean()),
        unseen_behind_share=_unseen_behind(found),
        camera_share=share(found.flags, Flag.CAMERA, found.seen),
        people_share=share(found.flags, Flag.PEOPLE, found.seen),
        cuts=int(found.flags.has(Flag.CUT).sum()),
    )


def _source_scale(found: Assembled) -> np.ndarray:
    """(N,): pixels of the footage per pixel of the stage."""
    scales = np.array([clip.size[0] / found.stage[0] for clip in found.clips])
    return np.asarray(scales[found.video])


def samples_of(found: Assembled, count: int = SAMPLES) -> np.ndarray:
    """Numbers of usable frames, spread evenly; of seen ones where none is usable."""
    numbers = np.flatnonzero(found.usable if found.usable.any() else found.seen)
    return numbers[np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(int)]


def _close_looks(found: Assembled) -> tuple[float, float, float]:
    """Blur, brightness and burnt share of the person, medians over samples."""
    plate, looks = cv2.cvtColor(found.plate.image, cv2.COLOR_RGB2GRAY), []
    for number in samples_of(found):
        image, points, scores = found.frame(number), found.points[number], found.scores[number]
        box = person_box(points, scores, found.stage)
        if box is not None:
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            person = grey[box.top : box.bottom, box.left : box.right]
            differs = cv2.absdiff(person, plate[box.top : box.bottom, box.left : box.right]) > 25
            own = person[differs] if differs.sum() > 50 else person.ravel()
            blur = person_blur(image, points, scores)
            looks.append((blur, float(np.median(own)), float((own > 250).mean())))
    medians = np.nanmedian(np.array(looks), axis=0) if looks else np.array([0.0, 128.0, 0.0])
    return float(medians[0]), float(medians[1]), float(medians[2])


def _drift(found: Assembled) -> float:
    gain = found.traces.gain[np.isfinite(found.traces.gain) & ~found.flags.has(Flag.SETTING)]
    if not len(gain):
        return 0.0
    low, middle, high = np.quantile(gain, [0.05, 0.5, 0.95])
    return float((high - low) / max(middle, 1e-6))


def _hidden(found: Assembled, joint: str) -> float:
    """Of the frames that show the person, those without both joints in the picture."""
    numbers = [INDEX[f"{side}_{joint}"] for side in ("left", "right")]
    points, scores = found.points[:, numbers], found.scores[:, numbers]
    inside = ((points >= 0) & (points < np.array(found.stage[::-1]))).all(2) & (scores > 0.3)
    hidden = np.asarray(~inside.any(axis=1), bool)
    return float(hidden[found.seen].mean())


def _unseen_behind(found: Assembled) -> float:
    """Of the boxes around the person, the part whose background nobody ever saw."""
    shares = []
    for number in samples_of(found):
        box = person_box(found.points[number], found.scores[number], found.stage)
        if box is not None:
            shares.append(found.plate.unseen[box.top : box.bottom, box.left : box.right].mean())
    return float(np.mean(shares)) if shares else 0.0
