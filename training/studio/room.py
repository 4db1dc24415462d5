"""The empty room: a plastered wall with panelling, a board floor with a soft shine, window light.

Computed once per clip, ray by ray, in linear light. The person's shadow and reflection are laid on
it later; away from them a frame is this picture to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.camera import Camera
from training.studio.person import Colour

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoomStyle:
    """A set. Colours are sRGB."""

    wall: Colour
    panel: Colour
    floor: Colour
    camera: Camera
    wall_m: float  # distance of the back wall
    board_m: float  # width of a floor board
    window_x_m: float  # where the window's light falls on the wall


ROOMS = {
    "target": RoomStyle(
        (0.78, 0.72, 0.63), (0.55, 0.60, 0.57), (0.60, 0.42, 0.27),
        Camera(1.12, 0.335, 0.13), 7.4, 0.16, -1.0,
    ),
    "performer": RoomStyle(
        (0.52, 0.60, 0.66), (0.44, 0.50, 0.56), (0.46, 0.38, 0.32),
        Camera(1.42, 0.352, 0.21), 8.6, 0.23, 1.3,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """The plate and what composing needs to know of every pixel."""

    plate: NDArray[np.float32]  # (H, W, 3) linear light
    floor: NDArray[np.float32]  # (H, W, 2) x and z of the floor there, metres; NaN on the wall
    style: RoomStyle


def linear(colour: Colour | Array) -> Array:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    c = np.asarray(colour, np.float64)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def build_room(style: RoomStyle, size: tuple[int, int], samples: int = 3) -> Room:
    """Paint the room at (height, width) pixels with `samples` squared rays a pixel."""
    rays = style.camera.rays(size, samples)
    colour, _ = _look(style, rays)
    rows, columns = size
    plate = colour.reshape(rows, samples, columns, samples, 3).mean((1, 3))
    plate *= _vignette(size)[..., None]
    _, floor = _look(style, style.camera.rays(size, 1))
    return Room(plate.astype(np.float32), floor.astype(np.float32), style)


def _look(style: RoomStyle, rays: Array) -> tuple[Array, Array]:
    """Linear colour (..., 3) seen along rays from the camera, and the floor point hit or NaN."""
    with np.errstate(divide="ignore"):
        reach = np.where(rays[..., 1] < 0, style.camera.height_m / -rays[..., 1], np.inf)
    on_floor = reach < style.wall_m
    reach = np.minimum(reach, style.wall_m)
    x, z = rays[..., 0] * reach, -reach
    y = np.maximum(style.camera.height_m + rays[..., 1] * reach, 0.0)
    wall = _wall(style, x, y)
    floor = _floor(style, x, z)
    # The floor's shine: the wall mirrored in it, stronger at a glancing look (Schlick).
    slope = -rays[..., 1] / np.linalg.norm(rays, axis=-1)
    fresnel = 0.04 + 0.5 * np.clip(1 - slope, 0, 1) ** 5
    beyond = style.wall_m - reach
    height = beyond * np.maximum(-rays[..., 1], 0)
    mirrored = _wall(style, rays[..., 0] * style.wall_m, height)
    floor = floor + (mirrored - floor) * (fresnel * 0.55)[..., None]
    floor *= (1 - 0.45 * np.exp(-beyond / 0.30))[..., None]  # darker towards the skirting
    colour = np.where(on_floor[..., None], floor, wall)
    place = np.where(on_floor[..., None], np.stack([x, z], -1), np.nan)
    return colour, place


def _wall(style: RoomStyle, x: Array, y: Array) -> Array:
    """The back wall at metres right of the middle and above the floor."""
    paint, panel = linear(style.wall), linear(style.panel)
    rail = 1.02
    colour = np.where((y > rail)[..., None], paint, panel)
    colour = (
        colour
        * (1 + 0.035 * (_noise(x * 2.1, y * 2.1, 3) + 0.6 * _noise(x * 9, y * 9, 5)))[..., None]
    )
    colour *= _panelling(x, y, rail)[..., None]
    skirting = y < 0.14
    colour = np.where(skirting[..., None], linear((0.88, 0.86, 0.82)) * 0.75, colour)
    colour *= (1 - 0.35 * np.exp(-(((y - 0.14) / 0.008) ** 2)) - 0.25 * np.exp(-y / 0.03))[
        ..., None
    ]
    light = 0.50 + 0.42 * np.exp(-(((x - style.window_x_m) / 2.0) ** 2) - (((y - 1.7) / 1.9) ** 2))
    light += 0.34 * _window(x - style.window_x_m, y)
    return np.asarray(colour * light[..., None] * np.array([1.03, 1.0, 0.95]))


def _panelling(x: Array, y: Array, rail: float) -> Array:
    """Light and shade of framed panels below a dado rail."""
    period = 0.92
    u = (x / period - np.floor(x / period)) * period
    side = np.minimum(u, period - u) - 0.10
    end = np.minimum(y - 0.25, rail - 0.11 - y)
    edge = np.minimum(side, end)
    below = (y < rail) & (y > 0.14)
    bevel = np.exp(-((edge / 0.010) ** 2))
    lit = np.where((end < side) & (y < 0.5), 0.5, -0.42)  # the lower bevel catches the light
    lit = np.where(side <= end, np.where(u < period / 2, 0.16, -0.30), lit)
    shade = 1 + np.where(below, lit * bevel, 0)
    shade += np.where(below & (edge > 0.012), -0.05, 0)
    bar = np.exp(-(((y - rail) / 0.014) ** 2))
    return np.asarray(
        shade * (1 + 0.30 * bar - 0.45 * np.exp(-(((y - rail + 0.032) / 0.013) ** 2)))
    )


def _window(x: Array, y: Array) -> Array:
    """Sunlight through a window, slanting on the wall: four soft-edged panes."""
    x = x + (y - 1.7) * 0.35

    def between(v: Array, low: float, high: float, soft: float) -> Array:
        return np.asarray(1 / (1 + np.exp(-(v - low) / soft)) / (1 + np.exp((v - high) / soft)))

    across = between(x, -0.62, -0.05, 0.03) + between(x, 0.05, 0.62, 0.03)
    up = between(y, 1.18, 1.78, 0.03) + between(y, 1.88, 2.55, 0.03)
    return across * up


def _floor(style: RoomStyle, x: Array, z: Array) -> Array:
    """Boards along z: each its own tone, grain along its length, thin dark joints."""
    board = np.floor(x / style.board_m)
    u = x / style.board_m - board
    length = 1.9
    shifted = z / length + _hash(board, 0) * 7
    plank = np.floor(shifted)
    v = shifted - plank
    tone = 1 + 0.20 * (_hash(board, plank) - 0.5)
    grain = _noise(x * 42 + 13 * _hash(board, plank), z * 1.6, 7)
    fine = _noise(x * 160, z * 5, 11)
    colour = linear(style.floor) * (tone * (1 + 0.09 * grain + 0.035 * fine))[..., None]
    warm = (_hash(plank, board + 31) - 0.5)[..., None] * np.array([0.10, 0.0, -0.10])
    colour *= 1 + warm
    joint = np.minimum(u, 1 - u) * style.board_m
    butt = np.minimum(v, 1 - v) * length
    gap = 0.55 * np.exp(-((joint / 0.0035) ** 2)) + 0.45 * np.exp(-((butt / 0.004) ** 2))
    colour *= (1 - gap)[..., None]
    pool = np.exp(-(((x + 0.2) / 2.6) ** 2) - (((z + 4.6) / 2.6) ** 2))  # of the key light
    return np.asarray(colour * (0.50 + 0.55 * pool)[..., None])


def _hash(a: Array, b: Array | float) -> Array:
    """A number in [0, 1) for every pair of whole numbers."""
    value = np.sin(np.asarray(a) * 127.1 + np.asarray(b) * 311.7) * 43758.5453
    return np.asarray(value - np.floor(value))


def _noise(x: Array, y: Array, seed: int) -> Array:
    """Smooth value noise in [-1, 1], one feature a unit."""
    i, j = np.floor(x), np.floor(y)
    u, v = x - i, y - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    a, b = _hash(i, j + seed * 57), _hash(i + 1, j + seed * 57)
    c, d = _hash(i, j + 1 + seed * 57), _hash(i + 1, j + 1 + seed * 57)
    return np.asarray(2 * (a + (b - a) * u + (c - a) * v + (a - b - c + d) * u * v) - 1)


def _vignette(size: tuple[int, int]) -> Array:
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    radius = ((x + 0.5) / columns * 2 - 1) ** 2 + ((y + 0.5) / rows * 2 - 1) ** 2
    return np.asarray(1 - 0.10 * radius)
