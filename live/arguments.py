"""Where options are added, an `argparse` parser or a group of one; and the show's own parser."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol

from live.errors import SetupError


class Arguments(Protocol):
    """What both share; argparse gives their common ancestor no public name."""

    def add_argument(self, *names: str, **how: Any) -> object:
        """As `argparse.ArgumentParser.add_argument`."""


def existing_folder(option: str, folder: Path | None, holds: str) -> Path | None:
    """What was given with `option`, a folder that holds so; None: nothing. Raises SetupError."""
    if folder is not None and not folder.is_dir():
        raise SetupError(f"{option} {folder} is no folder; give one that holds {holds}")
    return folder


class ShowParser(argparse.ArgumentParser):
    """One that says what is wrong in a sentence, instead of all options and then that.

    Raises SetupError where argparse would end the process.
    """

    def parse_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """As argparse's, which calls what is left over "unrecognized arguments"."""
        found, left = self.parse_known_args(None if args is None else list(args), namespace)
        if left:
            raise SetupError(self._unknown(left))
        return found

    def error(self, message: str) -> NoReturn:
        raise SetupError(f"{message}; --help lists the options")

    def _unknown(self, left: Sequence[str]) -> str:
        """The first that means nothing, and what it may have been meant to be."""
        option = next((word for word in left if word.startswith("-")), None)
        if option is None:
            wrong, meant = f"{left[0]!r} belongs to no option", f"--{left[0]}"
        else:
            meant = option.partition("=")[0]
            wrong = f"there is no {meant}"
        near = difflib.get_close_matches(meant, self._option_string_actions, n=1)
        return f"{wrong}; " + (f"did you mean {near[0]}?" if near else "--help lists the options")
