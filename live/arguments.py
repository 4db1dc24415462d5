"""Where options are added: an `argparse` parser, or a group of one."""

from __future__ import annotations

from typing import Any, Protocol


class Arguments(Protocol):
    """What both share; argparse gives their common ancestor no public name."""

    def add_argument(self, *names: str, **how: Any) -> object:
        """As `argparse.ArgumentParser.add_argument`."""
