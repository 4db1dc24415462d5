"""What can be danced: phrases of a few beats, and `compose`, which shuffles them into a dance.

Each phrase takes (composer, start in seconds) and returns how long it lasts, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.studio.choreography import ARMS_UP_NEAR, FAR, NEAR, SIDES, Choreography
from training.studio.composer import Composer


def compose(seed: int, seconds: float, fps: float) -> Choreography:
    """The dance of `seed`: a shuffled deck of phrases, danced through, shuffled again."""
    composer = Composer(seed, seconds, fps)
    now, end = 0.0, float(composer.times[-1])
    deck: list[str] = []
    while now < end:
        if not deck:
            deck = [str(name) for name in composer.rng.permutation(VOCABULARY)]
            if composer.phrases and deck[0] == composer.phrases[-1][1]:
                deck.append(deck.pop(0))
        name = deck.pop(0)
        composer.phrases.append((now, name))
        now += _PHRASES[name](composer, now)
    return composer.finish()


def _walk(c: Composer, start: float, distance: float, across: float, back: bool) -> float:
    """Walk to a place facing where one goes, or backwards, or across."""
    where = c.place
    side, ahead = across - where[1], where[0] - distance  # the camera is ahead at facing 0
    span = float(np.hypot(side, ahead))
    beats = float(np.clip(round(span / 0.42), 3, 10))
    heading = float(np.arctan2(side, ahead))
    if back:  # step backwards, still looking at the camera
        heading = float(np.clip(np.arctan2(-side, -ahead), -0.4, 0.4))
    heading = where[2] + _wrap(heading - where[2])
    c.turn(start, 1.6, heading)
    c.go(start + 0.6 * c.beat, beats, distance, across, heading)
    home = float(c.rng.uniform(-0.5, 0.5))
    c.turn(start + (beats - 0.2) * c.beat, 2.5, heading + _wrap(home - heading))
    return (beats + 2.2) * c.beat


def _wrap(angle: float) -> float:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def walk_near(c: Composer, start: float) -> float:
    return _walk(c, start, float(c.rng.uniform(NEAR, 4.3)), float(c.rng.uniform(-0.2, 0.2)), False)


def walk_far(c: Composer, start: float) -> float:
    return _walk(c, start, float(c.rng.uniform(6.2, FAR)), float(c.rng.uniform(-0.8, 0.8)), False)


def walk_back(c: Composer, start: float) -> float:
    return _walk(
        c, start, min(FAR, c.place[0] + float(c.rng.uniform(0.8, 1.6))), c.place[1] * 0.5, True
    )


def walk_across(c: Composer, start: float) -> float:
    distance = float(c.rng.uniform(5.2, 6.4))
    side = -np.sign(c.place[1] or 1) * c.rng.uniform(0.5, 0.95)
    return _walk(c, start, distance, float(side), False)


def turn_around(c: Composer, start: float) -> float:
    sense = 1 if c.rng.random() < 0.5 else -1
    for side in SIDES:
        c.set(f"{side}_spread", start, 5.6, 0.55, 1.5)
        c.set(f"{side}_elbow", start, 5.6, 0.6, 1.5)
    c.turn(start, 5.6, c.place[2] + sense * 2 * np.pi)
    return 5.8 * c.beat


def show_back(c: Composer, start: float) -> float:
    away = np.pi + float(c.rng.uniform(-0.4, 0.4))
    c.turn(start, 3, c.place[2] + _wrap(away - c.place[2]))
    now = start + 2.8 * c.beat
    hips = c.wave(now, 2)
    c.set("sway", now, 3.6, 0.09 * hips)
    c.set("roll", now, 3.6, 0.13 * hips)
    for sign, side in ((1, "left"), (-1, "right")):
        c.set(f"{side}_spread", now, 3.6, 0.8 + 0.35 * sign * hips)
        c.set(f"{side}_elbow", now, 3.6, 0.9)
        c.set(f"{side}_spin", now, 3.6, -0.5)
    c.turn(
        now + 3.2 * c.beat, 2.6, c.place[2] + _wrap(float(c.rng.uniform(-0.4, 0.4)) - c.place[2])
    )
    return 8.4 * c.beat


def _wave_hand(c: Composer, start: float, side: str) -> float:
    beats = 5.2
    c.set(f"{side}_spread", start, beats, 1.55 + 0.10 * c.wave(start, 2))
    c.set(f"{side}_spin", start, beats, -1.35)
    c.set(f"{side}_elbow", start, beats, 1.15 + 0.42 * c.wave(start, 1))
    c.set(f"{side}_pronate", start, beats, 0.1 + 0.2 * c.wave(start, 1))
    c.set(f"{side}_wrist", start, beats, 0.25 * c.wave(start, 1, -0.15))
    c.set(f"{side}_curl", start, beats, 0.12)
    sign = 1 if side == "left" else -1
    c.set("lean", start, beats, -0.07 * sign)
    c.set("cock", start, beats, 0.12 * sign)
    c.set("sway", start, beats, -0.05 * sign)
    return (beats + 0.3) * c.beat


def wave_left(c: Composer, start: float) -> float:
    return _wave_hand(c, start, "left")


def wave_right(c: Composer, start: float) -> float:
    return _wave_hand(c, start, "right")


def _make_room(c: Composer, start: float) -> float:
    """Step back before the arms go up, where the hands would leave the picture. Returns when."""
    if c.place[0] >= ARMS_UP_NEAR:
        return start
    facing = c.place[2] - _wrap(c.place[2])
    c.go(start, 3, ARMS_UP_NEAR + 0.2, c.place[1] * 0.5, facing)
    return start + 2.6 * c.beat


def arms_above(c: Composer, start: float) -> float:
    now = _make_room(c, start)
    wind = c.wave(now, 4)
    for sign, side in ((1, "left"), (-1, "right")):
        c.set(f"{side}_spread", now, 5.6, 2.65 + 0.16 * sign * wind, 1.4)
        c.set(f"{side}_raise", now, 5.6, 0.12, 1.4)
        c.set(f"{side}_elbow", now, 5.6, 0.35 + 0.2 * wind * sign)
        c.set(f"{side}_curl", now, 5.6, 0.2)
        c.set(f"{side}_wrist", now, 5.6, 0.3 * c.wave(now, 4, -0.2) * sign)
    c.set("lean", now, 5.6, 0.16 * wind)
    c.set("sway", now, 5.6, -0.07 * wind)
    c.set("nod", now, 5.6, -0.12)
    return now - start + 5.9 * c.beat


def arms_wide(c: Composer, start: float) -> float:
    """Arms stretched to both sides, a wave running through them."""
    now = _make_room(c, start)
    for sign, side in ((1, "left"), (-1, "right")):
        run = c.wave(now, 2, 0.0 if sign > 0 else 0.35)
        late = c.wave(now, 2, -0.15 if sign > 0 else 0.2)
        c.set(f"{side}_spread", now, 5, 1.45 + 0.22 * run, 1.3)
        c.set(f"{side}_elbow", now, 5, 0.32 - 0.24 * late)
        c.set(f"{side}_wrist", now, 5, -0.35 * late)
        c.set(f"{side}_curl", now, 5, 0.15)
    c.set("lean", now, 5, 0.06 * c.wave(now, 2))
    return now - start + 5.2 * c.beat


def kicks(c: Composer, start: float) -> float:
    """Alternating kicks to the front, the opposite arm coming forward."""
    first = int(c.rng.integers(2))
    for number in range(2):
        side = SIDES[(first + number) % 2]
        other = SIDES[(first + number + 1) % 2]
        now = start + (0.4 + 2.6 * number) * c.beat
        sign = 1 if side == "left" else -1
        height = float(c.rng.uniform(0.28, 0.5))
        c.set("sway", now - 0.5 * c.beat, 3.0, -0.13 * sign, 0.9)
        for name, value in (
            ("kick", 1.0),
            ("kick_forward", 0.62),
            ("kick_up", height),
            ("kick_pitch", 0.5),
        ):
            c.set(f"{side}_{name}", now, 2.1, value, 1.0)
        c.set("tilt", now, 2.1, -0.10)
        c.set("bend", now, 2.1, 0.10)
        c.set(f"{other}_raise", now, 2.3, 0.9)
        c.set(f"{other}_elbow", now, 2.3, 0.6)
        c.set(f"{side}_spread", now, 2.3, 0.6)
        c.set(f"{side}_raise", now, 2.3, -0.3)
    return 5.9 * c.beat


def side_kicks(c: Composer, start: float) -> float:
    first = int(c.rng.integers(2))
    start_kicks = _make_room(c, start)
    for number in range(2):
        side = SIDES[(first + number) % 2]
        sign = 1 if side == "left" else -1
        now = start_kicks + (0.4 + 2.8 * number) * c.beat
        c.set("sway", now - 0.5 * c.beat, 3.2, -0.14 * sign, 0.9)
        for name, value in (
            ("kick", 1.0),
            ("kick_side", 0.5),
            ("kick_up", 0.25),
            ("kick_pitch", 0.3),
        ):
            c.set(f"{side}_{name}", now, 2.2, value, 1.0)
        c.set("lean", now, 2.2, 0.16 * sign)
        c.set("roll", now, 2.2, -0.10 * sign)
        for arm in SIDES:
            c.set(f"{arm}_spread", now, 2.4, 1.15)
            c.set(f"{arm}_elbow", now, 2.4, 0.35)
    return start_kicks - start + 6.6 * c.beat


def crouch(c: Composer, start: float) -> float:
    """Down, arms forward for balance, a small bounce, and up again."""
    deep = float(c.rng.uniform(0.30, 0.46))
    c.set("stance", start - 0.6 * c.beat, 6.0, 0.16, 1.0)
    c.set("lower", start + 0.6 * c.beat, 4.2, deep + 0.03 * c.wave(start, 1), 1.5)
    c.set("tilt", start + 0.6 * c.beat, 4.2, 0.55 * deep + 0.12, 1.5)
    c.set("bend", start + 0.6 * c.beat, 4.2, 0.30, 1.5)
    c.set("nod", start + 0.6 * c.beat, 4.2, -0.30, 1.5)
    for side in SIDES:
        c.set(f"{side}_raise", start + 0.6 * c.beat, 4.2, 1.15, 1.5)
        c.set(f"{side}_elbow", start + 0.6 * c.beat, 4.2, 0.75, 1.5)
        c.set(f"{side}_spin", start + 0.6 * c.beat, 4.2, 0.5, 1.5)
    return 5.5 * c.beat


def groove(c: Composer, start: float) -> float:
    """A two-step: hips and shoulders against each other, elbows bent, fists loose."""
    beats = 5.6
    hips, bounce = c.wave(start, 2), c.wave(start, 1, 0.25)
    c.set("sway", start, beats, 0.11 * hips)
    c.set("roll", start, beats, 0.10 * hips)
    c.set("lower", start, beats, 0.055 + 0.035 * bounce)
    c.set("lean", start, beats, -0.13 * hips)
    c.set("twist", start, beats, 0.22 * c.wave(start, 2, 0.1))
    c.set("nod", start, beats, 0.10 + 0.10 * bounce)
    c.set("stance", start, beats, 0.08)
    for sign, side in ((1, "left"), (-1, "right")):
        c.set(f"{side}_raise", start, beats, 0.35 + 0.45 * sign * c.wave(start, 2, 0.15))
        c.set(f"{side}_spread", start, beats, 0.35)
        c.set(f"{side}_elbow", start, beats, 1.45 + 0.25 * bounce)
        c.set(f"{side}_spin", start, beats, 0.30)
        c.set(f"{side}_curl", start, beats, 0.95)
    return (beats + 0.2) * c.beat


def twist_it(c: Composer, start: float) -> float:
    """Chest one way, hips the other, low on bent knees."""
    beats = 5.2
    wave = c.wave(start, 2)
    c.set("lower", start, beats, 0.12)
    c.set("turn", start, beats, -0.30 * wave)
    c.set("twist", start, beats, 0.55 * wave)
    c.set("stance", start, beats, 0.06)
    for sign, side in ((1, "left"), (-1, "right")):
        c.set(f"{side}_spread", start, beats, 0.75)
        c.set(f"{side}_raise", start, beats, 0.25 - 0.25 * sign * wave)
        c.set(f"{side}_elbow", start, beats, 1.35)
        c.set(f"{side}_spin", start, beats, 0.15)
    return (beats + 0.2) * c.beat


def point(c: Composer, start: float) -> float:
    """One arm up and out, then down across: the disco point."""
    now = _make_room(c, start)
    side = SIDES[int(c.rng.integers(2))]
    other = SIDES[1 - SIDES.index(side)]
    sign = 1 if side == "left" else -1
    up = 0.5 + 0.5 * c.wave(now, 4, -0.25)
    c.set(f"{side}_spread", now, 5.4, 0.15 + 2.25 * (1 - up))
    c.set(f"{side}_raise", now, 5.4, 0.25 + 0.35 * up)
    c.set(f"{side}_swing", now, 5.4, -0.55 * up)
    c.set(f"{side}_elbow", now, 5.4, 0.12 + 0.3 * up)
    c.set(f"{side}_curl", now, 5.4, 0.35)
    c.set(f"{other}_spread", now, 5.4, 0.55)
    c.set(f"{other}_elbow", now, 5.4, 1.2)
    c.set(f"{other}_spin", now, 5.4, 0.9)
    c.set("lean", now, 5.4, 0.12 * sign * (1 - 2 * up))
    c.set("sway", now, 5.4, 0.10 * sign * (1 - 2 * up))
    c.set("twist", now, 5.4, -0.2 * sign * (1 - 2 * up))
    c.set("look", now, 5.4, 0.25 * sign * (1 - 2 * up))
    return now - start + 5.6 * c.beat


def arm_circles(c: Composer, start: float) -> float:
    """Both arms swing through big circles in front, one after the other."""
    now = _make_room(c, start)
    for sign, side in ((1, "left"), (-1, "right")):
        phase = 0.0 if sign > 0 else 0.5
        c.set(f"{side}_raise", now, 5.8, 1.35 + 1.15 * c.wave(now, 4, phase), 1.5)
        c.set(f"{side}_spread", now, 5.8, 0.42 + 0.30 * c.wave(now, 4, phase + 0.25), 1.5)
        c.set(f"{side}_elbow", now, 5.8, 0.30, 1.5)
        c.set(f"{side}_curl", now, 5.8, 0.25, 1.5)
    c.set("twist", now, 5.8, 0.22 * c.wave(now, 4))
    c.set("lower", now, 5.8, 0.05 + 0.03 * c.wave(now, 2))
    return now - start + 6.0 * c.beat


def step_touch(c: Composer, start: float) -> float:
    """Two steps to one side, two back, arms opening with each."""
    where, facing = list(c.place), c.place[2]
    sense = -1 if where[1] > 0 else 1
    c.go(start, 2.4, where[0], where[1] + 0.42 * sense, facing)
    c.go(start + 2.6 * c.beat, 2.4, where[0], where[1], facing)
    for side in SIDES:
        opening = 0.5 + 0.5 * c.wave(start, 1.3, -0.25)
        c.set(f"{side}_spread", start, 5.4, 0.35 + 0.55 * opening)
        c.set(f"{side}_raise", start, 5.4, 0.45 - 0.2 * opening)
        c.set(f"{side}_elbow", start, 5.4, 1.15 - 0.5 * opening)
    c.set("lower", start, 5.4, 0.05 + 0.03 * c.wave(start, 1.3))
    return 5.4 * c.beat


def bow(c: Composer, start: float) -> float:
    side = SIDES[int(c.rng.integers(2))]
    c.set("tilt", start, 4.2, 0.35, 1.6)
    c.set("bend", start, 4.2, 0.55, 1.6)
    c.set("nod", start, 4.2, 0.15, 1.6)
    c.set(f"{side}_raise", start, 4.4, 0.55, 1.6)
    c.set(f"{side}_elbow", start, 4.4, 1.5, 1.6)
    c.set(f"{side}_spin", start, 4.4, 0.9, 1.6)
    other = SIDES[1 - SIDES.index(side)]
    c.set(f"{other}_spread", start, 4.4, 0.9, 1.6)
    c.set(f"{other}_raise", start, 4.4, -0.25, 1.6)
    return 4.6 * c.beat


_PHRASES: dict[str, Callable[[Composer, float], float]] = {
    function.__name__: function
    for function in (
        walk_near, walk_far, walk_back, walk_across, turn_around, show_back, wave_left, wave_right,
        arms_above, arms_wide, kicks, side_kicks, crouch, groove, twist_it, point, arm_circles,
        step_touch, bow,
    )
}  # fmt: skip
VOCABULARY = tuple(sorted(_PHRASES))
