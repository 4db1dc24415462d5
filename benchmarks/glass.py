"""The delay in a real browser: `python -m benchmarks.glass`, ours beside stock aiortc.

Every picture carries its capture time in its top rows; a page in headless Chromium reads it back
when the picture comes up (`requestVideoFrameCallback`). From capture to "frame ready" lies a fixed
sleep (`--work-ms`) that stands for pose and generator; frame ready is when a picture is handed to
`Hub.publish`, or is returned from the stock track's `recv`. Prints a table, then one line of JSON.

Without options it measures a matrix in about four minutes; `--fps`, `--size`, `--loss`,
`--stalls`, `--reorder` and `--blackout` name another one, of all their combinations.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.glass_report import notes, table, to_json
from benchmarks.glass_run import BLACKOUT_LEAST_S, Case, Options, measure
from benchmarks.lossy import Weather
from benchmarks.timecode import BITS, ROWS
from export.machine import machine_facts
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError

NAMES = ("ours", "stock-vp8", "stock-h264")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when it cannot begin."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname).1s %(message)s")
    found = _parser().parse_args(arguments)
    try:
        seconds = (2.5 if found.quick else 5.0) if found.seconds is None else found.seconds
        if found.blackout and seconds < BLACKOUT_LEAST_S:
            raise SetupError(
                f"--seconds {seconds:g} leaves no room for --blackout; give {BLACKOUT_LEAST_S:g}"
            )
        options = Options(seconds, work_ms=found.work_ms, by_display=found.by_display)
        runs = asyncio.run(measure(cases(found), options))
    except UnderstudyError as error:
        print(f"benchmarks.glass: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(runs))
    print(notes(runs, options))
    result = to_json(runs, options)
    if found.out is not None:
        command = " ".join(["python -m benchmarks.glass", *(arguments or sys.argv[1:])])
        about = {"machine": machine_facts("aiortc", "av", "playwright"), "command": command}
        found.out.write_text(json.dumps(about | result, indent=2) + "\n", "utf-8")
    print(json.dumps(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.glass",
        description="The delay in a real browser, ours beside stock aiortc.",
    )
    parser.add_argument("--names", default=",".join(NAMES), help="whom to compare, by commas")
    parser.add_argument("--fps", help="by commas, such as 30,60")
    parser.add_argument("--size", help="WIDTHxHEIGHT, by commas, such as 512x512,1280x720")
    parser.add_argument("--loss", help="per cent of packets lost, by commas, such as 0,2,5,10")
    parser.add_argument("--stalls", action="store_true", help="nothing for 100 ms, every 2 s")
    parser.add_argument("--reorder", action="store_true", help="2 %% of packets come 8 ms late")
    parser.add_argument("--blackout", action="store_true", help="nothing for 1 s, every 2.5 s")
    parser.add_argument("--seconds", type=float, help="measured, of each run (default 5)")
    parser.add_argument(
        "--work-ms", type=float, default=10.0, help="a sleep from capture to frame ready"
    )
    parser.add_argument(
        "--by-display",
        action="store_true",
        help="look at each of the display's 60 frames a second (requestAnimationFrame), "
        "not at each new picture",
    )
    parser.add_argument("--seed", type=int, default=1, help="of losses and reordering")
    parser.add_argument("--quick", action="store_true", help="a look, in about 40 s")
    parser.add_argument("--out", type=Path, help="write the JSON here, too")
    return parser


def cases(found: argparse.Namespace) -> list[Case]:
    """The runs to do; of one condition all names one after another, so that they can be compared.

    Raises `SetupError`.
    """
    names = found.names.split(",")
    if wrong := sorted(set(names) - set(NAMES)):
        raise SetupError(f"--names {','.join(wrong)} is unknown; give some of {','.join(NAMES)}")
    return [replace(one, name=name) for one in _conditions(found) for name in names]


def _conditions(found: argparse.Namespace) -> list[Case]:
    named = found.fps or found.size or found.loss
    plain = Case("", 30.0, (512, 512), Weather(seed=found.seed))
    if named or found.stalls or found.reorder or found.blackout:
        return [
            Case("", fps, size, _weather(found, loss), found.blackout)
            for size in _sizes(found.size or "512x512")
            for fps in _numbers("--fps", found.fps or "30", 1, 120)
            for loss in _numbers("--loss", found.loss or "0", 0, 90)
        ]
    lossy = [replace(plain, weather=replace(plain.weather, loss=share)) for share in _LOSSES]
    if found.quick:
        return [plain, lossy[1]]
    worse = replace(plain.weather, stall_s=_STALL_S), replace(plain.weather, reorder=_REORDER)
    return [
        plain,
        replace(plain, fps=60.0),
        replace(plain, size=(720, 1280)),
        replace(plain, size=(720, 1280), fps=60.0),
        *lossy,
        *(replace(plain, weather=one) for one in worse),
        replace(plain, blackout=True),
    ]


_LOSSES = (0.02, 0.05, 0.10)
_STALL_S = 0.1
_REORDER = 0.02


def _weather(found: argparse.Namespace, loss_percent: float) -> Weather:
    return Weather(
        loss=loss_percent / 100,
        reorder=_REORDER if found.reorder else 0.0,
        stall_s=_STALL_S if found.stalls else 0.0,
        seed=found.seed,
    )


def _numbers(option: str, text: str, least: float, most: float) -> list[float]:
    try:
        found = [float(one) for one in text.split(",")]
    except ValueError:
        raise SetupError(f"{option} {text!r} holds something else than numbers") from None
    if not all(least <= one <= most for one in found):
        raise SetupError(f"{option} {text} is out of range; give {least:g} to {most:g}")
    return found


def _sizes(text: str) -> list[tuple[int, int]]:
    sizes = []
    for one in text.split(","):
        width, _, height = one.partition("x")
        if not (width.isdigit() and height.isdigit()):
            raise SetupError(f"--size {one!r} is none; give WIDTHxHEIGHT, such as 1280x720")
        sizes.append((int(height), int(width)))
        if not (sizes[-1][0] >= 4 * ROWS and 8 * BITS <= sizes[-1][1] <= 4096):
            raise SetupError(f"--size {one} is out of range; give {8 * BITS}x{4 * ROWS} or more")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
