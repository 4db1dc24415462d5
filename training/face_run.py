"""The nets of a student's parts in its run folder: what `training.face` writes, and others read.

RUN/NAME/NAME.json      shape of the net, options, and for which student it was trained
RUN/NAME/checkpoint.safetensors
RUN/NAME/samples/*.png  label | without | with | truth, one row a held-out square, enlarged
RUN/NAME/log.jsonl      losses and figures while training

NAME is a part's: face, hands.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from live.errors import SetupError
from live.parts import FACE, Part
from training.checkpoint import fitting, load_checkpoint
from training.disk import write_whole
from training.face_net import FaceShape, FaceStudent
from training.run import Trained

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What `NAME.json` says."""

    student_sha256: str  # see `net_sha256`
    data_sha256: str  # of the dataset's dataset.json
    shape: FaceShape
    settings: dict[str, Any]  # seed, rates, batches: what may not change when a run goes on

    def write(self, folder: Path, part: Part) -> None:
        """Write `NAME.json` into RUN/NAME."""
        content = {
            "format": FORMAT,
            "student_sha256": self.student_sha256,
            "data_sha256": self.data_sha256,
            "shape": self.shape.to_json(),
            "settings": self.settings,
        }
        write_whole(record_path(folder, part), (json.dumps(content, indent=2) + "\n").encode())


@dataclass(frozen=True, slots=True, eq=False)
class PartNet:
    """A part's trained net and how it came about."""

    part: Part
    net: FaceStudent  # the averaged weights, in evaluation mode
    facts: dict[str, Any]  # steps, minutes


def record_path(folder: Path, part: Part) -> Path:
    """Of RUN/NAME its `NAME.json`."""
    return folder / f"{part.name}.json"


def command(part: Part) -> str:
    """What trains the part's net."""
    return "training.face" if part == FACE else f"training.face --part {part.name}"


def net_sha256(net: nn.Module) -> str:
    """Of a net's weights by name: the net's identity, whatever file it is in."""
    digest = hashlib.sha256()
    for name, weight in sorted(net.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)}\n".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_part_record(folder: Path, part: Part) -> PartRecord:
    """`NAME.json` of RUN/NAME. Raises SetupError."""
    path = record_path(folder, part)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise ValueError(f"format {content['format']} is newer than this program's {FORMAT}")
        return PartRecord(
            student_sha256=content["student_sha256"],
            data_sha256=content["data_sha256"],
            shape=FaceShape.from_json(content["shape"]),
            settings=content["settings"],
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SetupError(
            f"{path} cannot be used ({error}); delete {folder} and train the {part.name} again"
        ) from error


def load_part(run: Path, part: Part, trained: Trained) -> PartNet | None:
    """The part's net of the student's folder `run`, as of its last checkpoint; None without one.

    Raises SetupError where it cannot be used, or was trained for another student than `trained`.
    """
    folder = run / part.name
    if not record_path(folder, part).is_file():
        return None
    record = read_part_record(folder, part)
    refuse_another_student(folder, part, record, trained)
    checkpoint = load_checkpoint(folder, {"average", "step", "elapsed_s", "format"})
    if checkpoint is None:
        raise SetupError(
            f"{folder} has no checkpoint yet; let {command(part)} run for a minute, or delete it"
        )
    net = FaceStudent(record.shape)
    with fitting(folder):
        net.load_state_dict(checkpoint["average"])
    facts = {
        "steps": int(checkpoint["step"]),
        "minutes": round(float(checkpoint["elapsed_s"]) / 60, 2),
    }
    return PartNet(part, net.eval(), facts)


def refuse_another_student(folder: Path, part: Part, record: PartRecord, trained: Trained) -> None:
    """Raises SetupError where the net in `folder` is not for `trained`."""
    if record.student_sha256 != net_sha256(trained.net):
        raise SetupError(
            f"the {part.name} net in {folder} was trained for another student than the one that "
            f"is in {folder.parent} now: the student was trained on; delete {folder}, and train "
            f"it again with {command(part)}"
        )
