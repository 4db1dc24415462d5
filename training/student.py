"""Dataset -> trained live generator.

    python -m training.student DATA --out RUN [--minutes 50 | --steps N] [--seed 0] [--device auto]
        [--teacher TEACHER_RUN]

Writes a checkpoint every minute; stopped or killed, the same command goes on where it was.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from live.errors import SetupError
from live.skeleton import LabelStyle
from training.batches import Batches, BatchSettings, figure_size
from training.board import Board
from training.checkpoint import fitting, last_good, load_checkpoint, save_checkpoint
from training.dataset import Dataset, digest
from training.device import choose_device, loader_threads
from training.distil import DistilWeights
from training.finite import NotFinite
from training.loader import Loader
from training.nets import StudentShape
from training.run import RECORD, RunRecord, read_record
from training.samples import Glance, Samples
from training.schedule import PHASES, Budget, Phase, phase_at
from training.sitting import percent_bar, sit
from training.student_memory import foresight, within_memory
from training.teacher.interrupts import whole_step
from training.teacher.pictures import teacher_pictures
from training.tiers import TIERS, shape_of
from training.trainer import Trainer, TrainerSettings
from training.watchdog import Watchdog

log = logging.getLogger(__name__)

LOG_EVERY = 50  # steps
DRAW = 0.5  # the critic's loss when it cannot tell: a quarter for the real, one for the painted
WON_HELP = "film more, or train for fewer minutes: it knows the footage by heart"
LABEL_HELP = "the plate may show the person, or the footage little movement; look at both"
LONGEST_UNROLL = 64


@dataclass(frozen=True, slots=True)
class StudentOptions:
    """What the command line may set."""

    data: Path
    out: Path
    budget: Budget
    seed: int = 0
    device: str = "auto"
    threads: int = 0  # of the CPU; 0 takes all
    save_every_s: float = 60.0
    sample_every_s: float = 120.0
    tensorboard: bool = False
    progress: bool = True
    shape: StudentShape = StudentShape()
    trainer: TrainerSettings = TrainerSettings()
    batches: BatchSettings = BatchSettings()
    phases: tuple[Phase, ...] = PHASES
    teacher: Path | None = None  # a run of `training.train`, to be learned from beside the footage
    distil: DistilWeights = DistilWeights()

    def __post_init__(self) -> None:
        if self.batches.rows < 1:
            raise SetupError(f"--batch is {self.batches.rows}; it must be above 0")
        if not 1 <= self.batches.length <= LONGEST_UNROLL:
            raise SetupError(
                f"--unroll is {self.batches.length}; it must be within 1 and {LONGEST_UNROLL}"
            )

    def settings(self) -> dict[str, Any]:
        """What may not change when a run goes on, as JSON holds it."""
        held = {
            "seed": self.seed,
            "trainer": asdict(self.trainer),
            "batches": asdict(self.batches),
            "phases": [asdict(phase) for phase in self.phases],
        }
        if self.teacher is not None:
            held["teacher"] = {"run": str(self.teacher.absolute()), **asdict(self.distil)}
        return dict(json.loads(json.dumps(held)))


class Training:
    """A run from its beginning, or from its last checkpoint, to the end of its budget."""

    def __init__(
        self, options: StudentOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._clock = clock
        self._data = Dataset(options.data)
        if not len(self._data.train):
            raise SetupError(f"{options.data} has no training frame that shows a person")
        self._style = LabelStyle()
        self._open_run()
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        device = choose_device(options.device)
        if warning := foresight(options.shape, options.batches.rows, self._crop(), device):
            log.warning("%s", warning)
        with self._within_memory(device):
            self.trainer = Trainer(options.shape, options.trainer, device, options.distil)
        teacher = options.teacher
        self._teacher = (
            teacher_pictures(teacher, self._data, device, options.progress) if teacher else None
        )
        self._samples = Samples(self._data, self._style)
        self._workers = loader_threads(device)
        self._watchdog = Watchdog(DRAW, WON_HELP, LABEL_HELP)
        self._board = Board(options.out, options.tensorboard)
        self._phase, self._phase_step, self._before_s = -1, 0, 0.0
        self._saved_step, self._waited_s = 0, 0.0
        self._resume()

    def run(self) -> dict[str, float]:
        """Train to the end; returns the last losses. A KeyboardInterrupt saves and passes on.

        Raises SetupError where numbers, memory or the disk break off: with what was saved, and what
        may help.
        """
        self._began_s = self._saved_s = self._sampled_s = self._clock()
        losses: dict[str, float] = {}
        try:
            with self._within_memory(self.trainer.device), self._bar() as bar:
                while (progress := self._progress()) < 1:
                    losses = self._phase_until_it_ends(progress, bar) or losses
                self.save()
                self._look()
        except NotFinite as error:
            good = last_good(self._options.out, self._saved_step)
            raise SetupError(
                f"{error}; {good}; the same command goes on from there, another --seed in a new "
                f"--out goes another way"
            ) from error
        except KeyboardInterrupt:
            self.save()
            raise
        finally:
            self._board.close()
        return losses

    def _within_memory(self, device: torch.device) -> AbstractContextManager[None]:
        options = self._options
        return within_memory(options.shape, options.batches.rows, self._crop, device)

    def _crop(self) -> tuple[int, int]:
        return self._options.batches.crop or figure_size(self._data)

    def _phase_until_it_ends(self, progress: float, bar: tqdm[Any]) -> dict[str, float]:
        number = phase_at(progress, self._options.phases)
        if number != self._phase:
            self._phase, self._phase_step = number, 0
            self.trainer.forget_streams()
        phase = self._options.phases[number]
        losses: dict[str, float] = {}
        loader = Loader(self._batches(), self._workers, clock=self._clock)
        waited_before_s = self._waited_s
        for batch in loader.ahead(self._phase_step):
            self._waited_s = waited_before_s + loader.waited_s
            with whole_step():
                losses = self.trainer.train(batch, progress, phase.adversarial, phase.perceptual)
                self._phase_step += 1
            self._housekeeping(losses, bar)
            progress = self._progress()
            if progress >= 1 or phase_at(progress, self._options.phases) != number:
                break
        return losses

    def _batches(self) -> Batches:
        seed = self._options.seed * len(self._options.phases) + self._phase
        return Batches(self._data, self._style, self._options.batches, seed, self._teacher)

    def waited_share(self) -> float:
        """Of this sitting's time, that was spent waiting for batches."""
        return self._waited_s / max(self._clock() - self._began_s, 1e-6)

    def elapsed_s(self) -> float:
        """Seconds of training, over all sittings."""
        return self._before_s + self._clock() - self._began_s

    def _progress(self) -> float:
        return self._options.budget.progress(self.trainer.step, self.elapsed_s())

    def _housekeeping(self, losses: dict[str, float], bar: tqdm[Any]) -> None:
        now_s = self._clock()
        self._show(bar, losses)
        self._warn(self._watchdog.step(self.trainer.step, losses))
        if self.trainer.step % LOG_EVERY == 0 or self.trainer.step == 1:
            self._board.write(self.trainer.step, {**losses, "waited_share": self.waited_share()})
        if now_s - self._saved_s >= self._options.save_every_s:
            self.save()
            self._saved_s = now_s
        if now_s - self._sampled_s >= self._options.sample_every_s:
            self._look()
            self._sampled_s = now_s

    def save(self) -> None:
        """Write a checkpoint."""
        place = {
            "phase": self._phase,
            "phase_step": self._phase_step,
            "elapsed_s": self.elapsed_s(),
            "progress": self._progress(),
        }
        save_checkpoint(self._options.out, {**self.trainer.content(), **place})
        self._saved_step = self.trainer.step

    def _resume(self) -> None:
        content = load_checkpoint(self._options.out)
        if content is None:
            return
        with fitting(self._options.out), self._within_memory(self.trainer.device):
            self.trainer.restore(content)
        self._saved_step = self.trainer.step
        self._phase, self._phase_step = content["phase"], content["phase_step"]
        self._before_s = content["elapsed_s"]
        log.info("going on at step %d, minute %.1f", self.trainer.step, self._before_s / 60)

    def _open_run(self) -> None:
        """Write run.json, or check that it is this very run's."""
        options = self._options
        record = RunRecord(
            data=options.data.absolute(),
            data_sha256=digest(options.data),
            shape=options.shape,
            style=self._style,
            settings=options.settings(),
        )
        if not (options.out / RECORD).is_file():
            options.out.mkdir(parents=True, exist_ok=True)
            record.write(options.out)
            return
        old = read_record(options.out)
        if (old.data_sha256, old.shape, old.settings) != (
            record.data_sha256, record.shape, record.settings,
        ):  # fmt: skip
            raise SetupError(
                f"{options.out} holds a run with other data or options; name a new folder"
            )

    def _look(self) -> None:
        """Sample pictures, a first figure of quality, and warnings of what they tell."""
        step, elapsed_s = self.trainer.step, self.elapsed_s()
        path = self._options.out / "samples" / f"{step:06d}.png"
        glance = self._samples.look(self.trainer.average, self.trainer.device, path)
        self._board.write(step, {"elapsed_s": elapsed_s, **asdict(glance)})
        self._board.picture(step, path)
        tqdm.write(_glance_line(self.trainer, elapsed_s, glance), file=sys.stderr)
        progress = self._progress()
        self._warn(self._watchdog.look(step, progress, glance.label_effect))
        self._warn(self._watchdog.alpha(step, progress, glance.alpha_person, glance.alpha_empty))

    def _warn(self, sentence: str | None) -> None:
        if sentence:
            log.warning("step %d: %s", self.trainer.step, sentence)
            self._board.write(self.trainer.step, {"warning": sentence})

    def _bar(self) -> tqdm[Any]:
        done = self._options.budget.progress(self.trainer.step, self._before_s)
        return percent_bar(done, self._options.progress)

    def _show(self, bar: tqdm[Any], losses: dict[str, float]) -> None:
        rate = self.trainer.samples / max(self.elapsed_s(), 1e-3)
        bar.set_postfix_str(
            f"step {self.trainer.step}, {rate:.1f} samples/s, loss {losses['total']:.3f}",
            refresh=False,
        )
        bar.update(round(100 * self._progress(), 2) - bar.n)


def _glance_line(trainer: Trainer, elapsed_s: float, glance: Glance) -> str:
    return (
        f"minute {elapsed_s / 60:.1f}, step {trainer.step}: held-out {glance.psnr_db:.2f} dB, "
        f"person {glance.person_psnr_db:.2f} dB, label effect {glance.label_effect:.2f}"
    )


def parse(arguments: list[str] | None = None) -> StudentOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.student", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN")
    parser.add_argument("--minutes", type=float, help="of training, over all sittings (default 50)")
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 takes all")
    parser.add_argument("--tensorboard", action="store_true", help="also log to RUN/tensorboard")
    parser.add_argument("--tier", default="cpu", help=f"the net's size: {', '.join(TIERS)}")
    parser.add_argument("--batch", type=int, default=12, help="crops a step")
    parser.add_argument(
        "--unroll", type=int, default=4, help="pictures in a row, each fed back into the next"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="TEACHER_RUN",
        help="a run of training.train, to be learned from beside the footage",
    )
    given = parser.parse_args(arguments)
    minutes = 50.0 if given.minutes is None and given.steps is None else given.minutes
    return StudentOptions(
        data=given.data,
        out=given.out,
        budget=Budget(minutes, given.steps),
        seed=given.seed,
        device=given.device,
        threads=given.threads or (os.cpu_count() or 1),
        tensorboard=given.tensorboard,
        teacher=given.teacher,
        shape=shape_of(given.tier),
        batches=replace(BatchSettings(), rows=given.batch, length=given.unroll),
    )


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    return sit(lambda: Training(parse(arguments)).run())


if __name__ == "__main__":
    sys.exit(main())
