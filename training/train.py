"""Dataset -> trained subject, in the method's stages: global, local, face, student.

    python -m training.train DATASET --out RUN [--stages global,local,face,student]
        [--size 512x256 [1024x512]] [--minutes M | --steps N]
    torchrun --nproc-per-node N -m training.train DATASET --out RUN ...

Every stage can be run alone. Stopped or killed, the same command goes on where it was; at most the
steps since the last save are done again.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from live.errors import SetupError
from training.batches import BatchSettings
from training.dataset import read_facts
from training.schedule import Budget
from training.sitting import sit
from training.student import StudentOptions
from training.student import Training as StudentTraining
from training.teacher.fit import fitting_size, read_size
from training.teacher.nets import TeacherShape
from training.teacher.options import STAGES, TeacherOptions
from training.teacher.session import Session
from training.teacher.world import World, open_world
from training.tiers import TIERS, shape_of

log = logging.getLogger(__name__)

DEFAULT_HEIGHT = 256  # of the global stage's pictures, pixels


def train(options: TeacherOptions) -> dict[str, dict[str, float]]:
    """Run the stages in their order; returns the last losses of each. Raises SetupError."""
    losses: dict[str, dict[str, float]] = {}
    if options.threads:
        torch.set_num_threads(options.threads)
    with open_world(options.device) as world:
        for name in STAGES:
            if name in options.stages and name != "student":
                losses[name] = _stage(options, name, world)
        first = world.first
    # The student is trained by one process: it is small, and its trainer knows no others.
    if "student" in options.stages and first:
        losses["student"] = StudentTraining(_student(options)).run()
    return losses


def _stage(options: TeacherOptions, name: str, world: World) -> dict[str, float]:
    session = Session(options, name, world)
    if world.first:
        log.info("stage %s: pictures of %s", name, "x".join(map(str, session.size[::-1])))
    losses = session.run()
    world.meet()  # the next stage reads what the first process has just written
    return losses


def _student(options: TeacherOptions) -> StudentOptions:
    teacher = options.out if any((options.out / stage).is_dir() for stage in STAGES[:2]) else None
    return StudentOptions(
        data=options.data,
        out=options.out / "student",
        budget=options.budget,
        seed=options.seed,
        device=options.device,
        threads=options.threads,
        tensorboard=options.tensorboard,
        progress=options.progress,
        teacher=teacher,
        shape=shape_of(options.student_tier),
        batches=replace(BatchSettings(), length=options.student_unroll),
    )


def parse(arguments: Sequence[str] | None = None) -> TeacherOptions:
    """The command line. Raises SetupError."""
    given = _parser().parse_args(arguments)
    minutes = 60.0 if given.minutes is None and given.steps is None else given.minutes
    shape = _shape(given)
    return TeacherOptions(
        data=given.data,
        out=given.out,
        budget=Budget(minutes, given.steps),
        stages=tuple(given.stages.split(",")),
        sizes=_sizes(given.size, given.data, shape),
        unroll=given.unroll,
        temporal=not given.frame_by_frame,
        batch=given.batch,
        seed=given.seed,
        shape=shape,
        face_shape=replace(shape, blocks=given.face_blocks),
        face_side=given.face,
        fix_global=given.fix_global,
        rate=given.rate,
        pixel=given.pixel,
        critic_width=given.critic_width,
        backbone=given.backbone,
        foreground=given.foreground,
        bfloat16=given.bfloat16,
        compiled=given.compile,
        channels_last=given.channels_last,
        device=given.device,
        threads=given.threads,
        workers=given.workers,
        save_every_s=given.save_every,
        tensorboard=given.tensorboard,
        progress=not given.quiet,
        student_tier=given.student_tier,
        student_unroll=given.student_unroll,
    )


def _shape(given: argparse.Namespace) -> TeacherShape:
    try:
        return TeacherShape(
            given.width, given.downsamplings, given.blocks, max(given.width // 2, 1),
            given.local_blocks,
        )  # fmt: skip
    except ValueError as error:
        raise SetupError(f"--width, --downsamplings or --blocks: {error}") from error


def _sizes(texts: list[str] | None, data: Path, shape: TeacherShape) -> tuple[tuple[int, int], ...]:
    """As asked for; else the stage's own aspect at the paper's height."""
    if texts:
        return tuple(read_size(text) for text in texts)
    stage = tuple(read_facts(data)["stage"])
    return (fitting_size((stage[0], stage[1]), DEFAULT_HEIGHT, shape.multiple),)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    add: Any = parser.add_argument
    add("data", type=Path, metavar="DATASET")
    add("--out", type=Path, required=True, metavar="RUN")
    add("--stages", default=",".join(STAGES), help="which of them (default all)")
    add("--size", nargs="+", metavar="WxH", help="of the global and the local stage's pictures; "
        "default: 256 high in the stage's own aspect, then twice that")  # fmt: skip
    add("--minutes", type=float, help="of each stage, over all sittings (default 60)")
    add("--steps", type=int, help="of each stage, instead of minutes")
    add("--batch", type=int, default=1, help="runs of frames a step, over all processes")
    add("--unroll", type=int, default=2, help="frames of a run; 4 to 8 steady a long show")
    add("--frame-by-frame", action="store_true", help="no temporal smoothing: the baseline")
    add("--foreground", action=argparse.BooleanOptionalAction, default=True, help="what differs "
        "from the plate counts more in the perceptual loss, head and hands most")  # fmt: skip
    add("--pixel", type=float, default=0.0, help="weight of the plain difference (10 helps where "
        "minutes are few)")  # fmt: skip
    add("--backbone", default="efficientnet", help="of the perceptual loss: efficientnet or vgg19")
    add("--width", type=int, default=64, help="channels at full resolution (the paper's ngf)")
    add("--downsamplings", type=int, default=4)
    add("--blocks", type=int, default=9, help="residual ones of the global generator")
    add("--local-blocks", type=int, default=3)
    add("--face-blocks", type=int, default=9)
    add("--face", type=int, help="side of the face's square, pixels (default a quarter of the "
        "picture's height: 128 at 512)")  # fmt: skip
    add("--fix-global", type=float, default=0.1, help="share of the local stage in which the "
        "global generator stands still")  # fmt: skip
    add("--critic-width", type=int, default=64, help="the paper's ndf")
    add("--rate", type=float, default=2e-4, help="Adam's")
    add("--bfloat16", action="store_true", help="mixed precision")
    add("--compile", action="store_true", help="torch.compile")
    add("--channels-last", action=argparse.BooleanOptionalAction, help="default: on a GPU")
    add("--student-tier", default="cpu", help=f"the student's size: {', '.join(TIERS)}")
    add("--student-unroll", type=int, default=4, help="the student's pictures in a row, each fed "
        "back into the next")  # fmt: skip
    add("--seed", type=int, default=0)
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--threads", type=int, default=0, help="of the CPU; 0 takes all")
    add("--workers", type=int, default=2, help="threads that make batches")
    add("--save-every", type=float, default=120.0, help="seconds between two checkpoints")
    add("--tensorboard", action="store_true", help="also log to RUN/STAGE/tensorboard")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    return sit(lambda: train(parse(arguments)))


if __name__ == "__main__":
    sys.exit(main())
