"""Numba kernels: skinning, normals, z-buffer. All release the GIL and are deterministic."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

FAR = np.float32(1e30)


@njit(nogil=True, cache=True)
def skin(
    rest: Floats, bones: Ints, weights: Floats, turns: Floats, moves: Floats, out: Floats
) -> None:
    """Linear blend skinning: out[n] = sum_k w (turns[b] rest[n] + moves[b]), all float32.

    rest, out: (N, 3); bones, weights: (N, K); turns: (B, 3, 3); moves: (B, 3).
    """
    for n in range(rest.shape[0]):
        x, y, z = rest[n, 0], rest[n, 1], rest[n, 2]
        for axis in range(3):
            total = np.float32(0)
            for k in range(bones.shape[1]):
                weight = weights[n, k]
                if weight > 0:
                    bone = bones[n, k]
                    total += weight * (
                        turns[bone, axis, 0] * x + turns[bone, axis, 1] * y
                        + turns[bone, axis, 2] * z + moves[bone, axis]
                    )  # fmt: skip
            out[n, axis] = total


@njit(nogil=True, cache=True)
def normals_of(points: Floats, triangles: Ints, out: Floats) -> None:
    """Area-weighted unit vertex normals, (N, 3) float32 into `out`."""
    out[:] = 0
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ux, uy, uz = (
            points[b, 0] - points[a, 0],
            points[b, 1] - points[a, 1],
            points[b, 2] - points[a, 2],
        )
        vx, vy, vz = (
            points[c, 0] - points[a, 0],
            points[c, 1] - points[a, 1],
            points[c, 2] - points[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            n = triangles[f, corner]
            out[n, 0] += nx
            out[n, 1] += ny
            out[n, 2] += nz
    for n in range(out.shape[0]):
        length = np.sqrt(out[n, 0] ** 2 + out[n, 1] ** 2 + out[n, 2] ** 2) + np.float32(1e-20)
        for axis in range(3):
            out[n, axis] /= length


@njit(nogil=True, cache=True)
def fill(
    screen: Floats,
    triangles: Ints,
    sheets: Flags,
    cut: Floats,
    depth: Floats,
    faces: Ints,
    first: Floats,
    second: Floats,
) -> None:
    """Z-buffer with attribute coordinates kept per pixel.

    screen: (N, 3) float32: x, y in pixels (a pixel's centre is at +0.5) and distance > 0.
    sheets: (F,) bool, triangles seen from both sides; the others only counter-clockwise in space.
    cut: (N,) float32; a pixel whose interpolated value is negative is not there.
    depth (H, W) float32 must hold FAR and faces (H, W) int32 -1; first and second (H, W) float32
    receive the weights of a triangle's second and third corner.
    """
    height, width = depth.shape
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0],
            screen[a, 1],
            screen[b, 0],
            screen[b, 1],
            screen[c, 0],
            screen[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0 or (area > 0 and not sheets[f]):
            continue
        if cut[a] < 0 and cut[b] < 0 and cut[c] < 0:
            continue
        left = max(int(np.ceil(min(ax, bx, cx) - np.float32(0.5))), 0)
        right = min(int(np.floor(max(ax, bx, cx) - np.float32(0.5))), width - 1)
        top = max(int(np.ceil(min(ay, by, cy) - np.float32(0.5))), 0)
        bottom = min(int(np.floor(max(ay, by, cy) - np.float32(0.5))), height - 1)
        scale = np.float32(1) / area
        za, zb, zc = screen[a, 2], screen[b, 2] - screen[a, 2], screen[c, 2] - screen[a, 2]
        ka, kb, kc = cut[a], cut[b] - cut[a], cut[c] - cut[a]
        step_v, step_w = (cy - ay) * scale, (ay - by) * scale
        for y in range(top, bottom + 1):
            py = y + np.float32(0.5) - ay
            px = left + np.float32(0.5) - ax
            v = (px * (cy - ay) - (cx - ax) * py) * scale
            w = ((bx - ax) * py - px * (by - ay)) * scale
            for x in range(left, right + 1):
                if v >= 0 and w >= 0 and v + w <= 1:
                    z = za + v * zb + w * zc
                    if z < depth[y, x] and ka + v * kb + w * kc >= 0:
                        depth[y, x] = z
                        faces[y, x] = f
                        first[y, x] = v
                        second[y, x] = w
                v += step_v
                w += step_w


@njit(nogil=True, cache=True)
def shadow_map(
    floor: Floats, heights: Floats, triangles: Ints, lowest: Floats, highest: Floats
) -> None:
    """Heights of what the key light meets above each floor cell.

    floor: (N, 2) float32, cells; heights: (N,) metres. lowest must hold FAR, highest -1.
    """
    rows, columns = lowest.shape
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = (
            floor[a, 0],
            floor[a, 1],
            floor[b, 0],
            floor[b, 1],
            floor[c, 0],
            floor[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0:
            continue
        left, right = max(int(np.ceil(min(ax, bx, cx))), 0), min(int(max(ax, bx, cx)), columns - 1)
        top, bottom = max(int(np.ceil(min(ay, by, cy))), 0), min(int(max(ay, by, cy)), rows - 1)
        scale = np.float32(1) / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                px, py = x - ax, y - ay
                v = (px * (cy - ay) - (cx - ax) * py) * scale
                w = ((bx - ax) * py - px * (by - ay)) * scale
                if v >= 0 and w >= 0 and v + w <= 1:
                    h = heights[a] + v * (heights[b] - heights[a]) + w * (heights[c] - heights[a])
                    lowest[y, x] = min(lowest[y, x], h)
                    highest[y, x] = max(highest[y, x], h)
