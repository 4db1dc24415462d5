"""A surface's own colour: skin, faces, hair and the patterns of cloth. Numba kernels.

Patterns are functions of the unclothed rest position, so that a stripe stays on
its place of the cloth while the person moves, and is crisp at any resolution.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.studio.figure import Figure
from training.studio.landmarks import skirt_hem
from training.studio.person import Person
from training.studio.room import linear

Floats = NDArray[np.float32]

# Rows of the palette.
P_SKIN, P_LIPS, P_IRIS, P_HAIR, P_TOP, P_TOP2 = range(6)
P_BOTTOM, P_BOTTOM2, P_LEGS, P_SHOE, P_SOLE = range(6, 11)


def palette_of(person: Person) -> NDArray[np.float32]:
    """(11, 3) float32 linear colours."""
    o = person.outfit
    rows = (
        person.skin, person.lips, person.iris, o.hair_colour, o.top_colour, o.top_accent,
        o.bottom_colour, o.bottom_accent, o.legs_colour, o.shoe_colour, o.sole_colour,
    )  # fmt: skip
    return np.stack([linear(row) for row in rows]).astype(np.float32)


def measures_of(figure: Figure) -> NDArray[np.float32]:
    """Numbers the patterns are measured from, metres; see the names in `albedo`."""
    m = figure.landmarks
    style = 0.0 if figure.person.outfit.top == "tee" else 1.0
    unit = m.crown / 1.7
    mouth = figure.attributes[figure.attributes[:, 5] > 0.5]
    return np.array(
        [m.eye[0], m.eye[1], m.eye[2], unit, style, m.waist, m.neck[1], skirt_hem(m), m.crown,
         float(mouth[:, 1].mean()) if len(mouth) else 0.0, figure.person.build.gender, m.ears[2]],
        np.float32,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _mix(out: Floats, palette: Floats, row: int, share: float) -> None:
    for c in range(3):
        out[c] += (palette[row, c] - out[c]) * share


@njit(nogil=True, cache=True)
def _step(edge: float, value: float, soft: float) -> float:
    t = min(max((value - edge) / soft + 0.5, 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(nogil=True, cache=True)
def _face(
    x: float, y: float, z: float, paint: float, m: Floats, palette: Floats, out: Floats
) -> None:
    """Lips, cheeks, brows and the shade around the eyes."""
    unit, eye_x, eye_y, eye_z = m[3], m[0], m[1], m[2]
    ax = abs(x)
    if z > eye_z - 0.03 * unit:
        cheek = np.exp(
            -((ax - 0.040 * unit) ** 2 + (y - eye_y + 0.036 * unit) ** 2) / (0.021 * unit) ** 2
        )
        out[0] *= 1 + 0.10 * cheek
        out[1] *= 1 - 0.13 * cheek
        out[2] *= 1 - 0.12 * cheek
        lid = np.exp(
            -(((ax - eye_x) / (0.021 * unit)) ** 2)
            - ((y - eye_y - 0.005 * unit) / (0.012 * unit)) ** 2
        )
        for c in range(3):
            out[c] *= 1 - (0.30 + 0.12 * m[10]) * lid
        # Brows: an arch that thins towards the temple.
        t = (ax - eye_x + 0.019 * unit) / (0.043 * unit)
        if -0.1 < t < 1.15:
            arch = eye_y + (0.0205 + 0.0055 * np.sin(min(max(t, 0.0), 1.0) * 2.3)) * unit
            thick = (0.0040 - 0.0022 * max(t, 0.0)) * unit * (1.25 - 0.35 * m[10])
            brow = (
                (1 - _step(thick, abs(y - arch), 0.0022 * unit))
                * _step(0.0, t, 0.2)
                * (1 - _step(1.0, t, 0.25))
            )
            _mix(out, palette, P_HAIR, 0.88 * brow)
    if paint > 0.02:
        _mix(out, palette, P_LIPS, min(paint * 1.2, 1.0) * 0.85)
        line = np.exp(-(((y - m[9]) / (0.0016 * unit)) ** 2))
        for c in range(3):
            out[c] *= 1 - 0.55 * line * min(paint * 2, 1.0)


@njit(nogil=True, cache=True)
def _eye(x: float, y: float, z: float, m: Floats, palette: Floats, out: Floats) -> None:
    """White, iris, pupil, from the distance to the eye's axis."""
    unit = m[3]
    r = np.sqrt((abs(x) - m[0]) ** 2 + (y - m[1]) ** 2) / unit
    for c in range(3):
        out[c] = 0.72 - 0.05 * c
    if z > m[2]:
        ring = 1 - _step(0.0066, r, 0.0012)
        _mix(out, palette, P_IRIS, ring)
        for c in range(3):
            out[c] *= 1 - 0.94 * (1 - _step(0.0030, r, 0.0010))
            out[c] *= 1 - 0.45 * ring * _step(0.0050, r, 0.002)


@njit(nogil=True, cache=True)
def albedo(
    material: int,
    x: float,
    y: float,
    z: float,
    limb: float,
    cut: float,
    paint: float,
    m: Floats,
    palette: Floats,
    out: Floats,
) -> float:
    """The surface's own colour into `out` (3,), and returns its gloss in [0, 1]."""
    unit, style = m[3], m[4]
    if material <= 1:  # SKIN, FACE
        for c in range(3):
            out[c] = palette[P_SKIN, c]
        if material == 1:
            _face(x, y, z, paint, m, palette, out)
        elif limb > 2.25:  # finger tips and knuckles are ruddier
            out[1] *= 0.93
            out[2] *= 0.92
        return 0.25
    if material == 2:
        _eye(x, y, z, m, palette, out)
        return 0.9
    if material == 3:
        for c in range(3):
            out[c] = 0.015
        return 0.0
    if material == 4:  # HAIR: strands flow from the crown
        for c in range(3):
            out[c] = palette[P_HAIR, c]
        flow = np.sin(np.arctan2(x, z - m[11]) * 46 + 6 * np.sin(y * 55)) * np.sin(
            y * 210 + x * 150
        )
        for c in range(3):
            out[c] *= 1 + 0.20 * flow
        return 0.55 - 0.3 * style
    if material == 5:  # TOP
        for c in range(3):
            out[c] = palette[P_TOP, c]
        if style == 0:  # a striped tee: stripes run around the body and the sleeves
            sleeve = limb > 0.12
            along = limb * 0.26 * unit + 0.010 * unit if sleeve else y
            band = along / (0.056 * unit)
            band -= np.floor(band)
            stripe = _step(0.0, band - 0.56, 0.06) * (1 - _step(0.0, band - 0.94, 0.06))
            stripe *= _step(0.20, limb, 0.02) if sleeve else 1 - _step(0.05, limb, 0.02)
            _mix(out, palette, P_TOP2, stripe)
            hem = 1 - _step(0.016 * unit, cut, 0.003)
            _mix(out, palette, P_TOP2, hem)
        else:  # a jacket: stitched hems, chest pocket, light piping along the opening
            seam = np.exp(-(((cut - 0.022 * unit) / (0.0028 * unit)) ** 2))
            for c in range(3):
                out[c] *= 1 - 0.35 * seam
            pipe = 1 - _step(0.007 * unit, cut, 0.003)
            _mix(out, palette, P_TOP2, 0.75 * pipe)
            px, py = x - 0.095 * unit, y - (m[5] + 0.205 * unit)
            edge = max(abs(px) - 0.045 * unit, abs(py) - 0.05 * unit)
            if z > 0:
                for c in range(3):
                    out[c] *= 1 - 0.40 * np.exp(-((edge / (0.003 * unit)) ** 2))
        weave = np.sin(x * 900) * np.sin(y * 900)
        for c in range(3):
            out[c] *= 1 + 0.03 * weave
        return 0.06
    if material == 6:  # BOTTOM
        for c in range(3):
            out[c] = palette[P_BOTTOM, c]
        if style == 0:  # a skirt with a border of two lines and dots
            line = np.exp(-(((cut - 0.030 * unit) / (0.005 * unit)) ** 2))
            line = max(line, np.exp(-(((cut - 0.075 * unit) / (0.004 * unit)) ** 2)))
            line *= 1.0 if y < m[7] + 0.10 * unit else 0.0
            _mix(out, palette, P_BOTTOM2, line)
            if y > m[5] - 0.022 * unit:  # the waistband
                _mix(out, palette, P_LEGS, 1.0)
            fold = np.sin(np.arctan2(x, z - m[11]) * 13)
            for c in range(3):
                out[c] *= 1 + 0.16 * fold * min(max((m[5] - y) / (0.30 * unit), 0.0), 1.0)
            turn = np.arctan2(x, z - m[11]) * 14 / np.pi * 2
            du, dv = (turn - np.floor(turn) - 0.5) / 28 * np.pi * 0.45, cut - 0.052 * unit
            dot = 1 - _step(0.008 * unit, np.sqrt(du * du + dv * dv), 0.004)
            _mix(out, palette, P_BOTTOM2, dot if y < m[7] + 0.10 * unit else 0.0)
        else:  # chinos: side seam, fly, pockets, turn-up
            seam = np.exp(-((z / 0.0035) ** 2)) * 0.6
            up = 1 - _step(0.038 * unit, cut, 0.003)
            _mix(out, palette, P_BOTTOM2, max(min(seam, 1.0), 0.8 * up))
            if y > m[5] - 0.050 * unit:  # the belt
                _mix(out, palette, P_SHOE, 1.0)
                if abs(x) < 0.022 * unit and z > 0:
                    for c in range(3):
                        out[c] = 0.55 - 0.12 * c
            crease = np.exp(-(((abs(x) - 0.105 * unit) / 0.006) ** 2)) * (1.0 if z > 0.02 else 0.0)
            for c in range(3):
                out[c] *= 1 + 0.10 * crease
        weave = np.sin((x + y) * 700) * 0.03
        for c in range(3):
            out[c] *= 1 + weave
        return 0.05
    if material == 7:  # LEGS: opaque tights
        for c in range(3):
            out[c] = palette[P_LEGS, c]
        return 0.12
    if material == 8:  # SHOE
        for c in range(3):
            out[c] = palette[P_SHOE, c]
        _mix(out, palette, P_SOLE, 1 - _step(0.022 * unit, y, 0.003))
        if z > 0.04 * unit:
            lace = np.sin(z * 330 / unit)
            if lace > 0.35 and y > 0.062 * unit:
                _mix(out, palette, P_SOLE, 0.5)
        collar = 1 - _step(0.010 * unit, cut, 0.004)
        _mix(out, palette, P_SOLE, 0.6 * collar)
        return 0.30
    # SHIRT under the jacket: buttons on a placket, a collar
    for c in range(3):
        out[c] = palette[P_TOP2, c]
    if z > 0:
        placket = np.exp(-(((abs(x) - 0.014 * unit) / 0.002) ** 2))
        row = y / (0.075 * unit)
        row = (row - np.floor(row) - 0.5) * 0.075 * unit
        button = 1 - _step(0.0055 * unit, np.sqrt(x * x + row * row), 0.003)
        for c in range(3):
            out[c] *= (1 - 0.25 * placket) * (1 - 0.75 * button)
    collar = 1 - _step(0.020 * unit, cut, 0.003)
    for c in range(3):
        out[c] *= 1 - 0.12 * collar
    return 0.05
