"""What an ablation trains: the whole method at a small size, and the same with one part changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from training.batches import BatchSettings
from training.losses import LossWeights
from training.nets import StudentShape
from training.schedule import Budget, Phase
from training.student import StudentOptions
from training.teacher.fit import fitting_size
from training.teacher.nets import TeacherShape
from training.teacher.options import TeacherOptions
from training.trainer import TrainerSettings

Family = Literal["student", "teacher"]

SMALL = StudentShape(
    widths=(32, 64, 96, 128), encoder_blocks=(0, 1, 1, 1), decoder_blocks=(1, 1, 1), head=32
)
SMALL_ROWS = 6
TEACHER_SHAPE = TeacherShape(width=16, downsamplings=3, blocks=3, local_width=8, local_blocks=1)
TEACHER_HEIGHT = 128  # of the small teacher's pictures, pixels
TEACHER_PIXEL = 10.0  # weight of the plain difference: without it a few minutes teach nothing
NEVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Variant:
    """One training. The first of a family is what the others are held against."""

    folder: str
    family: Family
    part: str  # what is changed; empty for the whole
    words: str  # how
    student: Callable[[StudentOptions], StudentOptions] = lambda options: options
    teacher: Callable[[TeacherOptions], TeacherOptions] = lambda options: options
    needs_vgg: bool = False


def _weights(**changed: float) -> Callable[[StudentOptions], StudentOptions]:
    def apply(options: StudentOptions) -> StudentOptions:
        weights = replace(options.trainer.weights, **changed)
        return replace(options, trainer=replace(options.trainer, weights=weights))

    return apply


def _length(length: int) -> Callable[[StudentOptions], StudentOptions]:
    return lambda options: replace(options, batches=replace(options.batches, length=length))


def _frame_by_frame(options: StudentOptions) -> StudentOptions:
    return _weights(motion=0.0)(_length(1)(options))


def _no_critic(options: StudentOptions) -> StudentOptions:
    return replace(options, phases=(Phase(1.0, False),))


def _fbf(options: TeacherOptions) -> TeacherOptions:
    return replace(options, temporal=False, unroll=1, stages=("global",))


def _only_global(options: TeacherOptions, unroll: int = 2) -> TeacherOptions:
    return replace(options, unroll=unroll, stages=("global",))


STUDENTS = (
    Variant("student", "student", "", "the whole"),
    Variant(
        "student-fbf", "student", "temporal smoothing", "off: frame by frame", _frame_by_frame
    ),
    Variant("student-motion", "student", "temporal smoothing", "no motion loss",
            _weights(motion=0.0)),
    Variant("student-2", "student", "feedback length", "2 frames, as in the paper", _length(2)),
    Variant("student-8", "student", "feedback length", "8 frames", _length(8)),
    Variant("student-pixels", "student", "perceptual backbone", "none", _weights(perceptual=0.0)),
    Variant("student-squared", "student", "pixel loss", "squared as well: the mean, no median",
            _weights(pixel=3.0, square=40.0)),
    Variant("student-critic", "student", "adversary", "none", _no_critic),
)  # fmt: skip
TEACHERS = (
    Variant("teacher", "teacher", "", "the whole"),
    Variant("teacher-fbf", "teacher", "temporal smoothing", "off: FBF", teacher=_fbf),
    Variant("teacher-4", "teacher", "feedback length", "4 frames",
            teacher=lambda options: _only_global(options, 4)),
    Variant("teacher-vgg19", "teacher", "perceptual backbone", "VGG19, as in the paper",
            teacher=lambda options: replace(_only_global(options), backbone="vgg19"),
            needs_vgg=True),
)  # fmt: skip


def student_options(
    data: Path, out: Path, budget: Budget, seed: int, small: bool
) -> StudentOptions:
    """The whole student."""
    shape = SMALL if small else StudentShape()
    batches = BatchSettings(rows=SMALL_ROWS) if small else BatchSettings()
    return StudentOptions(
        data=data,
        out=out,
        budget=budget,
        seed=seed,
        sample_every_s=NEVER_S,
        shape=shape,
        trainer=TrainerSettings(weights=LossWeights()),
        batches=batches,
    )


def teacher_options(
    data: Path, out: Path, budget: Budget, seed: int, stage: tuple[int, int]
) -> TeacherOptions:
    """The whole teacher, at one resolution: global generator and face net."""
    size = fitting_size(stage, TEACHER_HEIGHT, TEACHER_SHAPE.multiple)
    return TeacherOptions(
        data=data,
        out=out,
        budget=budget,
        stages=("global", "face"),
        sizes=(size,),
        seed=seed,
        shape=TEACHER_SHAPE,
        face_shape=TEACHER_SHAPE,
        pixel=TEACHER_PIXEL,
        critic_width=TEACHER_SHAPE.width,
        sample_every_s=NEVER_S,
    )
