"""Skin, hair and clothes as layers over the base mesh.

Clothes are the base mesh's tight suit, pushed outwards along its normals. Where a garment ends is
not where a quad ends: every vertex carries its signed distance to the hem (`cut`, metres), the
rasterizer drops what lies beyond, and hems come out clean at any resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.anatomy import Anatomy
from training.studio.landmarks import Landmarks, skirt_hem
from training.studio.person import Person

Array = NDArray[np.float64]
SKIN, FACE, EYE, LASH, HAIR, TOP, BOTTOM, LEGS, SHOE, SHIRT = range(10)
"""Materials; `albedo.py` colours them."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    quads: NDArray[np.int64]  # base mesh numbers
    offset: Array  # (V,) metres along the normal, or (V, 3)
    cut: Array  # (V,) signed distance to the hem; drawn where positive
    material: int
    sheet: bool
    drape: int = 0  # rounds of smoothing before it is worn: cloth bridges hollows
    own: Array | None = None  # (N, 3) vertices of its own, that move with vertex `anchor`
    anchor: int = 0


_HAIRLINES = {  # z from the ears, height above the eyes; both in head heights
    "bun": (
        (-0.20, -0.04, 0.06, 0.12, 0.24, 0.36, 0.50),
        (-0.26, -0.12, -0.06, 0.03, 0.17, 0.31, 0.40),
    ),
    "crop": (
        (-0.16, -0.04, 0.04, 0.12, 0.22, 0.30, 0.36, 0.50),
        (-0.20, -0.10, -0.02, 0.0, 0.12, 0.29, 0.36, 0.41),
    ),
}  # fmt: skip


def _ball(centre: Array, radii: Array, anchor: int, rings: int = 10, sectors: int = 18) -> Layer:
    """An ellipsoid of hair that moves with one vertex."""
    polar = np.linspace(0.02, np.pi - 0.02, rings)
    turn = np.arange(sectors) * 2 * np.pi / sectors
    ball = np.stack([
        np.sin(polar)[:, None] * np.sin(turn), np.repeat(np.cos(polar)[:, None], sectors, 1),
        np.sin(polar)[:, None] * np.cos(turn),
    ], -1).reshape(-1, 3)  # fmt: skip
    near, along = np.meshgrid(np.arange(rings - 1), np.arange(sectors), indexing="ij")
    following = (along + 1) % sectors
    quads = np.stack([
        near * sectors + along, (near + 1) * sectors + along,
        (near + 1) * sectors + following, near * sectors + following,
    ], -1).reshape(-1, 4)  # fmt: skip
    flat = np.zeros(len(ball))
    return Layer(quads, flat, flat + 1, HAIR, False, own=centre + ball * radii, anchor=anchor)


class Wardrobe:
    """Cuts garments for one shaped body."""

    def __init__(self, anatomy: Anatomy, vertices: Array, marks: Landmarks, limb: Array) -> None:
        self.anatomy, self.vertices, self.marks, self.limb = anatomy, vertices, marks, limb
        self.unit = marks.crown / 1.7  # garments grow with the person
        self.suit = anatomy.quads["helper-tights"]
        self.everywhere = np.ones(len(vertices))

    def dress(self, person: Person) -> list[Layer]:
        """Every surface of the person, skin first."""
        outfit = person.outfit
        layers = [*self.skin(person), *self.hair(outfit.hair), self.shoes()]
        layers += self.tee() if outfit.top == "tee" else self.jacket()
        layers += self.skirt() if outfit.bottom == "skirt" else self.trousers()
        return layers

    def skin(self, person: Person) -> list[Layer]:
        """Head, arms and hands (what no garment hides), the eyes and the lashes."""
        quads, marks, limb = self.anatomy.quads, self.marks, self.limb
        bare = (limb > (0.25 if person.outfit.top == "tee" else 1.8)).astype(float)
        bare[(self.vertices[:, 1] > marks.neck[1] - 0.14 * self.unit) & (limb < 0.2)] = 1
        body = quads["body"]
        face = body[(bare[body] > 0).all(1)]
        head = (self.vertices[face, 1] > marks.head[1] - 0.06).all(1) & (limb[face] < 0.2).all(1)
        zero = np.zeros(len(self.vertices))
        layers = [
            Layer(face[~head], zero, self.everywhere, SKIN, False),
            Layer(face[head], zero, self.everywhere, FACE, False),
        ]
        for side in "lr":
            layers.append(Layer(quads[f"helper-{side}-eye"], zero, self.everywhere, EYE, False))
            for row in (1, 2):
                lash = quads[f"helper-{side}-eyelashes-{row}"]
                layers.append(Layer(lash, zero, self.everywhere, LASH, True))
        return layers

    def hair(self, style: str) -> list[Layer]:
        """The scalp from the hairline up, thickened; for "bun" also a knot behind the crown."""
        marks, points = self.marks, self.vertices
        body = self.anatomy.quads["body"]
        size = marks.crown - marks.head[1]
        x, y, z = (points - (0, marks.eye[1], marks.ears[2])).T / size
        line = np.interp(z, *_HAIRLINES[style]) - 0.7 * x**2 * np.clip((z - 0.2) / 0.15, 0, 1)
        ear = np.where(np.abs(x) > 0.2, np.hypot(y + 0.02, z + 0.0) - 0.165, 1.0)
        cut = np.minimum(y - line, ear) * size
        thick = (0.013 if style == "bun" else 0.010) * self.unit
        ramp = np.clip(cut / (0.055 if style == "bun" else 0.03), 0, 1)
        offset = thick * (1 - (1 - ramp) ** 2) + 0.001
        head = body[(points[body, 1] > marks.head[1] - 0.02).all(1) & (self.limb[body] == 0).all(1)]
        head = head[(cut[head] > 0).any(1)]
        layers = [Layer(head, offset, cut, HAIR, False)]
        if style == "bun":
            centre = np.array(
                [0, marks.crown - 0.032 * self.unit, marks.ears[2] - 0.088 * self.unit]
            )
            anchor = int(body.ravel()[np.argmax(points[body.ravel(), 1])])
            layers.append(_ball(centre, np.array([0.046, 0.043, 0.042]) * self.unit, anchor))
        return layers

    def shoes(self) -> Layer:
        """Ankle-high, with a thick sole."""
        cut = self.marks.ankle[1] + 0.012 - self.vertices[:, 1]
        offset = np.full(len(self.vertices), 0.011 * self.unit)
        return Layer(self._part(cut), offset, cut, SHOE, False)

    def tee(self) -> list[Layer]:
        """A T-shirt tucked into the skirt, sleeves to above the elbow, a round neck."""
        cut = np.minimum(self._sleeve(0.62), self._above(self.marks.waist - 0.02 * self.unit))
        cut = np.minimum(cut, self._neckline(0.074, 0.03))
        return [Layer(self._part(cut), self._loose(0.009, -0.006), cut, TOP, True, drape=6)]

    def jacket(self) -> list[Layer]:
        """A long-sleeved jacket, open in front, over a shirt."""
        hem = self._above(self.marks.hip[1] - 0.055 * self.unit)
        cut = np.minimum(self._sleeve(1.90), hem)
        cut = np.minimum(cut, self._neckline(0.068, 0.02))
        front = self.vertices[:, 2] > self.marks.neck[2] - 0.02
        width = 0.028 + 0.045 * np.clip((self.vertices[:, 1] - self.marks.waist) / 0.35, 0, 1)
        opening = np.where(front, np.abs(self.vertices[:, 0]) - width * self.unit, 1.0)
        shirt = np.minimum(self._neckline(0.056, 0.018), self._above(self.marks.hip[1] - 0.02))
        shirt = np.minimum(shirt, self._sleeve(0.3))
        return [
            Layer(self._part(shirt), self._loose(0.004, 0), shirt, SHIRT, True, drape=6),
            Layer(
                self._part(np.minimum(cut, opening)), self._loose(0.017, 0.006),
                np.minimum(cut, opening), TOP, True, drape=12,
            ),
        ]  # fmt: skip

    def trousers(self) -> list[Layer]:
        """Straight trousers, wider towards the hem."""
        cut = np.minimum(
            self.vertices[:, 1] - self.marks.ankle[1] + 0.025, self._below(self.marks.waist - 0.01)
        )
        down = np.clip(-self.limb / 2, 0, 1)
        offset = (0.008 + 0.026 * down**1.5) * self.unit
        return [Layer(self._part(cut), offset, cut, BOTTOM, True, drape=6)]

    def skirt(self) -> list[Layer]:
        """A flared skirt to above the knee, with shorts of its cloth, over opaque tights."""
        y = self.vertices[:, 1]
        # The shorts end at the same hem: where a stride presses through the skirt, like meets like.
        hem = skirt_hem(self.marks)
        shorts = np.minimum(self._below(self.marks.hip[1] + 0.03), y - hem)
        legs = np.minimum(self._below(hem + 0.01), y - self.marks.ankle[1] + 0.03)
        cut = np.minimum(y - skirt_hem(self.marks), self._below(self.marks.waist + 0.012))
        quads = self.anatomy.quads["helper-skirt"]
        quads = quads[(cut[quads] > 0).any(1)]
        down = np.clip((self.marks.hip[1] - y) / (self.marks.hip[1] - self.marks.knee[1]), 0, 1.2)
        band = np.minimum(
            self._below(self.marks.waist + 0.014 * self.unit), self._above(self.marks.hip[1])
        )
        return [
            Layer(self._part(band), np.full(len(y), 0.014 * self.unit), band, BOTTOM, True),
            Layer(self._part(legs), np.full(len(y), 0.0015), legs, LEGS, False),
            Layer(self._part(shorts), np.full(len(y), 0.0025), shorts, BOTTOM, False),
            Layer(quads, (0.013 + 0.055 * down**1.2) * self.unit, cut, BOTTOM, True, drape=2),
        ]

    def _part(self, cut: Array) -> NDArray[np.int64]:
        return self.suit[(cut[self.suit] > 0).any(1)]

    def _loose(self, base: float, belly: float) -> Array:
        """How far a top stands off: more around the waist, where cloth hangs free."""
        y = self.vertices[:, 1]
        waist = np.exp(-(((y - self.marks.waist) / (0.13 * self.unit)) ** 2)) * (self.limb == 0)
        return np.asarray((base + belly * waist) * self.unit)

    def _above(self, height: float) -> Array:
        """Distance above a hem at `height`; arms hang below it and are not cut by it."""
        return np.where(self.limb > 0.15, 1.0, self.vertices[:, 1] - height)

    def _below(self, height: float) -> Array:
        return np.where(self.limb > 0.05, -1.0, height - self.vertices[:, 1])

    def _sleeve(self, end: float) -> Array:
        """Distance to a sleeve's end at limb coordinate `end`."""
        return np.where(self.limb > 0, (end - self.limb) * 0.27 * self.unit, 1.0)

    def _neckline(self, radius: float, scoop: float) -> Array:
        """Distance outside a cone around the neck, open upwards, moved forward by `scoop`."""
        x, y, z = ((self.vertices - self.marks.neck) / self.unit).T
        return np.asarray((0.8 * (np.hypot(x, z - scoop) - radius) - 0.6 * (y - 0.02)) * self.unit)
