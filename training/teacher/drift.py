"""Does an endless show drift? Thousands of pictures, each fed back into the next, and what of it.

    python -m training.teacher.drift RUN [--data DATA] [--frames 2000]

RUN is a teacher's or a student's. Training of a few frames never sees its own thousandth picture.
The poses are the held-out tail's, there and back again without a jump; compared are two passes over
the same poses, an early and the last.
Prints a table, then JSON in one line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from training.dataset import Dataset
from training.device import choose_device
from training.painters import open_painters
from training.run import RECORD
from training.samples import to_tensor
from training.teacher.painter import Painter
from training.teacher.run import load_painters

EARLY = 100  # by then the empty first picture is forgotten
FPS = 30.0  # of the student's window, which follows in time
SPAN = 50  # poses of one way; a pass there and back takes twice as many frames

Pose = TypeVar("Pose")


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of the pictures, in 8-bit levels."""

    frames: int
    finite: bool
    largest: float  # magnitude of any value, in [-1, 1] where all is well
    mean_gap: float  # of the mean colour, late against early
    deviation_gap: float  # of the pictures' own deviation
    picture_gap: float  # mean |late picture - early picture| of the same poses


def drift(step: Callable[[Pose], Tensor], poses: Sequence[Pose], frames: int = 2000) -> Drift:
    """Paint `frames` pictures recursively. `step` paints one, (1, 3, h, w), after the last."""
    way = list(range(len(poses)))
    there_and_back = way + way[::-1]
    period = len(there_and_back)
    early_at = -(-EARLY // period) * period  # a whole number of passes
    late_at = (frames // period - 1) * period
    if late_at < early_at:
        raise SetupError(f"--frames {frames} is too few; at least {early_at + period} are needed")
    early: list[NDArray[np.float32]] = []
    late: list[NDArray[np.float32]] = []
    largest, finite = 0.0, True
    for number in tqdm(range(late_at + period), desc="drift", leave=False, disable=None):
        picture = step(poses[there_and_back[number % period]])[0].float().cpu().numpy()
        peak = float(np.abs(picture).max())
        finite = finite and bool(np.isfinite(peak))
        largest = max(largest, peak)
        if early_at <= number < early_at + period:
            early.append(picture)
        elif number >= late_at:
            late.append(picture)
    return _compared(np.stack(early), np.stack(late or early), late_at + period, finite, largest)


def _compared(
    early: NDArray[np.float32], late: NDArray[np.float32], frames: int, finite: bool, largest: float
) -> Drift:
    one, other = early * 127.5, late * 127.5
    return Drift(
        frames=frames,
        finite=finite,
        largest=largest,
        mean_gap=float(np.abs(one.mean((0, 2, 3)) - other.mean((0, 2, 3))).max()),
        deviation_gap=float(abs(one.std() - other.std())),
        picture_gap=float(np.abs(one - other).mean()),
    )


def measure(run: Path, where: Path | None, frames: int) -> Drift:
    """The drift of the student of `run`, or else of its teacher. Raises SetupError."""
    if (run / RECORD).is_file():
        return _of_a_student(run, where, frames)
    painters = load_painters(run)
    data = Dataset(where or Path(painters.record.data))
    painter = Painter(painters, data.plate, choose_device("auto"))
    poses = [(painter.fit.points(data.points[n]), data.scores[n]) for n in _numbers(data)]
    return drift(lambda pose: painter.step(*pose), poses, frames)


def _of_a_student(run: Path, where: Path | None, frames: int) -> Drift:
    """On the whole stage, as it is seen: with its window, over the plate."""
    (painter, *_) = open_painters(run)
    data = Dataset(where or painter.data)
    numbers = _numbers(data)
    order = np.resize(np.concatenate([numbers, numbers[::-1]]), frames)
    times_s = np.arange(frames) / FPS
    pictures = painter.paint((data.points[order], data.scores[order]), times_s, data)

    def step(_: np.int64) -> Tensor:
        return to_tensor(next(pictures)[None]) * 2 - 1

    return drift(step, list(numbers), frames)


def _numbers(data: Dataset) -> NDArray[np.int64]:
    """Of held-out frames that show the person. Raises SetupError where there is none."""
    numbers = data.held_out[data.seen[data.held_out]][:SPAN]
    if not len(numbers):
        raise SetupError(f"{data.folder} has no held-out frame that shows the person")
    return numbers


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.teacher.drift", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    parser.add_argument("--frames", type=int, default=2000)
    given = parser.parse_args(arguments)
    try:
        found = measure(given.run, given.data, given.frames)
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    for name, value in asdict(found).items():
        print(f"{name:>14}  {value if not isinstance(value, float) else round(value, 3)}")
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
