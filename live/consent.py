"""Who agreed to be set in motion: what a bundle's record says, or what the operator answers for.

A subject without a consent record is shown only after somebody has said, once, that they have the
person's consent. That word is kept with its date, for this bundle and for no other.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from live.arguments import Arguments
from live.errors import SetupError
from live.folders import STATE_VARIABLE, state_folder
from live.subject import Subject, SubjectManifest

log = logging.getLogger(__name__)

FOLDER = "consent"  # in the user's state folder
OPTION = "--i-have-consent"
LONGEST_WORDS = 2000  # characters
BIGGEST_FILE = 1 << 16  # bytes
Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What somebody answers for, about one bundle that has no consent record."""

    bundle_sha256: str  # `Subject.sha256`
    subject: str  # the bundle's name
    words: str  # as they were typed
    date: str  # ISO 8601 with a time zone, when they were typed

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{name} is {value!r}; it must be a text that is not empty")
        if datetime.datetime.fromisoformat(self.date).tzinfo is None:
            raise ValueError(f"date {self.date} has no time zone")


def add_consent_arguments(parser: Arguments) -> None:
    """`--i-have-consent`."""
    parser.add_argument(
        OPTION,
        metavar='"NAME, DATE, STATEMENT"',
        help="for a subject without a consent record: whose consent you have, since when "
        "(YYYY-MM-DD), and what it says; kept, so once is enough",
    )


def says(subject: Subject) -> str:
    """What is known of the consent, in words, for the person at the desk."""
    record = subject.manifest.consent
    if record is not None:
        return f"consent: {record.basis}, {record.date}, for {record.scope} ({record.subject})"
    found = acknowledgement(subject)
    if found is not None:
        return f"no consent record; answered for on {found.date[:10]}: {found.words}"
    return "no consent record, and nobody has answered for it"


def acknowledged(subject: Subject) -> bool:
    """Whether the subject may be shown: it has a record, or somebody has answered for it."""
    return subject.manifest.consent is not None or acknowledgement(subject) is not None


def acknowledgement(subject: Subject) -> Acknowledgement | None:
    """What was said about this very bundle; None where nothing was, or nothing to be believed.

    A file that is broken, names another bundle or could have been written by another user of the
    machine counts as absent, and the log says why.
    """
    return _acknowledgement(subject.sha256)


def allows(manifest: SubjectManifest, sha256: str) -> bool:
    """As `acknowledged`, of a bundle of which only the manifest was read (`load_manifest`)."""
    return manifest.consent is not None or _acknowledgement(sha256) is not None


def _acknowledgement(sha256: str) -> Acknowledgement | None:
    path = _file(sha256)
    try:
        content = _own_file(path)
        data = json.loads(content)
        found = Acknowledgement(**data)
        if found.bundle_sha256 != sha256:
            raise ValueError("it is about another bundle")
        if datetime.datetime.fromisoformat(found.date) > _now() + datetime.timedelta(days=1):
            raise ValueError(f"its date {found.date} is yet to come")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        log.warning("%s is not believed (%s); consent is asked for again", path, error)
        return None
    return found


def acknowledge(subject: Subject, words: str) -> None:
    """Keep that somebody answers for this bundle, in a file of mode 600, and log it.

    Raises SetupError for no words, or where the folder cannot be written.
    """
    words = " ".join(words.split())
    if not 0 < len(words) <= LONGEST_WORDS:
        raise SetupError(
            f"the consent was stated in {len(words)} characters; give 1 to {LONGEST_WORDS}"
        )
    date = _now().isoformat(timespec="seconds")
    said = Acknowledgement(subject.sha256, subject.manifest.name, words, date)
    path = _file(subject.sha256)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(asdict(said), indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SetupError(
            f"the consent cannot be kept in {path.parent} ({error}); "
            f"set {STATE_VARIABLE} to a folder that can be written"
        ) from error
    log.warning(
        "%s has no consent record; answered for by the operator: %s (kept in %s)",
        subject.origin, words, path,
    )  # fmt: skip


def require(subject: Subject, stated: str | None = None, ask: Ask | None = None) -> None:
    """Return if the subject may be shown; ask, or take what was `stated` on the command line.

    `ask` puts a question at the terminal and returns the answer; None: there is no terminal, or
    `at_terminal` says so. Raises SetupError, one sentence, when nobody answers for the subject.
    """
    if stated is not None:
        words = statement(stated)
        if subject.manifest.consent is None:
            acknowledge(subject, words)
        return
    if acknowledged(subject):
        return
    if ask is None:
        raise SetupError(_refusal(subject))
    if ask(_question(subject)).strip().casefold() != "yes":
        raise SetupError(_refusal(subject))
    acknowledge(subject, "yes, typed to: I have this person's consent")


def at_terminal() -> Ask | None:
    """How to ask the person at the desk; None where no person can answer."""
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        return None
    return _ask


def statement(stated: str) -> str:
    """`--i-have-consent` checked: "NAME, DATE, STATEMENT". Raises SetupError."""
    name, _, rest = stated.partition(",")
    date, _, words = rest.partition(",")
    try:
        day = datetime.date.fromisoformat(date.strip())
    except ValueError as error:
        raise SetupError(f"{OPTION} {stated!r}: {_FORM}") from error
    if not (name.strip() and words.strip()):
        raise SetupError(f"{OPTION} {stated!r}: {_FORM}")
    if day > _now().date() + datetime.timedelta(days=1):  # it may be tomorrow elsewhere
        raise SetupError(f"{OPTION} {stated!r}: {day} is yet to come; give the day it was given")
    return f"{name.strip()}, {day}, {words.strip()}"


_FORM = 'give "NAME, YYYY-MM-DD, STATEMENT": whose consent, since when, and what it says'


def _refusal(subject: Subject) -> str:
    return (
        f"{subject.origin} has no consent record; if you have the consent of the person it shows, "
        f'start the show at a terminal and type yes, or give {OPTION} "NAME, YYYY-MM-DD, STATEMENT"'
    )


def _question(subject: Subject) -> str:
    return (
        f"\n  {subject.origin} ({subject.manifest.name}) has no consent record.\n"
        "  It sets a person in motion who may not know of it. Show it only if that person agreed.\n"
        "  What you answer is kept with today's date.\n\n"
        "  I have this person's consent (type yes): "
    )


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _file(sha256: str) -> Path:
    return state_folder() / FOLDER / f"{sha256}.json"


def _own_file(path: Path) -> str:
    """The content of a file that only this user can have written. Raises OSError, ValueError."""
    nofollow = getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, os.O_RDONLY | nofollow), encoding="utf-8") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > BIGGEST_FILE:
            raise ValueError("it is no small file")
        if os.name == "posix":  # Windows keeps the folder to the user, and has no such modes
            _check_owner(about)
        return file.read()


def _check_owner(about: Any) -> None:
    if about.st_uid != os.getuid():
        raise ValueError("it belongs to another user")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError("others can write it")


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_suffix(f".{os.getpid()}")
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)
