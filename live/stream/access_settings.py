"""Who is let in, from the command line."""

from __future__ import annotations

import logging
from argparse import Namespace
from pathlib import Path

from live.arguments import Arguments
from live.errors import SetupError
from live.folders import config_folder
from live.stream.access import AccessSettings
from live.stream.access_names import checked_names
from live.stream.access_tokens import FILE, Tokens, kept_tokens

log = logging.getLogger(__name__)


def add_access_arguments(parser: Arguments) -> None:
    """`--anybody-may-watch`, `--tokens` and `--name`."""
    parser.add_argument(
        "--anybody-may-watch",
        action="store_true",
        help="whoever reaches this address may watch, without the link that the show gives",
    )
    parser.add_argument(
        "--tokens",
        type=Path,
        metavar="FILE",
        help="where the links' keys are kept, so that links outlive a restart; delete it to make "
        f"all links anew (default: {FILE} in your settings folder)",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="one more name by which viewers' browsers call this machine; may be given more than "
        "once",
    )


def access_settings(found: Namespace, folder: Path | None = None) -> AccessSettings:
    """The settings from what `add_access_arguments` added. Raises `SetupError`."""
    return AccessSettings(
        _tokens(found.tokens, folder or config_folder()),
        anybody=found.anybody_may_watch,
        names=checked_names(found.name),
    )


def _tokens(path: Path | None, folder: Path) -> Tokens:
    if path is not None:
        return kept_tokens(path.expanduser())
    kept = folder / FILE
    try:
        return kept_tokens(kept)
    except SetupError as error:
        if kept.exists() or kept.is_symlink():  # it is to be mended, not passed over
            raise
        log.warning("%s; the links are good until the show ends", error)
        return Tokens()
