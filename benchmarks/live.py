"""How fast the whole show runs here: `python -m benchmarks.live --seconds 30`.

Runs run_live's own stages, encoding included, without a viewer. Prints a table, then one line of
JSON (keys in `live.report.figures`, and the machine's).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import run_live
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.options import Options, parse
from live.report import figures, table
from live.show import Show, Summary
from live.stream.hub import Hub
from live.subject import load_subject
from live.timing import Timing

WARM_UP_S = 3.0
"""Not measured: the tracker finds its person, the encoder its rate."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    summary: Summary
    busy_cores: float  # CPU seconds used, all threads, per second of the run


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when the show cannot begin."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(message)s")
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--seconds", type=float, default=30.0)
    found, rest = own.parse_known_args(arguments)
    named = any(name.split("=")[0] in ("--camera", "--source") for name in rest)
    try:
        if not 0 < found.seconds <= 86_400:
            raise SetupError(f"--seconds is {found.seconds}; measure for more than 0, such as 30")
        options = parse(rest if named else ["--demo", *rest])
        measured, about = measure(replace(options, open_page=False), found.seconds)
    except UnderstudyError as error:
        print(f"benchmarks.live: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(measured.summary))
    print(f"{measured.busy_cores:.2f} of {os.cpu_count()} cores busy")
    print(json.dumps(figures(measured.summary) | machine(measured) | about))
    return 0


def measure(options: Options, seconds: float) -> tuple[Measured, dict[str, Any]]:
    """Run the show for `seconds` after its warm-up."""
    timing = Timing()
    hub = Hub(always_encode=True)
    show = run_live.build(options, hub, timing).show
    try:
        show.start()
        show.wait(WARM_UP_S)
        measured = _measure(show, seconds)
    finally:
        show.close()
        hub.close()
    if show.error is not None:
        raise UnderstudyError(f"the show stopped while it was measured: {show.error}")
    subject = load_subject(options.subject)
    about = {
        "size": list(subject.manifest.generator_size),
        "stage": list(subject.manifest.stage_size),
        "engine": OnnxRuntimeEngine.name,
        "encoders": sorted(hub.encoders.values()),
    }
    return measured, about


def _measure(show: Show, seconds: float) -> Measured:
    show.restart_clock()
    cpu_s, began_s = time.process_time(), time.monotonic()
    show.wait(seconds)
    summary = show.summary()
    return Measured(summary, (time.process_time() - cpu_s) / (time.monotonic() - began_s))


def machine(measured: Measured) -> dict[str, Any]:
    """What it ran on and what it took."""
    return {
        "busy_cores": round(measured.busy_cores, 2),
        "cpu_cores": os.cpu_count(),
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float | None:
    """The most memory that this process ever held, MB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, else KiB
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


if __name__ == "__main__":
    sys.exit(main())
