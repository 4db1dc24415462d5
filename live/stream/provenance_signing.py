"""A finished recording made whole and signed, in place: it is never worse off than before."""

from __future__ import annotations

import datetime
import logging
import os
import tomllib
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from live.arguments import Arguments
from live.errors import SetupError, UnderstudyError
from live.stream.provenance_c2pa import Progress, load_c2pa, read, rehearse, sign
from live.stream.provenance_identity import Identity, own_identity, read_identity
from live.stream.provenance_remux import FAILED, about, remux
from live.stream.provenance_statement import Statement, manifest, statement_in

log = logging.getLogger(__name__)

OWN, OFF = "own", "off"
OPTION = "--sign-with"
SIGN_LATER = "python -m live.stream.provenance --sign"
_TRIED = Statement("rehearsal", "0" * 64, "none", "none", "2026-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """How recordings are signed."""

    certificate: Path | None = None  # PEM, the signing one first; None: one that is made here
    key: Path | None = None  # PEM; None: it is in the certificate's file
    asked: bool = False  # named on the command line: then signing must work, or no show


def add_signing_arguments(parser: Arguments) -> None:
    """`--sign-with`."""
    parser.add_argument(
        OPTION,
        metavar=f"{OWN}|{OFF}|CERT[,KEY]",
        help="sign recordings (C2PA Content Credentials): with a certificate made here (default; "
        "viewers are told that the signer is unknown), not at all, or with yours (PEM)",
    )


def signing_settings(found: Namespace) -> SigningSettings | None:
    """The settings from what `add_signing_arguments` added; None for "off". Raises SetupError."""
    given: str | None = found.sign_with
    if given == OFF:
        log.warning("%s %s: recordings are not signed", OPTION, OFF)
        return None
    if given is None or given == OWN:
        return SigningSettings(asked=given is not None)
    certificate, comma, key = given.partition(",")
    if not certificate or (comma and not key):
        raise SetupError(f"{OPTION} {given!r} names no file; give {OWN}, {OFF} or CERT,KEY")
    return SigningSettings(
        Path(certificate).expanduser(), Path(key).expanduser() if key else None, asked=True
    )


def open_signer(settings: SigningSettings, now: datetime.datetime) -> RecordingSigner | None:
    """A signer that was tried. `now` has a time zone.

    Raises SetupError. Where signing was not asked for and cannot be, the log says why, and None is
    returned: recordings then carry their plain tags alone.
    """
    try:
        load_c2pa()
        identity = _identity(settings, now)
        rehearse(identity, manifest(_TRIED, "rehearsal", False, version()))
    except SetupError as error:
        if settings.asked:
            raise
        log.warning("recordings will not be signed: %s", error)
        return None
    return RecordingSigner(identity)


def version() -> str:
    """This program's, as pyproject.toml of the checkout has it."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])


def _identity(settings: SigningSettings, now: datetime.datetime) -> Identity:
    if settings.certificate is None:
        return own_identity(now)
    return read_identity(settings.certificate, settings.key, now)


class RecordingSigner:
    """Signs files that the recorder wrote."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def sign(self, path: Path, progress: Progress, statement: Statement | None = None) -> None:
        """Put an index and a signed manifest into the file at `path`; whole or not at all.

        `statement` None: what the file's own tags say. Needs the file's size twice more on the
        disk for a while. Raises UnderstudyError, one sentence, or what `progress` raised; the
        file at `path` is then what it was.
        """
        whole, signed = _beside(path, "whole"), _beside(path, "signed")
        try:
            progress(0.0)
            said = _statement(path, statement)
            remux(path, whole, said.tags())
            definition = manifest(said, path.name, about(whole).sound, version())
            sign(whole, signed, self.identity, definition, progress)
            _replace(signed, path)
        except FileNotFoundError as error:
            raise UnderstudyError(f"{path} vanished before it was signed") from error
        except FAILED as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnderstudyError(
                f"{path} is left unsigned ({reason}); free twice its size on the disk, then: "
                f"{SIGN_LATER} {path}"
            ) from error
        finally:
            whole.unlink(missing_ok=True)
            signed.unlink(missing_ok=True)


def _statement(path: Path, given: Statement | None) -> Statement:
    said = given or statement_in(about(path).tags)
    if said is None:
        raise UnderstudyError(
            f"{path} does not say which subject it shows; sign it with "
            f"{SIGN_LATER} {path} --subject BUNDLE"
        )
    if read(path) is not None:
        raise UnderstudyError(f"{path} is signed already; to see what it says, leave --sign out")
    return said


def _beside(path: Path, what: str) -> Path:
    """In the same folder, and so on the same disk: a rename must be whole or nothing."""
    return path.with_name(f".{path.name}.{what}")


def _replace(signed: Path, path: Path) -> None:
    with open(signed, "rb+") as file:
        os.fsync(file.fileno())
    os.chmod(signed, path.stat().st_mode)
    signed.replace(path)
