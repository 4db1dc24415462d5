"""One frame: skin the figure, find its shadow and reflection, compose it over the room."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from training.studio.albedo import measures_of, palette_of
from training.studio.anatomy import load_anatomy
from training.studio.figure import Figure
from training.studio.puppet import Bones
from training.studio.raster import FAR, fill, normals_of, shadow_map, skin
from training.studio.room import Room
from training.studio.shade import KEY, shade

Floats = NDArray[np.float32]
SAMPLES = 2
"""Samples a pixel along each axis on the person."""
CELLS = 110.0
"""Floor cells a metre of the shadow map."""


def tone_table() -> NDArray[np.uint8]:
    """Display value of linear light k / 4096: a soft shoulder, then sRGB; shape (8192,)."""
    light = np.arange(8192) / 4096
    soft = np.where(light < 0.6, light, 0.6 + 0.4 * (1 - np.exp(-(light - 0.6) / 0.4)))
    srgb = np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)
    return np.round(np.clip(srgb, 0, 1) * 255).astype(np.uint8)


class Renderer:
    """Draws one figure in one room. Returned images are new arrays."""

    def __init__(self, figure: Figure, room: Room) -> None:
        anatomy = load_anatomy()
        self.figure, self.room = figure, room
        self.size = room.plate.shape[:2]
        self._bones = anatomy.weight_bones[figure.source]
        self._weights = anatomy.weights[figure.source]
        self._cut = np.ascontiguousarray(figure.attributes[:, 4])
        self._palette, self._measures = palette_of(figure.person), measures_of(figure)
        self._points = np.empty_like(figure.rest)
        self._normals = np.empty_like(figure.rest)
        self._tone = tone_table()
        self.plate = self._display(room.plate)

    def render(self, bones: Bones) -> Image:
        """The picture, RGB uint8 (H, W, 3)."""
        figure = self.figure
        skin(figure.rest, self._bones, self._weights, bones.turns, bones.moves, self._points)
        normals_of(self._points, figure.triangles, self._normals)
        shadow = self._cast()
        picture = self.room.plate.copy()
        region = self._lay_shadow(picture, shadow)
        region = region.union(self._lay_reflection(picture, shadow))
        region = region.union(self._lay_person(picture, shadow))
        result = self.plate.copy()
        result[region.slices] = self._display(picture[region.slices])
        return result

    def lowest_m(self, bones: Bones) -> float:
        """Height of the lowest point of the figure, metres above the floor."""
        figure = self.figure
        skin(figure.rest, self._bones, self._weights, bones.turns, bones.moves, self._points)
        return float(self._points[:, 1].min())

    def _display(self, light: Floats) -> Image:
        return np.asarray(self._tone[np.clip(light * 4096 + 0.5, 0, 8191).astype(np.int32)])

    def _cast(self) -> _Shadow:
        """The key light's shadow map on the floor around the person."""
        points = self._points
        along = points[:, 1:2] / KEY[1]
        flat = points[:, (0, 2)] - along * KEY[None, (0, 2)]
        origin = np.minimum(flat.min(0), points[:, (0, 2)].min(0)) - 0.25
        extent = np.maximum(flat.max(0), points[:, (0, 2)].max(0)) + 0.25 - origin
        shape = (int(extent[1] * CELLS) + 1, int(extent[0] * CELLS) + 1)
        lowest, highest = np.full(shape, FAR, np.float32), np.full(shape, -1, np.float32)
        floor = ((flat - origin) * CELLS).astype(np.float32)
        shadow_map(
            floor, np.ascontiguousarray(points[:, 1]), self.figure.triangles, lowest, highest
        )
        return _Shadow(lowest, highest, origin, self._contact(origin, shape))

    def _contact(self, origin: NDArray[np.float64], shape: tuple[int, int]) -> Floats:
        """Ambient light that the person's nearness keeps from the floor, in [0, 1]."""
        lowest, highest = np.full(shape, FAR, np.float32), np.full(shape, -1, np.float32)
        floor = ((self._points[:, (0, 2)] - origin) * CELLS).astype(np.float32)
        shadow_map(
            floor, np.ascontiguousarray(self._points[:, 1]), self.figure.triangles, lowest, highest
        )
        near = np.exp(-np.maximum(lowest, 0) / 0.05).astype(np.float32)
        wide = np.exp(-np.maximum(lowest, 0) / 0.5).astype(np.float32)
        return np.asarray(
            0.62 * cv2.GaussianBlur(near, (0, 0), 0.018 * CELLS)
            + 0.38 * cv2.GaussianBlur(wide, (0, 0), 0.11 * CELLS)
        )

    def _lay_shadow(self, picture: Floats, shadow: _Shadow) -> _Region:
        """Darken the floor: sharp where the person touches it, softer with height."""
        cover = shadow.lowest < FAR
        height = np.where(cover, np.maximum(shadow.lowest, 0), 0)
        sharp = (cover * np.exp(-height / 0.20)).astype(np.float32)
        dark = 1 - (1 - cv2.GaussianBlur(sharp, (0, 0), 0.016 * CELLS)) * (
            1
            - 0.72
            * cv2.GaussianBlur((cover * (1 - sharp)).astype(np.float32), (0, 0), 0.055 * CELLS)
        )
        keep = np.stack([1 - 0.58 * dark, 1 - 0.55 * dark, 1 - 0.50 * dark], -1)
        keep *= (1 - 0.62 * shadow.contact)[..., None]
        region = self._floor_region(shadow)
        place = self.room.floor[region.slices]
        columns = (place[..., 0] - shadow.origin[0]).astype(np.float32) * np.float32(CELLS)
        rows = (place[..., 1] - shadow.origin[1]).astype(np.float32) * np.float32(CELLS)
        outside = ~np.isfinite(columns)
        columns[outside], rows[outside] = -10, -10
        light = cv2.remap(
            keep.astype(np.float32), columns, rows, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=(1.0, 1.0, 1.0),
        )  # fmt: skip
        picture[region.slices] *= light
        return region

    def _floor_region(self, shadow: _Shadow) -> _Region:
        """The picture's rectangle around the shadow map's floor."""
        rows, columns = shadow.lowest.shape
        far = shadow.origin + np.array([columns, rows]) / CELLS
        corners = np.array(
            [[x, 0, z] for x in (shadow.origin[0], far[0]) for z in (shadow.origin[1], far[1])]
        )
        return _around(self.room.style.camera.project(corners, self.size), self.size)

    def _lay_reflection(self, picture: Floats, shadow: _Shadow) -> _Region:
        """The person upside down in the polish, fading with height."""
        mirrored = self._points * np.array([1, -1, 1], np.float32)
        screen = self.room.style.camera.project(mirrored, self.size)
        low = self._points[:, 1] < 1.1
        region = _around(screen[low], self.size)
        if region.empty:
            return region
        faces, first, second, _ = self._fill(screen, region, 1, flip=True)
        colour = self._shade(faces, first, second, shadow)
        cover = (faces >= 0) & np.isfinite(self.room.floor[region.slices][..., 0])
        height = self._heights(faces, first, second)
        alpha = np.where(cover, 0.17 * np.exp(-height / 0.45), 0).astype(np.float32)
        stack = cv2.blur(np.dstack([colour * alpha[..., None], alpha]), (3, 5))
        floor = np.isfinite(self.room.floor[region.slices][..., :1])
        target = picture[region.slices]
        target += np.where(floor, stack[..., :3] - stack[..., 3:] * target, 0)
        return region

    def _heights(self, faces: NDArray[np.int32], first: Floats, second: Floats) -> Floats:
        corners = self._points[:, 1][self.figure.triangles[faces]]
        return np.asarray(
            corners[..., 0] * (1 - first - second)
            + corners[..., 1] * first
            + corners[..., 2] * second
        )

    def _lay_person(self, picture: Floats, shadow: _Shadow) -> _Region:
        """The person, several samples a pixel."""
        screen = self.room.style.camera.project(self._points, self.size)
        region = _around(screen, self.size)
        if region.empty:
            return region
        faces, first, second, _ = self._fill(screen, region, SAMPLES)
        colour = self._shade(faces, first, second, shadow)
        rows, columns = faces.shape[0] // SAMPLES, faces.shape[1] // SAMPLES
        # Tone is applied after averaging, so very bright samples must not outweigh an edge.
        np.minimum(colour, 1.5, out=colour)
        light = cv2.resize(colour, (columns, rows), interpolation=cv2.INTER_AREA)
        cover = cv2.resize(
            (faces >= 0).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
        )
        target = picture[region.slices]
        target *= 1 - cover[..., None]
        target += light
        return region

    def _fill(
        self, screen: Floats, region: _Region, samples: int, flip: bool = False
    ) -> tuple[NDArray[np.int32], Floats, Floats, Floats]:
        """Z-buffer of a region at `samples` a pixel: face numbers, corner weights, distances."""
        shape = (region.rows * samples, region.columns * samples)
        local = screen.copy()
        local[:, 0] = (screen[:, 0] - region.left) * samples
        local[:, 1] = (screen[:, 1] - region.top) * samples
        depth, faces = np.full(shape, FAR, np.float32), np.full(shape, -1, np.int32)
        first, second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        sheets = np.ones_like(self.figure.sheets) if flip else self.figure.sheets
        fill(local, self.figure.triangles, sheets, self._cut, depth, faces, first, second)
        return faces, first, second, depth

    def _shade(
        self, faces: NDArray[np.int32], first: Floats, second: Floats, shadow: _Shadow
    ) -> Floats:
        figure = self.figure
        colour = np.zeros((*faces.shape, 3), np.float32)
        eye = np.array([0, self.room.style.camera.height_m, 0])
        shade(
            faces, first, second, figure.triangles, figure.materials, figure.attributes,
            self._points, self._normals, eye, KEY, self._measures, self._palette,
            shadow.highest, shadow.origin, CELLS, colour,
        )  # fmt: skip
        return colour


@dataclass(frozen=True, slots=True, eq=False)
class _Shadow:
    lowest: Floats
    highest: Floats
    origin: NDArray[np.float64]  # x, z of cell (0, 0)
    contact: Floats


@dataclass(frozen=True, slots=True)
class _Region:
    """A rectangle of the picture, pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> int:
        return self.bottom - self.top

    @property
    def columns(self) -> int:
        return self.right - self.left

    @property
    def empty(self) -> bool:
        return self.rows <= 0 or self.columns <= 0

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, max(self.bottom, self.top)), slice(
            self.left, max(self.right, self.left)
        )

    def union(self, other: _Region) -> _Region:
        """The smallest rectangle around both; an empty one adds nothing."""
        if self.empty or other.empty:
            return other if self.empty else self
        return _Region(
            min(self.top, other.top), min(self.left, other.left),
            max(self.bottom, other.bottom), max(self.right, other.right),
        )  # fmt: skip


def _around(screen: Floats, size: tuple[int, int], margin: int = 4) -> _Region:
    """The rectangle around projected points, cut at the picture's edge."""
    low, high = (
        np.floor(screen[:, :2].min(0)).astype(int),
        np.ceil(screen[:, :2].max(0)).astype(int),
    )
    left, top = np.clip(low - margin, 0, (size[1], size[0]))
    right, bottom = np.clip(high + margin, 0, (size[1], size[0]))
    return _Region(int(top), int(left), int(bottom), int(right))
