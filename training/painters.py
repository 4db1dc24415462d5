"""Whoever paints pictures of the stage from poses, each after its own last one.

The student does, and so does the teacher. Of one run folder several painters may come: with its
nets for parts and without, and, of a teacher's, the student that learned from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from live.errors import SetupError
from live.frames import Image
from live.parts import PARTS
from live.skeleton import LabelStyle
from training.dataset import Dataset
from training.device import choose_device
from training.face_run import PartNet, load_part
from training.nets import Student
from training.replay import Poses, replay
from training.run import RECORD, Trained, load_trained
from training.teacher.painter import Painter as TeacherAtWork
from training.teacher.painter import painted
from training.teacher.run import RECORD as STAGE_RECORD
from training.teacher.run import Painters, load_painters

STUDENT = "student"
FBF = "FBF"  # frame-by-frame pix2pixHD
SMOOTHING = " + temporal smoothing"
FACE = " + face"
TEACHERS_STAGES = ("global", "local")


class Painter(Protocol):
    """Paints the stage, one pose after another. What is measured in a table's row."""

    @property
    def name(self) -> str:
        """What the row is called: "student + face + hands", "FBF + temporal smoothing"."""

    @property
    def run(self) -> Path:
        """The folder that it came from."""

    @property
    def data(self) -> Path:
        """The dataset that it was trained on, as it was named then."""

    @property
    def data_sha256(self) -> str:
        """Of that dataset's dataset.json, when the training began."""

    @property
    def style(self) -> LabelStyle:
        """How its labels are drawn."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Plain data for the sheet: at least "steps" and "minutes" of training."""

    def paint(self, poses: Poses, times_s: NDArray[np.float64], data: Dataset) -> Iterator[Image]:
        """A picture a pose, in order of time, the first one after an empty state.

        poses: points (N, J, 2) in pixels of `data.stage` and scores (N, J); times_s: (N,). Yields
        RGB uint8 (H, W, 3) of `data.stage`, over `data.plate` where the painter leaves it free.
        """


@dataclass(frozen=True, slots=True, eq=False)
class StudentPainter:
    """The live generator, in the stage's own window and composite, with nets for parts or none."""

    run: Path
    trained: Trained
    parts: tuple[PartNet, ...] = ()

    @property
    def name(self) -> str:
        return " + ".join([STUDENT, *(part.part.name for part in self.parts)])

    @property
    def data(self) -> Path:
        return self.trained.record.data

    @property
    def data_sha256(self) -> str:
        return self.trained.record.data_sha256

    @property
    def style(self) -> LabelStyle:
        return self.trained.record.style

    @property
    def facts(self) -> Mapping[str, Any]:
        return {**self.trained.facts, **{part.part.name: part.facts for part in self.parts}}

    def paint(self, poses: Poses, times_s: NDArray[np.float64], data: Dataset) -> Iterator[Image]:
        trained = self.trained
        if not _knows_its_state(trained):
            # A double for the net's call is all that `replay` needs.
            alone = cast(Student, FrameByFrame(trained.net))
            trained = replace(trained, net=alone)
        return replay(trained, poses, times_s, data, self.parts)


class FrameByFrame(nn.Module):
    """A student that never met its own last picture while it was trained meets none here either."""

    def __init__(self, net: Student) -> None:
        super().__init__()
        self.net = net

    def forward(self, label: Tensor, state: Tensor) -> Tensor:
        found: Tensor = self.net(label, state * 0)
        return found


def _knows_its_state(trained: Trained) -> bool:
    batches = trained.record.settings.get("batches", {})
    return not isinstance(batches, dict) or batches.get("length", 2) > 1


@dataclass(frozen=True, slots=True, eq=False)
class TeacherPainter:
    """The method as the papers have it, on the whole stage at once."""

    run: Path
    painters: Painters
    face: bool

    @property
    def name(self) -> str:
        smoothing = SMOOTHING if self.painters.feedback else ""
        return f"{FBF}{smoothing}{FACE if self.face else ''}"

    @property
    def data(self) -> Path:
        return Path(self.painters.record.data)

    @property
    def data_sha256(self) -> str:
        return self.painters.record.data_sha256

    @property
    def style(self) -> LabelStyle:
        return self.painters.record.style

    @property
    def facts(self) -> Mapping[str, Any]:
        return {
            "steps": self.painters.steps[self.painters.record.stage],
            "stages": dict(self.painters.steps),
        }

    def paint(self, poses: Poses, times_s: NDArray[np.float64], data: Dataset) -> Iterator[Image]:
        device = choose_device("auto")  # the full size takes seconds a picture on a CPU
        return painted(TeacherAtWork(self.painters, data.plate, device, self.face), *poses)


def open_painters(run: Path) -> Sequence[Painter]:
    """The painters of the folder `run`, the best of them first. Raises SetupError."""
    if (run / RECORD).is_file():
        return _students(run)
    if not any((run / stage / STAGE_RECORD).is_file() for stage in TEACHERS_STAGES):
        raise SetupError(
            f"{run / RECORD} is missing; train there with training.student or training.train first"
        )
    found: list[Painter] = []
    if (run / STUDENT / RECORD).is_file():
        found += open_painters(run / STUDENT)
    painters = load_painters(run)
    if painters.face is not None:
        found.append(TeacherPainter(run, painters, face=True))
    return [*found, TeacherPainter(run, painters, face=False)]


def _students(run: Path) -> Sequence[Painter]:
    """With all of its nets, then with the last of them left out, and so on to the student alone."""
    trained = load_trained(run)
    found = [net for part in PARTS if (net := load_part(run, part, trained)) is not None]
    return [
        StudentPainter(run, trained, tuple(found[:count])) for count in range(len(found), -1, -1)
    ]


def named_apart(painters: Sequence[Painter]) -> dict[str, Painter]:
    """By name; where two share one, the folder's name tells them apart, and then its number."""
    names = [painter.name for painter in painters]
    found: dict[str, Painter] = {}
    for painter in painters:
        name = painter.name
        if names.count(name) > 1:
            name = f"{name} ({painter.run.name})"
        number, wanted = 2, name
        while name in found:
            name, number = f"{wanted} {number}", number + 1
        found[name] = painter
    return found
