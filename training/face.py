"""Trained student -> its net for a part: what is wrong with face or hands in its pictures.

    python -m training.face RUN [--part face|hands] [--minutes 6 | --steps N] [--seed 0]

RUN is the finished folder of `training.student`; the student itself stands still. Writes RUN/face
or RUN/hands, a checkpoint every half minute; stopped or killed, the same command goes on where it
was.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from live.errors import SetupError
from live.parts import FACE, HANDS, PARTS, Part
from training.augment import AugmentSettings
from training.batches import Batches, BatchSettings
from training.board import Board
from training.checkpoint import fitting, last_good, load_checkpoint, save_checkpoint
from training.dataset import Dataset, digest
from training.device import choose_device, loader_threads
from training.face_memory import within_memory
from training.face_net import FaceShape
from training.face_run import (
    PartRecord,
    net_sha256,
    read_part_record,
    record_path,
    refuse_another_student,
)
from training.face_samples import FaceSamples
from training.face_trainer import FaceSettings, FaceTrainer, settings_for
from training.finite import NotFinite
from training.loader import Loader
from training.run import Trained, load_trained
from training.schedule import Budget
from training.sitting import percent_bar, sit
from training.teacher.interrupts import whole_step

log = logging.getLogger(__name__)

LOG_EVERY = 50  # steps
CONTEXT = {FACE.name: 2, HANDS.name: 4}
"""A crop is so many times as wide as the square: the student needs what is around it."""


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """What the command line may set."""

    run: Path
    budget: Budget
    part: Part = FACE
    seed: int = 0
    device: str = "auto"
    threads: int = 0  # of the CPU; 0 takes all
    data: Path | None = None  # where the dataset is now, if it was moved
    save_every_s: float = 30.0
    sample_every_s: float = 60.0
    progress: bool = True
    trainer: FaceSettings | None = None  # None: the part's own
    rows: int = 8  # of a batch
    length: int = 6  # steps of one stream
    stride: int = 2  # frames between two steps of a stream, at most

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise SetupError(f"--batch is {self.rows}; it must be above 0")

    def batches(self, side: int) -> BatchSettings:
        """As the student's, around the part, and with somebody always there."""
        wide = CONTEXT[self.part.name] * side
        crop = (wide, wide)
        seen = AugmentSettings(drop_figure_chance=0.0)
        return BatchSettings(
            self.rows, crop, self.length, self.stride, aside_chance=0.0, augment=seen
        )

    @property
    def rates(self) -> FaceSettings:
        """Those given, or the part's own."""
        return self.trainer or settings_for(self.part)

    def settings(self, side: int) -> dict[str, Any]:
        """What may not change when a run goes on, as JSON holds it."""
        held = {
            "seed": self.seed,
            "trainer": asdict(self.rates),
            "batches": asdict(self.batches(side)),
        }
        return dict(json.loads(json.dumps(held)))


class FaceTraining:
    """A run from its beginning, or from its last checkpoint, to the end of its budget."""

    def __init__(self, options: FaceOptions, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises SetupError for a RUN that is none, and for one that is not finished."""
        self._options, self._clock = options, clock
        self._part = part = options.part
        self.folder = options.run / part.name
        trained = load_trained(options.run)
        refuse_unfinished(options.run, trained)
        self._data = _dataset(options, trained)
        self._side = part.side(self._data.size[0])
        style, batches = trained.record.style, options.batches(self._side)
        made = Batches(self._data, style, batches, options.seed, part=part)
        if not len(made.starts):
            raise SetupError(
                f"{self._data.folder} has no training frame that shows {part.what}, so there is "
                f"no {part.name} net to be trained"
            )
        self._open_run(trained)
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self._device = device = choose_device(options.device)
        self._student, self._crop = trained.net.shape, made.crop
        with self._within_memory():
            shape = FaceShape(self._side)
            self.trainer = FaceTrainer(trained.net, shape, options.rates, device)
            self._samples = FaceSamples(self._data, style, self.trainer.student, part)
        self._loader = Loader(made, loader_threads(device), clock=clock)
        self._board = Board(self.folder, tensorboard=False)
        self._saved_step, self._before_s = 0, 0.0
        self._resume()

    def run(self) -> dict[str, float]:
        """Train to the end; returns the last losses. A KeyboardInterrupt saves and passes on.

        Raises SetupError where numbers, memory or the disk break off.
        """
        self._began_s = self._saved_s = self._sampled_s = self._clock()
        losses: dict[str, float] = {}
        with self._within_memory(), self._bar() as bar:
            try:
                if self._progress() < 1:
                    losses = self._until_the_end(bar)
            except NotFinite as error:
                good = last_good(self.folder, self._saved_step)
                raise SetupError(
                    f"{error}; {good}; delete {self.folder} and train with another --seed"
                ) from error
            except KeyboardInterrupt:
                self.save()
                raise
            self.save()
            self._look()
        return losses

    def _within_memory(self) -> AbstractContextManager[None]:
        shape, rows = FaceShape(self._side), self._options.rows
        return within_memory(self._student, shape, rows, self._crop, self._device)

    def _until_the_end(self, bar: tqdm[Any]) -> dict[str, float]:
        losses: dict[str, float] = {}
        for batch in self._loader.ahead(self.trainer.step):
            with whole_step():
                losses = self.trainer.train(batch, self._progress()) or losses
            self._housekeeping(losses, bar)
            if self._progress() >= 1:
                break
        return losses

    def elapsed_s(self) -> float:
        """Seconds of training, over all sittings."""
        return self._before_s + self._clock() - self._began_s

    def waited_share(self) -> float:
        """Of this sitting's time, that was spent waiting for batches."""
        return self._loader.waited_s / max(self._clock() - self._began_s, 1e-6)

    def _progress(self) -> float:
        return self._options.budget.progress(self.trainer.step, self.elapsed_s())

    def _housekeeping(self, losses: dict[str, float], bar: tqdm[Any]) -> None:
        now_s, step = self._clock(), self.trainer.step
        bar.set_postfix_str(f"step {step}, loss {losses.get('total', 0):.3f}", refresh=False)
        bar.update(round(100 * self._progress(), 2) - bar.n)
        if step % LOG_EVERY == 0 or step == 1:
            self._board.write(step, {**losses, "waited_share": self.waited_share()})
        if now_s - self._saved_s >= self._options.save_every_s:
            self.save()
            self._saved_s = now_s
        if now_s - self._sampled_s >= self._options.sample_every_s:
            self._look()
            self._sampled_s = now_s

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(self.folder, {**self.trainer.content(), "elapsed_s": self.elapsed_s()})
        self._saved_step = self.trainer.step

    def _resume(self) -> None:
        content = load_checkpoint(self.folder)
        if content is None:
            return
        with fitting(self.folder), self._within_memory():
            self.trainer.restore(content)
        self._saved_step, self._before_s = self.trainer.step, content["elapsed_s"]
        log.info("going on at step %d, minute %.1f", self.trainer.step, self._before_s / 60)

    def _open_run(self, trained: Trained) -> None:
        """Write the record, or check that it is this very run's."""
        record = PartRecord(
            student_sha256=net_sha256(trained.net),
            data_sha256=trained.record.data_sha256,
            shape=FaceShape(self._side),
            settings=self._options.settings(self._side),
        )
        if not record_path(self.folder, self._part).is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            record.write(self.folder, self._part)
            return
        old = read_part_record(self.folder, self._part)
        refuse_another_student(self.folder, self._part, old, trained)
        if old != record:
            raise SetupError(
                f"{self.folder} holds a {self._part.name} net with other options; delete it to "
                f"train anew"
            )

    def _look(self) -> None:
        """Sample pictures, and a first figure of quality."""
        trainer = self.trainer
        path = self.folder / "samples" / f"{trainer.step:06d}.png"
        glance = self._samples.look(trainer.average, trainer.perceptual, trainer.device, path)
        figures = {"elapsed_s": self.elapsed_s(), **glance.figures(self._part)}
        self._board.write(trainer.step, figures)
        tqdm.write(
            f"minute {self.elapsed_s() / 60:.1f}, step {trainer.step}: held-out {self._part.name} "
            f"{glance.psnr_db:.2f} dB, perceptual distance {glance.perceptual:.3f}; "
            f"without the {self._part.name} net {glance.without_psnr_db:.2f} dB, "
            f"{glance.without_perceptual:.3f}",
            file=sys.stderr,
        )

    def _bar(self) -> tqdm[Any]:
        done = self._options.budget.progress(self.trainer.step, self._before_s)
        return percent_bar(done, self._options.progress)


def refuse_unfinished(run: Path, trained: Trained) -> None:
    """Raises SetupError where the student is still to be trained: the net would be another's."""
    if trained.progress < 1:
        raise SetupError(
            f"the student in {run} is trained to {trained.progress:.0%}; let training.student "
            f"end first, since a part's net is trained for the finished student"
        )


def _dataset(options: FaceOptions, trained: Trained) -> Dataset:
    folder = options.data or trained.record.data
    if digest(folder) != trained.record.data_sha256:
        raise SetupError(
            f"{folder} is not the dataset that {options.run} was trained on: prepared anew, or "
            f"another one; name the old one with --data, or train the student again"
        )
    return Dataset(folder)


def parse(arguments: list[str] | None = None) -> FaceOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.face", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    names = {part.name: part for part in PARTS}
    parser.add_argument("--part", choices=names, default=FACE.name, help="what it repaints")
    parser.add_argument("--minutes", type=float, help="of training, over all sittings (default 6)")
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=8, help="crops a step")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 takes all")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    given = parser.parse_args(arguments)
    minutes = 6.0 if given.minutes is None and given.steps is None else given.minutes
    return FaceOptions(
        run=given.run,
        budget=Budget(minutes, given.steps),
        part=names[given.part],
        seed=given.seed,
        device=given.device,
        threads=given.threads or (os.cpu_count() or 1),
        data=given.data,
        rows=given.batch,
    )


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    return sit(lambda: FaceTraining(parse(arguments)).run())


if __name__ == "__main__":
    sys.exit(main())
