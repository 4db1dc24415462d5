"""The canonical skeleton: joints, limbs, colours, and the one function that draws it.

Order is OpenPose's BODY_25 (Cao et al., TPAMI 2021), then two optional groups: `face` (eye and
mouth corners) and `hands` (OpenPose's 21 points a hand, left then right). A pose backend fills
what it has; the rest has score 0. 'Left' and 'right' are the person's own.

Training draws its labels with `draw`, and so does the stage: the two cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from live.strokes import draw_strokes

BODY_25 = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
    "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
FACE = (
    "right_eye_outer", "right_eye_inner", "left_eye_inner", "left_eye_outer",
    "right_mouth", "left_mouth",
)  # fmt: skip
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND = ("hand_wrist", *(f"{finger}_{joint}" for finger in _FINGERS for joint in range(1, 5)))
HANDS = tuple(f"{side}_{name}" for side in ("left", "right") for name in HAND)

JOINTS = BODY_25 + FACE + HANDS
INDEX = {name: index for index, name in enumerate(JOINTS)}
GROUPS = {
    "body": tuple(range(25)),
    "face": tuple(range(25, 31)),
    "hands": tuple(range(31, 73)),
}
"""Joint numbers by group; a bundle names the groups it was trained with."""


@dataclass(frozen=True, slots=True)
class Limb:
    """One stroke of the stick figure."""

    start: int
    end: int
    colour: tuple[int, int, int]  # RGB
    width: float  # of `LabelStyle.limb_width`


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """How a label is drawn. Stored in the bundle: a generator knows the style it was trained on."""

    limb_width: float = 0.016  # stroke, fraction of the label's height
    groups: tuple[str, ...] = ("body", "face", "hands")
    score_hidden: float = 0.1  # a limb whose weaker joint scores this or less is not drawn
    score_full: float = 0.5  # from here on it is drawn at full strength; linear between

    def __post_init__(self) -> None:
        unknown = set(self.groups) - set(GROUPS)
        if unknown:
            raise ValueError(f"unknown joint groups {sorted(unknown)}; known: {sorted(GROUPS)}")
        if not 0 < self.limb_width < 1:
            raise ValueError(f"limb_width is {self.limb_width}; it is a fraction of the height")
        if not 0 <= self.score_hidden < self.score_full <= 1:
            raise ValueError(
                f"0 <= score_hidden < score_full <= 1 is broken by "
                f"{self.score_hidden} and {self.score_full}"
            )


def _limbs() -> tuple[Limb, ...]:
    """Every stroke, back to front. The person's left is cold, right is warm, the middle neutral."""

    def limb(start: str, end: str, colour: tuple[int, int, int], width: float = 1.0) -> Limb:
        return Limb(INDEX[start], INDEX[end], colour, width)

    shades = {
        "left": {
            "foot": (0, 90, 200), "shin": (0, 130, 255), "thigh": (0, 190, 255),
            "hip": (60, 120, 255), "shoulder": (0, 230, 190), "upper_arm": (0, 255, 130),
            "forearm": (90, 255, 60), "head": (110, 160, 255), "palm": (0, 170, 120),
        },
        "right": {
            "foot": (190, 0, 60), "shin": (255, 0, 60), "thigh": (255, 60, 0),
            "hip": (255, 90, 90), "shoulder": (255, 130, 0), "upper_arm": (255, 180, 0),
            "forearm": (255, 240, 0), "head": (255, 140, 170), "palm": (200, 130, 0),
        },
    }  # fmt: skip
    strokes: list[Limb] = []
    for side in ("left", "right"):
        shade = shades[side]
        strokes += [
            limb(f"{side}_ankle", f"{side}_heel", shade["foot"], 0.7),
            limb(f"{side}_heel", f"{side}_big_toe", shade["foot"], 0.7),
            limb(f"{side}_ankle", f"{side}_big_toe", shade["foot"], 0.7),
            limb(f"{side}_big_toe", f"{side}_small_toe", shade["foot"], 0.5),
            limb(f"{side}_knee", f"{side}_ankle", shade["shin"]),
            limb(f"{side}_hip", f"{side}_knee", shade["thigh"]),
            limb("mid_hip", f"{side}_hip", shade["hip"]),
        ]
    strokes.append(limb("neck", "mid_hip", (190, 90, 255)))
    for side in ("left", "right"):
        strokes.append(limb("neck", f"{side}_shoulder", shades[side]["shoulder"]))
    strokes.append(limb("neck", "nose", (230, 230, 230)))
    for side in ("left", "right"):
        shade = shades[side]
        strokes += [
            limb("nose", f"{side}_eye", shade["head"], 0.6),
            limb(f"{side}_eye", f"{side}_ear", shade["head"], 0.6),
            limb(f"{side}_eye_inner", f"{side}_eye_outer", shade["forearm"], 0.4),
        ]
    strokes.append(limb("right_mouth", "left_mouth", (255, 255, 255), 0.4))
    for side in ("left", "right"):
        shade = shades[side]
        strokes += [
            limb(f"{side}_shoulder", f"{side}_elbow", shade["upper_arm"]),
            limb(f"{side}_elbow", f"{side}_wrist", shade["forearm"]),
            # The palm's outline: BlazePose gives these three knuckles and no more of the hand.
            limb(f"{side}_wrist", f"{side}_thumb_3", shade["palm"], 0.5),
            limb(f"{side}_wrist", f"{side}_pinky_1", shade["palm"], 0.5),
            limb(f"{side}_wrist", f"{side}_index_1", shade["forearm"], 0.5),
            limb(f"{side}_index_1", f"{side}_pinky_1", shade["upper_arm"], 0.5),
        ]
        for finger in _FINGERS:
            for joint in range(1, 4):
                start, end = f"{side}_{finger}_{joint}", f"{side}_{finger}_{joint + 1}"
                strokes.append(limb(start, end, shade["forearm"], 0.35))
    return tuple(strokes)


LIMBS = _limbs()


def _mirror() -> tuple[int, ...]:
    def other(name: str) -> str:
        if name.startswith("left_"):
            return "right_" + name[5:]
        return "left_" + name[6:] if name.startswith("right_") else name

    return tuple(INDEX[other(name)] for name in JOINTS)


MIRROR = _mirror()
"""`points[MIRROR]` exchanges the person's left and right."""


def limbs_of(groups: tuple[str, ...]) -> tuple[Limb, ...]:
    """The strokes whose two joints both belong to `groups`."""
    shown = {joint for group in groups for joint in GROUPS[group]}
    return tuple(limb for limb in LIMBS if limb.start in shown and limb.end in shown)


class Drawer:
    """Draws labels of one size and style; keeps the tables that the kernel needs."""

    def __init__(self, size: tuple[int, int], style: LabelStyle) -> None:
        """`size` is the label's (height, width) in pixels."""
        self.size = size
        self.style = style
        limbs = limbs_of(style.groups)
        self._ends = np.array([(limb.start, limb.end) for limb in limbs], np.int64)
        self._colours = np.array([limb.colour for limb in limbs], np.float32)
        radius_px = style.limb_width * size[0] / 2
        self._radii_px = np.array([limb.width * radius_px for limb in limbs], np.float32)

    def draw(self, points: NDArray[np.float32], scores: NDArray[np.float32]) -> Image:
        """The stick figure on black.

        points: (J, 2) float32, pixels of the label; scores: (J,) float32 in [0, 1]. A limb with a
        joint that is not finite or scores too low is left out. Returns RGB uint8 (h, w, 3).
        Equal input gives equal bytes.
        """
        canvas = np.zeros((*self.size, 3), np.uint8)
        draw_strokes(
            canvas, points, scores, self._ends, self._colours, self._radii_px,
            self.style.score_hidden, self.style.score_full,
        )  # fmt: skip
        return canvas


def draw(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    style: LabelStyle | None = None,
) -> Image:
    """Draw one label; see `Drawer.draw`. For many of one size, keep a `Drawer`."""
    return Drawer(size, style or LabelStyle()).draw(points, scores)
