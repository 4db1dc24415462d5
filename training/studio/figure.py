"""A dressed person as one triangle mesh, with what the shader needs to know of every vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.anatomy import Anatomy, load_anatomy
from training.studio.landmarks import Landmarks, find_landmarks, limb_coordinate
from training.studio.person import Person, shape
from training.studio.wardrobe import Layer, Wardrobe

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A mesh ready for skinning. N vertices, F triangles."""

    rest: NDArray[np.float32]  # (N, 3)
    attributes: NDArray[np.float32]  # (N, 6): unclothed rest x, y, z; limb coordinate; cut; paint
    source: NDArray[np.int64]  # (N,) the base mesh vertex it moves with
    triangles: NDArray[np.int32]  # (F, 3)
    materials: NDArray[np.uint8]  # (F,)
    sheets: NDArray[np.bool_]  # (F,) True: seen from both sides
    person: Person
    landmarks: Landmarks
    shaped: Array  # (V, 3) the naked base mesh, for joints


def build_figure(person: Person) -> Figure:
    """Shape, dress and triangulate one person."""
    anatomy = load_anatomy()
    vertices = shape(person)
    marks = find_landmarks(anatomy, vertices)
    limb = limb_coordinate(anatomy, vertices, marks)
    wear = Wardrobe(anatomy, vertices, marks, limb)
    layers = wear.dress(person)
    return _join(person, anatomy, vertices, marks, limb, layers)


def vertex_normals(vertices: Array, quads: NDArray[np.int64]) -> Array:
    """Area-weighted unit normals of the vertices that `quads` use, shape (V, 3)."""
    a, b, c, d = (vertices[quads[:, i]] for i in range(4))
    face = np.cross(c - a, d - b)
    normals = np.zeros_like(vertices)
    for corner in range(4):
        np.add.at(normals, quads[:, corner], face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _drape(points: Array, quads: NDArray[np.int64], offset: Array, rounds: int) -> Array:
    """Points (N, 3) moved out by `offset` (N,), after smoothing that may only add to it."""
    normals = vertex_normals(points, quads)
    smooth = points.copy()
    ends = np.concatenate([quads[:, (i, (i + 1) % 4)] for i in range(4)])
    degree = np.bincount(ends.ravel(), minlength=len(points))[:, None]
    for _ in range(rounds):
        total = np.zeros_like(points)
        np.add.at(total, ends[:, 0], smooth[ends[:, 1]])
        np.add.at(total, ends[:, 1], smooth[ends[:, 0]])
        smooth += 0.6 * (total / degree - smooth)
    # Along the surface cloth stays where it is; outwards it keeps what smoothing gave.
    gain = ((smooth - points) * normals).sum(1)
    return np.asarray(points + normals * np.maximum(gain + 0.4 * offset, offset)[:, None])


def _join(
    person: Person, anatomy: Anatomy, vertices: Array, marks: Landmarks, limb: Array,
    layers: list[Layer],
) -> Figure:  # fmt: skip
    """One mesh of all layers; every layer has its own copy of the vertices it uses."""
    rest, attributes, source, triangles, materials, sheets = [], [], [], [], [], []
    paint = anatomy.masks["lips"]
    start = 0
    for layer in layers:
        used, local = np.unique(layer.quads, return_inverse=True)
        quads = local.reshape(layer.quads.shape)
        if layer.own is None:
            rest.append(_drape(vertices[used], quads, layer.offset[used], layer.drape))
            attributes.append(
                np.column_stack([vertices[used], limb[used], layer.cut[used], paint[used]])
            )
            source.append(used)
        else:
            rest.append(layer.own)
            plain = np.tile((0.0, 1.0, 0.0), (len(used), 1))  # limb, cut, paint
            attributes.append(np.column_stack([layer.own, plain]))
            source.append(np.full(len(used), layer.anchor))
        faces = np.concatenate([quads[:, (0, 1, 2)], quads[:, (0, 2, 3)]])
        triangles.append(faces + start)
        materials.append(np.full(len(faces), layer.material, np.uint8))
        sheets.append(np.full(len(faces), layer.sheet))
        start += len(used)
    return Figure(
        np.concatenate(rest).astype(np.float32), np.concatenate(attributes).astype(np.float32),
        np.concatenate(source), np.concatenate(triangles).astype(np.int32),
        np.concatenate(materials), np.concatenate(sheets), person, marks, vertices,
    )  # fmt: skip
