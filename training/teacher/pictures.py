"""The teacher's pictures of the training footage, painted once and kept: the student's other truth.

TEACHER_RUN/pictures/000000.jpg ...   frame by frame, the stage's size
TEACHER_RUN/pictures/pictures.json    by which checkpoints, of which dataset
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from live.errors import SetupError
from live.frames import Image
from training.dataset import Dataset, decode, digest, encode_jpeg
from training.disk import write_whole
from training.teacher.painter import Painter
from training.teacher.run import Painters, load_painters

FOLDER, STAMP = "pictures", "pictures.json"


class TeacherPictures:
    """Reads them; every training frame that shows the person has one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def frame(self, number: int) -> Image:
        """RGB uint8 (H, W, 3) at the stage's size. Raises SetupError where it is missing."""
        path = _path(self._folder, number)
        if not path.is_file():
            raise SetupError(f"{path} is missing; delete {self._folder} to have it painted anew")
        return decode(np.fromfile(path, np.uint8))


def teacher_pictures(
    run: Path, data: Dataset, device: torch.device, progress: bool = True
) -> TeacherPictures:
    """What the teacher of `run` paints for `data`'s training frames, painted now where it is not.

    Stopped, it goes on at the clip where it was; pictures of an earlier checkpoint are replaced.
    Raises SetupError for a teacher of other footage.
    """
    painters = load_painters(run)
    stamp = _stamp(painters, data)
    folder = run / FOLDER
    if _read_stamp(folder) != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_whole(folder / STAMP, json.dumps(stamp).encode())
    _paint(painters, data, folder, device, progress)
    return TeacherPictures(folder)


def _paint(
    painters: Painters, data: Dataset, folder: Path, device: torch.device, progress: bool
) -> None:
    painter = Painter(painters, data.plate, device)
    with tqdm(
        total=len(data.train), desc="teacher's pictures", unit="frame", disable=not progress
    ) as bar:
        for numbers in runs_of(data):
            # Each picture feeds the next, so a run is painted whole; its last one tells it is.
            if not _path(folder, numbers[-1]).is_file():
                painter.reset()
                for number in numbers:
                    picture = painter.paint(data.points[number], data.scores[number])
                    write_whole(_path(folder, number), encode_jpeg(picture))
                    bar.update()
            else:
                bar.update(len(numbers))


def runs_of(data: Dataset) -> list[list[int]]:
    """Numbers of the training frames that show the person, in runs without a gap or a cut.

    Where nobody is seen the teacher has nothing to say: the plate is known without it.
    """
    numbers = data.train
    ends = (np.diff(numbers) > 1) | (np.diff(data.clips[numbers]) != 0)
    return [run.tolist() for run in np.split(numbers, np.flatnonzero(ends) + 1) if len(run)]


def _stamp(painters: Painters, data: Dataset) -> dict[str, Any]:
    record = painters.record
    if record.data_sha256 != (sha := digest(data.folder)):
        raise SetupError(
            f"the teacher was trained on {record.data}, or on another state of it than "
            f"{data.folder} is in; train both on one dataset"
        )
    return {"data_sha256": sha, "steps": painters.steps, "size": list(record.size)}


def _read_stamp(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.jpg"
