"""The run folder: what `training.student` writes and `training.evaluate` and `export` read.

run.json         options, shape of the net, label style, where the dataset is
checkpoint.safetensors    everything needed to go on
samples/*.png    label | generated | truth, one row a held-out frame
log.jsonl        losses and figures while training
sheet.md, sheet.json, strip.png    written by `training.evaluate`
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from live.errors import SetupError
from live.skeleton import LabelStyle
from training.checkpoint import fitting, load_checkpoint
from training.disk import write_whole
from training.nets import Student, StudentShape

FORMAT = 1
RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What `run.json` says."""

    data: Path  # the dataset folder
    data_sha256: str  # of its dataset.json
    shape: StudentShape
    style: LabelStyle
    settings: dict[str, Any]  # seed, batches, losses: what may not change when a run goes on

    def write(self, run: Path) -> None:
        """Write `run.json` into the folder `run`."""
        content = {
            "format": FORMAT,
            "data": str(self.data),
            "data_sha256": self.data_sha256,
            "shape": self.shape.to_json(),
            "style": asdict(self.style),
            "settings": self.settings,
        }
        write_whole(run / RECORD, (json.dumps(content, indent=2) + "\n").encode())


def read_record(run: Path) -> RunRecord:
    """`run.json` of the folder `run`. Raises SetupError."""
    path = run / RECORD
    if not path.is_file():
        raise SetupError(f"{path} is missing; train a student there with training.student first")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise ValueError(f"format {content['format']} is newer than this program's {FORMAT}")
        style = dict(content["style"])
        style["groups"] = tuple(style["groups"])
        return RunRecord(
            data=Path(content["data"]),
            data_sha256=content["data_sha256"],
            shape=StudentShape.from_json(content["shape"]),
            style=LabelStyle(**style),
            settings=content["settings"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SetupError(f"{path} cannot be used ({error}); train again in a new folder") from error


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained student and how it came about."""

    record: RunRecord
    net: Student  # the averaged weights, in evaluation mode
    facts: dict[str, Any]  # steps, minutes, samples
    progress: float = 1.0  # share of its training that is done, where the checkpoint says so


def load_trained(run: Path) -> Trained:
    """The student of the folder `run`, as of its last checkpoint. Raises SetupError."""
    record = read_record(run)
    checkpoint = load_checkpoint(run)
    if checkpoint is None:
        raise SetupError(f"{run} has no checkpoint yet; let training.student run for a minute")
    net = Student(record.shape)
    with fitting(run):
        net.load_state_dict(checkpoint["average"])
    facts = {
        "steps": int(checkpoint["step"]),
        "minutes": round(float(checkpoint["elapsed_s"]) / 60, 2),
        "samples": int(checkpoint["samples"]),
        "seed": record.settings.get("seed"),
    }
    return Trained(record, net.eval(), facts, float(checkpoint.get("progress", 1.0)))
