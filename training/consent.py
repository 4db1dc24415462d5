"""Who agreed to be filmed and set in motion: asked for with the footage, carried to the bundle.

The record is `consent.json` in the dataset, with the fields of `live.subject.Consent`; export puts
it into the bundle.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path

from live.errors import SetupError
from live.subject import Consent
from training.disk import write_whole

FILE = "consent.json"
STATED = "stated by whoever prepared the footage"
NONE = "no consent record: nobody has said that the person in this footage agreed"
_FORM = 'give "NAME, YYYY-MM-DD, STATEMENT", or a .json or .txt file that holds it'


def parse_consent(given: str) -> Consent:
    """`--consent`: "NAME, DATE, STATEMENT", or a file. Raises SetupError that says what is wrong.

    A .json file has the fields of `live.subject.Consent`; any other holds the three in words.
    """
    path = Path(given)
    try:
        is_file = path.is_file()
    except OSError:  # longer than a file's name can be
        is_file = False
    if not is_file:
        if path.suffix.lower() in (".json", ".txt"):
            raise SetupError(f"--consent {given}: there is no such file; {_FORM}")
        return _from_words(given, f"--consent {given!r}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"--consent {given} cannot be read ({error}); {_FORM}") from error
    return _from_json(text, path) if text.lstrip().startswith("{") else _from_words(text, given)


def write_consent(folder: Path, consent: Consent) -> None:
    """Keep the record in the dataset `folder`. Raises SetupError where it cannot be written."""
    content = json.dumps(asdict(consent), indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / FILE, content.encode())


def dataset_consent(folder: Path) -> Consent | None:
    """The record of the dataset `folder`; None where there is none. Raises SetupError."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return _from_json(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"{path} cannot be read ({error}); prepare with --consent again"
        ) from error


def in_words(consent: Consent | None) -> str:
    """One line for reports."""
    if consent is None:
        return NONE
    return f"{consent.subject}, {consent.date}: {consent.scope} ({consent.basis})"


def _from_words(text: str, where: str) -> Consent:
    name, _, rest = text.partition(",")
    date, _, words = rest.partition(",")
    try:
        day = datetime.date.fromisoformat(date.strip())
    except ValueError as error:
        raise SetupError(f"{where}: {date.strip()!r} is no date; {_FORM}") from error
    today = datetime.datetime.now(datetime.UTC).date()
    if day > today + datetime.timedelta(days=1):  # it may be tomorrow elsewhere
        raise SetupError(f"{where}: {day} is yet to come; give the day it was given")
    if not (name.strip() and words.strip()):
        raise SetupError(f"{where}: a part of it is empty; {_FORM}")
    return _made(where, name.strip(), STATED, " ".join(words.split()), day.isoformat())


def _from_json(text: str, path: Path) -> Consent:
    try:
        fields = dict(json.loads(text))
        return _made(str(path), **fields)
    except (ValueError, TypeError, RecursionError) as error:
        names = ", ".join(Consent.__dataclass_fields__)
        raise SetupError(f"{path} is no consent record ({error}); it has {names}") from error


def _made(where: str, subject: str, basis: str, scope: str, date: str) -> Consent:
    try:
        return Consent(subject=subject, basis=basis, scope=scope, date=date)
    except ValueError as error:
        raise SetupError(f"{where}: {error}") from error
