"""Check what recordings say of themselves, or sign those that a kill left unsigned.

python -m live.stream.provenance FILE.mp4 ...           what does it say, and is that true?
python -m live.stream.provenance --sign FILE.mp4 ...    sign it first

Exit code 0: signed and intact. 1: not signed, or changed since. 2: it could not be read or signed.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.stream.provenance_c2pa import load_c2pa, read
from live.stream.provenance_remux import about
from live.stream.provenance_signing import (
    OFF,
    RecordingSigner,
    SigningSettings,
    add_signing_arguments,
    open_signer,
    signing_settings,
)
from live.stream.provenance_statement import Statement, statement_in, statement_of
from live.stream.provenance_words import Verdict, unsigned, verdict
from live.subject import load_subject

EXIT_NOT_GOOD = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(message)s")
    logging.getLogger("libav").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(
        prog="python -m live.stream.provenance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.mp4")
    parser.add_argument("--sign", action="store_true", help="sign the files that are not signed")
    parser.add_argument(
        "--subject", type=Path, metavar="PATH", help="whom they show, where they do not say it"
    )
    add_signing_arguments(parser)
    found = parser.parse_args(arguments)
    try:
        load_c2pa()
        signer = _signer(found) if found.sign else None
        statement = _statement(found.subject)
    except UnderstudyError as error:
        return _complain(error)
    return max(_one(path, signer, statement) for path in found.files)


def check(path: Path) -> Verdict:
    """What a file says, and whether that is true. Raises UnderstudyError."""
    try:
        store = read(path)
        if store is not None:
            return verdict(store)
        return unsigned(statement_in(about(path).tags))
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read ({error.strerror})") from error


def _one(path: Path, signer: RecordingSigner | None, statement: Statement | None) -> int:
    try:
        if signer is not None:
            signer.sign(path, lambda share: None, _of(path, statement))
        said = check(path)
    except UnderstudyError as error:
        return _complain(error)
    print("\n".join((str(path), *said.lines, "")))
    return 0 if said.good else EXIT_NOT_GOOD


def _of(path: Path, statement: Statement | None) -> Statement | None:
    """The given statement with the film's own date, which is when it was written last."""
    if statement is None or not path.exists():
        return statement
    return statement.begun(datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC))


def _signer(found: argparse.Namespace) -> RecordingSigner:
    settings = signing_settings(found)
    if settings is None:
        raise SetupError(f"--sign with --sign-with {OFF}: leave one of them out")
    asked = SigningSettings(settings.certificate, settings.key, asked=True)
    signer = open_signer(asked, _now())
    assert signer is not None
    return signer


def _statement(subject: Path | None) -> Statement | None:
    return None if subject is None else statement_of(load_subject(subject), _now())


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _complain(error: UnderstudyError) -> int:
    print(f"understudy: {error}", file=sys.stderr)
    return EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
