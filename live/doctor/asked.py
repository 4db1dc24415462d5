"""`--doctor`, `--list-cameras`, `--list-subjects`: questions instead of a show."""

from __future__ import annotations

import enum
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from live.errors import SetupError


class Question(enum.Enum):
    """What is asked instead of a show."""

    DOCTOR = "--doctor"
    CAMERAS = "--list-cameras"
    SUBJECTS = "--list-subjects"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question."""

    question: Question
    folder: Path | None = None  # where subjects are looked for, besides those that are known
    json: Path | None = None  # where the doctor's findings are written, for machines
    source_named: bool = True  # a camera, clip or URL is on the command line, or --demo


def add_doctor_arguments(parser: ArgumentParser) -> None:
    """`--doctor`, `--doctor-json`, `--list-cameras` and `--list-subjects`."""
    group = parser.add_argument_group("instead of a show")
    questions = group.add_mutually_exclusive_group()
    questions.add_argument(
        "--doctor",
        action="store_true",
        help="look at all that the show needs, as it is asked for by the other options, and say "
        "what is right, what is wrong and how to mend it",
    )
    questions.add_argument(
        "--list-cameras", action="store_true", help="the cameras of this machine, by their numbers"
    )
    questions.add_argument(
        "--list-subjects",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="FOLDER",
        help="the subjects in FOLDER and below, else those of --subjects and the demo's",
    )
    group.add_argument(
        "--doctor-json",
        type=Path,
        metavar="FILE",
        help="write what --doctor found into FILE, too, for programs",
    )


def inquiry_of(found: Namespace) -> Inquiry | None:
    """The question from what `add_doctor_arguments` added; None: a show is wanted.

    Raises SetupError.
    """
    if found.doctor_json is not None and not found.doctor:
        raise SetupError("--doctor-json without --doctor; give --doctor too")
    if found.list_cameras:
        return Inquiry(Question.CAMERAS)
    if found.list_subjects is not None:
        named = found.list_subjects != Path()
        return Inquiry(Question.SUBJECTS, _folder(found.list_subjects) if named else None)
    if not found.doctor:
        return None
    source_named = bool(found.demo or found.camera is not None or found.source is not None)
    return Inquiry(Question.DOCTOR, json=found.doctor_json, source_named=source_named)


def _folder(path: Path) -> Path:
    folder = path.expanduser()
    if not folder.is_dir():
        raise SetupError(f"--list-subjects {path} is no folder; give one that holds subjects")
    return folder
