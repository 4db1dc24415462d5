"""What the teacher's command line may set, and what may not change when a run goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from live.errors import SetupError
from training.schedule import Budget
from training.teacher.backbones import KNOWN
from training.teacher.fit import check_size
from training.teacher.nets import TeacherShape
from training.tiers import shape_of

STAGES = ("global", "local", "face", "student")
LONGEST_UNROLL = 32
STUDENTS_LONGEST = 64


@dataclass(frozen=True, slots=True)
class TeacherOptions:
    """One run of the stages."""

    data: Path
    out: Path
    budget: Budget  # of each stage
    stages: tuple[str, ...] = STAGES
    sizes: tuple[tuple[int, int], ...] = ((256, 512), (512, 1024))  # global, local; (h, w) pixels
    unroll: int = 2  # consecutive frames that are painted in one step
    temporal: bool = True  # feedback, and critics that see two frames; False: frame by frame
    batch: int = 1  # runs of frames a step, over all processes
    seed: int = 0
    shape: TeacherShape = TeacherShape()
    face_shape: TeacherShape = TeacherShape()
    face_side: int | None = None  # pixels; None: a quarter of the picture's height
    fix_global: float = 0.1  # share of the local stage in which the global generator stands still
    rate: float = 2e-4
    pixel: float = 0.0  # weight of the plain |difference|, beyond the papers
    critic_width: int = 64
    backbone: str = "efficientnet"
    foreground: bool = True  # what differs from the plate counts more in the perceptual loss
    bfloat16: bool = False
    compiled: bool = False
    channels_last: bool | None = None  # None: on a GPU
    device: str = "auto"
    threads: int = 0  # of the CPU; 0 takes all
    workers: int = 2  # threads that make batches
    save_every_s: float = 120.0
    sample_every_s: float = 120.0
    tensorboard: bool = False
    progress: bool = True
    student_tier: str = "cpu"
    student_unroll: int = 4

    def __post_init__(self) -> None:
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown or not self.stages:
            raise SetupError(f"--stages has {unknown or 'nothing'}; known: {', '.join(STAGES)}")
        shape_of(self.student_tier)  # before hours of the teacher's training, not after
        if not 1 <= self.student_unroll <= STUDENTS_LONGEST:
            raise SetupError(
                f"--student-unroll is {self.student_unroll}; it must be within 1 and "
                f"{STUDENTS_LONGEST}"
            )
        least = 2 if self.temporal else 1
        if not least <= self.unroll <= LONGEST_UNROLL:
            raise SetupError(
                f"--unroll is {self.unroll}; it must be within {least} and {LONGEST_UNROLL}"
            )
        if self.batch < 1 or self.workers < 1:
            raise SetupError(f"--batch {self.batch} and --workers {self.workers} must be above 0")
        if not (0 < self.rate < 1 and 0 <= self.fix_global <= 1):
            raise SetupError(f"--rate {self.rate} or --fix-global {self.fix_global} is no share")
        if self.backbone not in KNOWN:
            raise SetupError(f"--backbone is {self.backbone!r}; known: {', '.join(KNOWN)}")
        if not 1 <= len(self.sizes) <= 2:
            raise SetupError(f"--size has {len(self.sizes)} sizes; give the global stage's and,"
                             " if you like, the local stage's")  # fmt: skip
        for stage in ("global", "local"):
            check_size(self.size_of(stage), self.multiple_of(stage))

    def size_of(self, stage: str) -> tuple[int, int]:
        """(height, width) of a stage's pictures; the local stage's are twice the global's."""
        if stage == "global":
            return self.sizes[0]
        return (
            self.sizes[1] if len(self.sizes) > 1 else (2 * self.sizes[0][0], 2 * self.sizes[0][1])
        )

    def multiple_of(self, stage: str) -> int:
        """Of what the pictures' sides must be multiples."""
        return self.shape.multiple * (2 if stage == "local" else 1)

    def settings(self, stage: str) -> dict[str, Any]:
        """What may not change when the stage goes on, as JSON holds it."""
        names = (
            "unroll", "temporal", "batch", "seed", "rate", "pixel", "critic_width", "backbone",
            "foreground", "bfloat16",
        )  # fmt: skip
        held: dict[str, Any] = {name: getattr(self, name) for name in names}
        if stage == "local":
            held["fix_global"] = self.fix_global
        held["shape"] = asdict(self.face_shape if stage == "face" else self.shape)
        return dict(json.loads(json.dumps(held)))
