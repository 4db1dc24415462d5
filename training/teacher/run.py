"""The teacher's run folder: one folder a stage, each with its record and its checkpoint.

RUN/global/stage.json           what was asked for, and of which dataset
RUN/global/checkpoint.safetensors
RUN/global/samples/*.png        label | painted | truth
RUN/global/log.jsonl            losses, and what was noticed
RUN/local/, RUN/face/           the same
RUN/pictures/                   what the teacher paints for the student, see `pictures`
RUN/student/                    a run folder of `training.student`
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
from training.teacher.nets import GlobalGenerator, LocalEnhancer, Teacher, TeacherShape

FORMAT = 1
RECORD = "stage.json"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What `stage.json` says."""

    stage: str
    data: str  # the dataset folder
    data_sha256: str  # of its dataset.json
    size: tuple[int, int]  # (height, width) of the pictures, pixels
    face_side: int  # of the face net's square, pixels; 0 in the other stages
    style: LabelStyle
    settings: dict[str, Any]

    @property
    def shape(self) -> TeacherShape:
        """Of the stage's net."""
        return TeacherShape(**self.settings["shape"])

    def write(self, folder: Path) -> None:
        """Write `stage.json`."""
        content = {"format": FORMAT, **asdict(self)}
        write_whole(folder / RECORD, (json.dumps(content, indent=2) + "\n").encode())

    def refuse_unless_same(self, other: StageRecord, folder: Path) -> None:
        """Raises SetupError where `folder` holds a stage of `self`, and `other` is asked for."""
        if self.data_sha256 != other.data_sha256:
            raise SetupError(
                f"{folder} was trained on another state of the dataset ({self.data}) than "
                f"{other.data} is in now; name a new --out, or restore the dataset"
            )
        for name in ("size", "face_side", "style"):
            _refuse(folder, name, getattr(self, name), getattr(other, name))
        for name in other.settings:
            _refuse(folder, name, self.settings.get(name), other.settings[name])


def _refuse(folder: Path, name: str, old: Any, new: Any) -> None:
    if old != new:
        raise SetupError(
            f"{folder} holds a run with {name} {old}, and {new} is asked for now; give the same "
            f"options to go on, or name a new --out"
        )


def read_stage(folder: Path) -> StageRecord | None:
    """The record of a stage's folder; None where there is none. Raises SetupError."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") > FORMAT:
            raise ValueError(f"its format is newer than this program's {FORMAT}")
        style = {**content.pop("style")}
        style["groups"] = tuple(style["groups"])
        size = tuple(content.pop("size"))
        return StageRecord(**content, size=size, style=LabelStyle(**style))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SetupError(f"{path} cannot be used ({error}); train again in a new --out") from error


@dataclass(frozen=True, slots=True, eq=False)
class Painters:
    """The nets of a run, as far as they are trained, in evaluation mode."""

    record: StageRecord  # of the generator's last stage
    net: Teacher
    face: GlobalGenerator | None
    face_side: int
    steps: dict[str, int]  # by stage

    @property
    def feedback(self) -> bool:
        """Whether the generator wants its last picture."""
        return bool(self.record.settings["temporal"])


def load_painters(run: Path) -> Painters:
    """The enhancer of the folder `run`, or its global generator; and its face net, if any."""
    contents = {s: load_checkpoint(run / s, ("net", "step")) for s in ("global", "local", "face")}
    main = "local" if contents["local"] else "global"
    content, record = contents[main], read_stage(run / main)
    if content is None or record is None:
        raise SetupError(f"{run} has no trained teacher; run training.train with --out {run} first")
    glob = GlobalGenerator(record.shape)
    net: Teacher = LocalEnhancer(glob) if main == "local" else glob
    with fitting(run / main):
        net.load_state_dict(content["net"])
    face, side = _load_face(run, contents["face"], record)
    steps = {stage: int(held["step"]) for stage, held in contents.items() if held}
    return Painters(record, net.requires_grad_(False).eval(), face, side, steps)


def _load_face(
    run: Path, content: dict[str, Any] | None, main: StageRecord
) -> tuple[GlobalGenerator | None, int]:
    record = read_stage(run / "face")
    if content is None or record is None or record.size != main.size:
        return None, 0
    net = GlobalGenerator(record.shape)
    with fitting(run / "face"):
        net.load_state_dict(content["net"])
    return net.requires_grad_(False).eval(), record.face_side
