"""`python -m training.studio --out DIR --body target --seed 1 --seconds 60`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from live.errors import EXIT_BAD_INPUT, UnderstudyError
from training.studio.production import Order, produce


def parse(arguments: list[str] | None) -> Order:
    """Read the command line. Raises SetupError where a value cannot be filmed."""
    parser = argparse.ArgumentParser(prog="python -m training.studio", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for video, truth and plate")
    parser.add_argument("--body", default="target", help="who dances: target or performer")
    parser.add_argument("--seed", type=int, default=1, help="chooses the dance")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--size", type=int, default=512, help="the picture's height, pixels")
    parser.add_argument(
        "--width", type=int, default=None, help="its width; the height if not given"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    given = parser.parse_args(arguments)
    return Order(
        given.out, given.body, given.seed, given.seconds, given.fps,
        given.size, given.width or given.size, given.workers,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        produce(parse(arguments))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
