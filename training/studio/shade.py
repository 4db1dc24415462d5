"""How light falls on the person: key, fill, rim and sky, shadowed by the shadow map. A kernel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.studio.albedo import albedo

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]

KEY = np.array([0.42, 0.80, 0.43]) / np.linalg.norm([0.42, 0.80, 0.43])
"""Towards the key light: a large window high on the picture's right, in front."""


@njit(nogil=True, cache=True)
def shade(
    faces: Ints,
    first: Floats,
    second: Floats,
    triangles: Ints,
    materials: Bytes,
    attributes: Floats,
    points: Floats,
    normals: Floats,
    eye: Doubles,
    key: Doubles,
    m: Floats,
    palette: Floats,
    highest: Floats,
    floor_origin: Doubles,
    cells: float,
    colour: Floats,
) -> None:
    """Linear colour of every covered pixel into `colour` (H, W, 3) float32.

    eye (3,) and points in metres; highest is the shadow map: the greatest height that the key
    light meets above each floor cell, `cells` a metre from `floor_origin` (x, z).
    """
    height, width = faces.shape
    out = np.empty(3, np.float32)
    for row in range(height):
        for column in range(width):
            f = faces[row, column]
            if f < 0:
                continue
            a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            v, w = first[row, column], second[row, column]
            u = 1 - v - w
            px = u * points[a, 0] + v * points[b, 0] + w * points[c, 0]
            py = u * points[a, 1] + v * points[b, 1] + w * points[c, 1]
            pz = u * points[a, 2] + v * points[b, 2] + w * points[c, 2]
            nx = u * normals[a, 0] + v * normals[b, 0] + w * normals[c, 0]
            ny = u * normals[a, 1] + v * normals[b, 1] + w * normals[c, 1]
            nz = u * normals[a, 2] + v * normals[b, 2] + w * normals[c, 2]
            size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
            nx, ny, nz = nx * size, ny * size, nz * size
            ex, ey, ez = eye[0] - px, eye[1] - py, eye[2] - pz
            size = 1 / np.sqrt(ex * ex + ey * ey + ez * ez)
            ex, ey, ez = ex * size, ey * size, ez * size
            facing = nx * ex + ny * ey + nz * ez
            material = materials[f]
            inside = False
            if facing < 0:
                # The inner side of cloth; a rounding at a silhouette elsewhere.
                inside = facing < -0.15 and (material == 5 or material == 6 or material == 9)
                nx, ny, nz, facing = -nx, -ny, -nz, -facing
            gloss = albedo(
                material,
                u * attributes[a, 0] + v * attributes[b, 0] + w * attributes[c, 0],
                u * attributes[a, 1] + v * attributes[b, 1] + w * attributes[c, 1],
                u * attributes[a, 2] + v * attributes[b, 2] + w * attributes[c, 2],
                u * attributes[a, 3] + v * attributes[b, 3] + w * attributes[c, 3],
                u * attributes[a, 4] + v * attributes[b, 4] + w * attributes[c, 4],
                u * attributes[a, 5] + v * attributes[b, 5] + w * attributes[c, 5],
                m, palette, out,
            )  # fmt: skip
            lit = _lit(
                px + nx * 0.012, py + ny * 0.012, pz + nz * 0.012, key, highest, floor_origin, cells
            )
            straight = nx * key[0] + ny * key[1] + nz * key[2]
            soft = 0.30 if material <= 1 else 0.12  # skin lets light through around the edge
            diffuse = max((straight + soft) / (1 + soft), 0.0)
            sky = 0.5 + 0.5 * ny
            near_floor = 1 - 0.40 * np.exp(-py / 0.16) * (1 - 0.5 * max(ny, 0.0))
            fill = max(-0.75 * nx + 0.25 * ny + 0.61 * nz, 0.0)
            rim = (1 - facing) ** 3 * max(0.55 * nx + 0.55 * ny - 0.63 * nz + 0.25, 0.0)
            hx, hy, hz = key[0] + ex, key[1] + ey, key[2] + ez
            size = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
            half = max((nx * hx + ny * hy + nz * hz) * size, 0.0)
            power = 90.0 if material == 2 else (14.0 if material <= 1 else 26.0)
            shine = gloss * half**power * lit * 0.30
            if material == 2:
                shine = 1.6 * half**90.0
            dim = 0.35 if inside else 1.0
            for k in range(3):
                warm = 1.08 - 0.08 * k
                cool = 0.92 + 0.07 * k
                bleed = 1.0
                if material <= 1:  # the terminator of skin turns warm
                    bleed = 1 + (0.16 - 0.13 * k) * np.exp(-(((straight - 0.05) / 0.28) ** 2))
                light = 1.25 * warm * diffuse * (0.10 + 0.90 * lit) * bleed
                light += near_floor * (0.20 * cool * (0.35 + 0.65 * sky) + 0.09 * (1 - sky) * warm)
                light += 0.22 * fill * cool * near_floor
                colour[row, column, k] = dim * (
                    out[k] * light + (0.02 + 0.25 * out[k]) * rim * 1.6 + shine * warm
                )


@njit(nogil=True, cache=True)
def _lit(
    x: float, y: float, z: float, key: Doubles, highest: Floats, origin: Doubles, cells: float
) -> float:
    """Share of the key light that reaches a point: nine taps around its floor cell."""
    rows, columns = highest.shape
    fx = (x - key[0] * y / key[1] - origin[0]) * cells
    fz = (z - key[2] * y / key[1] - origin[1]) * cells
    total = 0.0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            i, j = int(fz + dy * 1.3 + 0.5), int(fx + dx * 1.3 + 0.5)
            if 0 <= i < rows and 0 <= j < columns:
                gap = highest[i, j] - y
                total += 1 - min(max((gap - 0.012) / 0.03, 0.0), 1.0)
            else:
                total += 1
    return total / 9
