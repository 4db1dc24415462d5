"""A stage of the teacher's training from its beginning, or its last checkpoint, to its end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from tqdm import tqdm

from live.errors import SetupError
from training.board import Board
from training.checkpoint import fitting, last_good, load_checkpoint, save_checkpoint
from training.dataset import Dataset
from training.finite import NotFinite
from training.loader import Loader
from training.sitting import percent_bar
from training.teacher.backbones import open_backbone
from training.teacher.build import Plan, plan
from training.teacher.clips import ClipBatches, Clips, ClipSettings
from training.teacher.interrupts import whole_step
from training.teacher.memory import within_memory
from training.teacher.options import TeacherOptions
from training.teacher.run import read_stage
from training.teacher.samples import TeacherSamples
from training.teacher.trainer import TeacherTrainer
from training.teacher.world import World
from training.watchdog import Watchdog

log = logging.getLogger(__name__)

LOG_EVERY = 20  # steps
DRAW = 0.25  # the critic's loss a scale when it cannot tell: half of two quarters
WON_HELP = "try a smaller --critic-width, a larger --batch, --pixel 10, or more footage"
LABEL_HELP = "look at the samples; the footage may hold too little movement, or --pixel 10 may help"


class Session:
    """One stage; `run` brings it to the end of its budget."""

    def __init__(
        self,
        options: TeacherOptions,
        name: str,
        world: World,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises SetupError for another run's folder, a dataset that changed, a missing stage."""
        self._options, self._name, self._world, self._clock = options, name, world, clock
        self.folder = options.out / name
        torch.manual_seed(options.seed)
        planned = plan(options, name, world)
        self.size = planned.record.size
        self._open_folder(planned)
        data = Dataset(options.data)
        self._batches = self._make_batches(planned, data)
        pinned = Clips.pinned if world.device.type == "cuda" else None
        self.loader = Loader(self._batches, options.workers, pinned, clock)
        backbone = open_backbone(options.backbone) if planned.rates.weights.perceptual else None
        with within_memory(options, name, world):
            self.trainer = TeacherTrainer(planned.stage, planned.rates, backbone, world)
        self._samples = TeacherSamples(data, self._batches) if world.first else None
        self._watchdog = Watchdog(DRAW * planned.rates.scales, WON_HELP, LABEL_HELP)
        self._board = Board(self.folder, options.tensorboard and world.first)
        self._before_s, self._saved_step = 0.0, 0
        self._began_s = self._saved_s = self._looked_s = clock()
        self._resume()

    def run(self) -> dict[str, float]:
        """Train to the end; returns the last losses. A KeyboardInterrupt saves and passes on.

        Raises SetupError where numbers, memory or the disk break off: with what was saved, and what
        may help.
        """
        self._began_s = self._saved_s = self._looked_s = self._clock()
        try:
            with within_memory(self._options, self._name, self._world):
                losses = self._steps()
                if losses:
                    self._save()
                    self._look()
        except NotFinite as error:
            good = last_good(self.folder, self._saved_step)
            raise SetupError(
                f"{error}; {good}; try a smaller --rate, or without --bfloat16, in a new --out"
            ) from error
        except KeyboardInterrupt:
            self._save()
            raise
        finally:
            self._board.close()
        return losses

    def _steps(self) -> dict[str, float]:
        losses: dict[str, float] = {}
        progress = self._progress()
        with self._bar() as bar:
            batches = self.loader.ahead(self.trainer.step)
            while progress < 1:
                clips = next(batches)
                with whole_step():
                    losses = self.trainer.train(clips, progress)
                progress = self._progress()
                if self._world.first:
                    self._housekeeping(losses, progress, bar)
            batches.close()  # type: ignore[attr-defined]
        return losses

    def _housekeeping(self, losses: dict[str, float], progress: float, bar: tqdm[Any]) -> None:
        step, now_s = self.trainer.step, self._clock()
        self._show(bar, losses, progress)
        self._warn(self._watchdog.step(step, losses))
        if step % LOG_EVERY == 0 or step == 1:
            self._board.write(step, {**losses, "waited_share": self.waited_share()})
        if now_s - self._saved_s >= self._options.save_every_s:
            self._save()
            self._saved_s = now_s
        if now_s - self._looked_s >= self._options.sample_every_s:
            self._look()
            self._looked_s = now_s

    def elapsed_s(self) -> float:
        """Seconds of training, over all sittings."""
        return self._before_s + self._clock() - self._began_s

    def waited_share(self) -> float:
        """Of this sitting's time, that was spent waiting for batches."""
        return self.loader.waited_s / max(self._clock() - self._began_s, 1e-6)

    def _progress(self) -> float:
        own = self._options.budget.progress(self.trainer.step, self.elapsed_s())
        return self._world.agreed(own)

    def _save(self) -> None:
        if self._world.first:
            place = {"elapsed_s": self.elapsed_s(), "stage": self._name}
            save_checkpoint(self.folder, {**self.trainer.content(), **place})
            self._saved_step = self.trainer.step

    def _resume(self) -> None:
        content = load_checkpoint(self.folder)
        if not self._world.same(-1 if content is None else content["step"]):
            raise SetupError(
                f"the processes find different checkpoints in {self.folder}; --out must be one "
                f"folder that all machines share"
            )
        if content is None:
            return
        with fitting(self.folder), within_memory(self._options, self._name, self._world):
            self.trainer.restore(content)
        self._before_s, self._saved_step = content["elapsed_s"], content["step"]
        if self._world.first:
            log.info("%s: going on at step %d", self._name, self.trainer.step)

    def _open_folder(self, planned: Plan) -> None:
        old = read_stage(self.folder)
        if old is not None:
            old.refuse_unless_same(planned.record, self.folder)
        elif self._world.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            planned.record.write(self.folder)
        self._world.meet()

    def _make_batches(self, planned: Plan, data: Dataset) -> ClipBatches:
        options, record = self._options, planned.record
        settings = ClipSettings(
            size=record.size,
            rows=options.batch,
            frames=options.unroll,
            face_side=record.face_side,
            foreground=options.foreground,
        )
        share = (self._world.rank, self._world.size)
        return ClipBatches(data, record.style, settings, options.seed, share)

    def _look(self) -> None:
        """Sample pictures, and a first figure of quality."""
        if self._samples is None:
            return
        step = self.trainer.step
        path = self.folder / "samples" / f"{step:06d}.png"
        glance = self._samples.look(self.trainer.stage, self._world.device, path)
        self._board.write(step, {"elapsed_s": self.elapsed_s(), **asdict(glance)})
        self._board.picture(step, path)
        if self._options.progress:
            line = f"{self._name}, step {step}: held-out {glance.psnr_db:.2f} dB, "
            tqdm.write(line + f"label effect {glance.label_effect:.2f}", file=sys.stderr)
        progress = self._options.budget.progress(step, self.elapsed_s())
        self._warn(self._watchdog.look(step, progress, glance.label_effect))

    def _warn(self, sentence: str | None) -> None:
        if sentence:
            log.warning("%s, step %d: %s", self._name, self.trainer.step, sentence)
            self._board.write(self.trainer.step, {"warning": sentence})

    def _bar(self) -> tqdm[Any]:
        done = self._options.budget.progress(self.trainer.step, self._before_s)
        return percent_bar(done, self._options.progress and self._world.first, self._name)

    def _show(self, bar: tqdm[Any], losses: dict[str, float], progress: float) -> None:
        rate = self.trainer.samples / max(self.elapsed_s(), 1e-3)
        bar.set_postfix_str(
            f"step {self.trainer.step}, {rate:.2f} runs/s, loss {losses['total']:.3f}",
            refresh=False,
        )
        bar.update(round(100 * progress, 2) - bar.n)
