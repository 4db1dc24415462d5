"""A student's face net in its run folder: what `training.face` writes, and others read.

RUN/face/face.json      shape of the net, options, and for which student it was trained
RUN/face/checkpoint.safetensors
RUN/face/samples/*.png  label | without | with | truth, one row a held-out head, enlarged
RUN/face/log.jsonl      losses and figures while training
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from live.errors import SetupError
from training.checkpoint import fitting, load_checkpoint
from training.disk import write_whole
from training.face_net import FaceShape, FaceStudent
from training.run import Trained

FORMAT = 1
FOLDER = "face"
RECORD = "face.json"


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """What `face.json` says."""

    student_sha256: str  # see `net_sha256`
    data_sha256: str  # of the dataset's dataset.json
    shape: FaceShape
    settings: dict[str, Any]  # seed, rates, batches: what may not change when a run goes on

    def write(self, folder: Path) -> None:
        """Write `face.json` into RUN/face."""
        content = {
            "format": FORMAT,
            "student_sha256": self.student_sha256,
            "data_sha256": self.data_sha256,
            "shape": self.shape.to_json(),
            "settings": self.settings,
        }
        write_whole(folder / RECORD, (json.dumps(content, indent=2) + "\n").encode())


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A trained face net and how it came about."""

    net: FaceStudent  # the averaged weights, in evaluation mode
    facts: dict[str, Any]  # steps, minutes


def net_sha256(net: nn.Module) -> str:
    """Of a net's weights by name: the net's identity, whatever file it is in."""
    digest = hashlib.sha256()
    for name, weight in sorted(net.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)}\n".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_face_record(folder: Path) -> FaceRecord:
    """`face.json` of RUN/face. Raises SetupError."""
    path = folder / RECORD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise ValueError(f"format {content['format']} is newer than this program's {FORMAT}")
        return FaceRecord(
            student_sha256=content["student_sha256"],
            data_sha256=content["data_sha256"],
            shape=FaceShape.from_json(content["shape"]),
            settings=content["settings"],
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SetupError(
            f"{path} cannot be used ({error}); delete {folder} and train the face again"
        ) from error


def load_face(run: Path, trained: Trained) -> Face | None:
    """The face net of the student's folder `run`, as of its last checkpoint; None without one.

    Raises SetupError where it cannot be used, or was trained for another student than `trained`.
    """
    folder = run / FOLDER
    if not (folder / RECORD).is_file():
        return None
    record = read_face_record(folder)
    refuse_another_student(folder, record, trained)
    checkpoint = load_checkpoint(folder, {"average", "step", "elapsed_s", "format"})
    if checkpoint is None:
        raise SetupError(
            f"{folder} has no checkpoint yet; let training.face run for a minute, or delete it"
        )
    net = FaceStudent(record.shape)
    with fitting(folder):
        net.load_state_dict(checkpoint["average"])
    facts = {
        "steps": int(checkpoint["step"]),
        "minutes": round(float(checkpoint["elapsed_s"]) / 60, 2),
    }
    return Face(net.eval(), facts)


def refuse_another_student(folder: Path, record: FaceRecord, trained: Trained) -> None:
    """Raises SetupError where the face in `folder` is not `trained`'s."""
    if record.student_sha256 != net_sha256(trained.net):
        raise SetupError(
            f"the face in {folder} was trained for another student than the one that is in "
            f"{folder.parent} now: the student was trained on; delete {folder}, and train the face "
            f"again with training.face"
        )
