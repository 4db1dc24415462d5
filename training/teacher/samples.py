"""Pictures of how far the teacher is: label | painted | truth, for a few held-out moments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from live.frames import Image
from training.dataset import Dataset
from training.samples import change, psnr, write_grid
from training.teacher.clips import ClipBatches
from training.teacher.stages import Stage

ROWS = 4
EFFECT_FLOOR = 0.5  # 8-bit levels; truths that differ less say nothing about labels


@dataclass(frozen=True, slots=True)
class TeacherGlance:
    """A first impression, on single held-out frames."""

    psnr_db: float
    label_effect: float  # change of the picture from moment to moment, against the truth's own


class TeacherSamples:
    """A fixed choice of held-out runs, spread over the tail."""

    def __init__(self, data: Dataset, batches: ClipBatches, rows: int = ROWS) -> None:
        frames = batches.settings.frames
        pool = [n for n in data.held_out.tolist() if self._whole(data, n, frames)]
        starts = pool or batches.starts.tolist()
        chosen = [starts[n] for n in np.linspace(0, len(starts) - 1, rows).round().astype(int)]
        self._clips = batches.exact(chosen)
        if batches.settings.face_side and bool((self._clips.heads < 0).any()):
            self._clips = batches.exact(
                batches.starts[:: max(len(batches.starts) // rows, 1)][:rows].tolist()
            )

    @staticmethod
    def _whole(data: Dataset, start: int, frames: int) -> bool:
        last = start + frames - 1
        return bool(
            last < len(data)
            and data.clips[last] == data.clips[start]
            and data.seen[start : last + 1].all()
        )

    @torch.no_grad()
    def look(self, stage: Stage, device: torch.device, path: Path) -> TeacherGlance:
        """Paint, write the grid to `path`, and measure the runs' last frames."""
        clips = self._clips.to(device)
        judged = stage.judged(clips, stage.module(*stage.inputs(clips)))
        label, found, truth = (_images(p) for p in (judged.label, judged.found, judged.wanted))
        write_grid(path, [list(row) for row in zip(label, found, truth, strict=True)])
        pictures, truths = np.stack(found), np.stack(truth)
        gap = (pictures.astype(np.float64) - truths) ** 2
        effect = change(pictures) / max(change(truths), EFFECT_FLOOR)
        return TeacherGlance(psnr(float(gap.mean())), effect)


def _images(pictures: Tensor) -> list[Image]:
    """(B, U, 3, h, w) in [-1, 1] -> the last of every run, RGB uint8."""
    scaled = ((pictures[:, -1].float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return list(np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy()))
