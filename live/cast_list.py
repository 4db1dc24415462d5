"""Which subjects the operator can choose from: bundles in a folder, by unique names."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from live.arguments import Arguments, existing_folder
from live.errors import SubjectError
from live.subject import MANIFEST, load_manifest

log = logging.getLogger(__name__)


def add_cast_arguments(parser: Arguments) -> None:
    """`--subjects`."""
    parser.add_argument(
        "--subjects",
        type=Path,
        metavar="FOLDER",
        help="bundles (folders and .zip) that the operator can change to while the show runs",
    )


def subjects_folder(found: Namespace) -> Path | None:
    """The folder from what `add_cast_arguments` added. Raises SetupError."""
    return existing_folder("--subjects", found.subjects, "subject bundles")


def known(folder: Path | None, others: Sequence[Path] = ()) -> dict[str, Path]:
    """The subjects by name: `others` first, then those in `folder`; each bundle once.

    Only manifests are read. What is no bundle, or a broken one, is left out, and the log says so.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for path in (*others, *_bundles(folder)):
        try:
            manifest, sha256 = load_manifest(path)
        except SubjectError as error:
            log.warning("not offered to the operator: %s", error)
            continue
        if sha256 not in seen:
            seen.add(sha256)
            found[_unique(manifest.name.strip(), found)] = path
    return found


def _bundles(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        return
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        log.warning("the subjects in %s cannot be listed (%s)", folder, error.strerror)
        return
    for path in paths:
        if path.suffix.lower() == ".zip" or (path / MANIFEST).exists():
            yield path


def _unique(name: str, taken: dict[str, Path]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    return unique
