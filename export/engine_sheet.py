"""An engine's pictures against footage that training never saw: the sheet, by engine.

The whole stage picture, as `training.evaluate` measures it: the stage's own window, generator and
composite, at most `HEIGHT` pixels high.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from live.engines.base import Engine
from live.errors import SetupError
from live.frames import Image, Label, Pose
from live.generator import Generator, compose, soft_edged
from live.skeleton import Drawer
from live.subject import Subject
from live.window import into_window
from training.dataset import Dataset
from training.masks import Box, person_box
from training.metrics import Boxes, Scorer

HEIGHT = 256


@dataclass(frozen=True, slots=True)
class Quality:
    """Against the held-out pictures."""

    psnr_db: float
    perceptual: float  # `training.perceptual.perceptual_distance`


Sheet = dict[str, Quality]
"""By region: "picture" and "person", as in `training.evaluate`."""


def measure_quality(
    subject: Subject, data: Dataset, engines: Mapping[str, Engine], frames: int
) -> dict[str, Sheet]:
    """The sheet of each engine, by name, on the first `frames` of `data`'s held-out tail."""
    numbers = data.held_out[:frames]
    if data.stage != subject.manifest.stage_size or data.size != subject.manifest.generator_size:
        raise SetupError(
            f"{data.folder} has pictures of {data.size} on a stage of {data.stage}, the subject "
            f"{subject.manifest.generator_size} on {subject.manifest.stage_size}; give the data "
            f"that the subject was trained on"
        )
    truths = [_small(data.frame(int(number))) for number in numbers]
    scorer = Scorer(truths)
    height, width = truths[0].shape[:2]
    points = data.points[numbers] * np.float32(height / data.stage[0])
    persons = [
        person_box(*pose, (height, width))
        for pose in zip(points, data.scores[numbers], strict=True)
    ]
    regions: dict[str, list[Boxes]] = {
        "picture": [(Box(0, 0, width, height),)] * len(truths),
        "person": [(box,) if box else () for box in persons],
    }
    sheets: dict[str, Sheet] = {}
    for name, engine in engines.items():
        pictures = [_small(picture) for picture in _play(subject, data, engine, numbers)]
        sheets[name] = {}
        for region, boxes in regions.items():
            score = scorer.score(pictures, boxes)
            sheets[name][region] = Quality(score.psnr_db, score.perceptual)
    return sheets


def _play(
    subject: Subject, data: Dataset, engine: Engine, numbers: Iterable[np.int64]
) -> Iterator[Image]:
    """The stage's pictures for the poses of `numbers`, in order of time."""
    generator = Generator(subject, engine)
    drawer = Drawer(data.size, subject.manifest.style)
    window = data.new_window()
    for number in numbers:
        points, scores = data.points[number], data.scores[number]
        now_s = float(data.times_s[number])
        region = window.follow(Pose(points, scores, now_s, data.stage), now_s)
        drawn = drawer.draw(into_window(points, region, data.size), scores)
        layer = generator.generate(Label(drawn, now_s, region))
        yield compose(subject.plate, [soft_edged(layer)])


def _small(picture: Image) -> Image:
    """At most `HEIGHT` high, by area averaging: the features see every stage at one scale."""
    height, width = picture.shape[:2]
    if height <= HEIGHT:
        return picture
    size = round(width * HEIGHT / height), HEIGHT
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
