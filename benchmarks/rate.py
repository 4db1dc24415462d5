"""How many pictures a second the whole show makes here, beside the show as it began.

    python -m benchmarks.rate [--seconds 10] [--rounds 3]

Runs run_live's own stages, encoding included, as `benchmarks.live` does, on the demo's clip played
at 120 pictures a second, so that the source is not what limits them. Four ways, all with the same
subject, nets of parts and marks: `ours`, as the show is by default; `mediapipe`, its tracker in the
place of ours; `float generator`, from a bundle without the generator's 8-bit net; and `as it
began`, with both. Every run decodes all 120, so a camera that gives pictures as they are leaves a
little more to each.

In turns, so that a busy machine is busy for all, and every second round from the last to the first.
Each run has a process of its own: mediapipe leaves threads and a proxy behind, native libraries
keep their memory, and the peak of memory is a process's.

Prints a table and, as its last line, one JSON object. A row's figures are medians of its rounds';
the ratio is the median of each round's own.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import av
from tqdm import tqdm

from benchmarks.live import Measured, machine, measure
from benchmarks.swap import copy_demo
from live.arguments import ShowParser
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.options import DEMO, DEMO_PERFORMER, parse
from live.report import figures
from live.subject import load_subject

SOURCE_FPS = 120
LIMIT_SHARE = 0.9  # of SOURCE_FPS: from there on it may be the source that limits
LEAST_GENERATED = 0.98  # of a run's pictures
SMALL = "generator.int8.onnx"
SHOWN_STAGES = ("pose", "picture", "encode")  # the threads of the show, in the table

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run the show."""

    name: str
    pose: str | None = None  # one of live.options.POSES; None: the show's default
    small: bool = True  # whether the bundle holds the generator's 8-bit net

    def arguments(self, clip: Path, float_subject: Path) -> list[str]:
        """Of run_live; `float_subject` is the bundle without the 8-bit net."""
        subject = DEMO / "subject" if self.small else float_subject
        pose = [] if self.pose is None else ["--pose", self.pose]
        return [
            "--source", str(clip), "--performer", str(DEMO_PERFORMER), "--subject", str(subject),
            *pose,
        ]  # fmt: skip


OURS = Way("ours")
BEGAN = Way("as it began", "mediapipe", small=False)
WAYS = (OURS, Way("mediapipe", "mediapipe"), Way("float generator", small=False), BEGAN)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one way."""

    measured: Measured
    facts: dict[str, Any]  # the machine's and the show's, as `benchmarks.live` prints them
    engines: tuple[str, ...]  # what the show said of the engines that it took, a sentence each

    @property
    def fps(self) -> float:
        """Pictures encoded per second."""
        return self.measured.summary.fps

    @property
    def generated(self) -> float:
        """The share of pictures, in [0, 1], that the generator made: held ones cost less."""
        rungs = self.measured.summary.rungs
        return rungs.get("generated", 0) / max(sum(rungs.values()), 1)

    def told(self) -> dict[str, Any]:
        """For machines: a round of a row."""
        of_summary = figures(self.measured.summary)
        kept = {name: of_summary[name] for name in ("fps", "grab_to_encoded_ms", "dropped")}
        kept |= {name: self.facts[name] for name in ("busy_cores", "peak_rss_mb")}
        return kept | {"generated": round(self.generated, 4), "engines": list(self.engines)}


Rounds = Mapping[Way, Sequence[Run]]
"""Every way's runs, one a round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when the show cannot begin."""
    _log_warnings()
    parser = ShowParser(
        prog="python -m benchmarks.rate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way (default 3)")
    try:
        found = parser.parse_args(arguments)
        if not 0 < found.seconds <= 3600:
            raise SetupError(f"--seconds is {found.seconds}; give more than 0, such as 10")
        if not 1 <= found.rounds <= 100:
            raise SetupError(f"--rounds is {found.rounds}; give 1 to 100")
        rounds = measure_all(found.seconds, found.rounds)
    except UnderstudyError as error:
        print(f"benchmarks.rate: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    warn(rounds)
    told = {"seconds": found.seconds, "source_fps": SOURCE_FPS} | to_json(rounds)
    print(table(told))
    print(json.dumps(told))
    return 0


def measure_all(seconds: float, rounds: int) -> Rounds:
    """Every way in turns, `seconds` each after its warm-up. Raises UnderstudyError."""
    runs: dict[Way, list[Run]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        clip, float_subject = Path(folder) / "clip.mp4", Path(folder) / "subject"
        play_at(DEMO / "performer.mp4", clip, SOURCE_FPS)
        copy_without_small(float_subject)
        for way in tqdm(turns(rounds), "runs", file=sys.stderr, leave=False):
            runs[way].append(apart(way, way.arguments(clip, float_subject), seconds))
    return runs


def turns(rounds: int) -> list[Way]:
    """Every way once a round; back and forth, so that a machine that grows hot favours none."""
    return [way for number in range(rounds) for way in WAYS[:: -1 if number % 2 else 1]]


def play_at(source: Path, target: Path, fps: int) -> None:
    """Copy the pictures of `source` to `target`, which plays `fps` of them a second.

    Packets are copied, not coded again: the same pictures, and the same work to decode each.
    """
    with av.open(str(source)) as film, av.open(str(target), "w") as copy:
        pictures = film.streams.video[0]
        written = copy.add_stream_from_template(pictures)
        assert pictures.average_rate, f"{source} does not say its rate"
        faster = Fraction(pictures.average_rate) / fps
        for packet in film.demux(pictures):
            if packet.dts is None:  # the end
                continue
            packet.time_base = packet.time_base * faster
            packet.stream = written
            copy.mux_one(packet)


def copy_without_small(folder: Path) -> None:
    """The demo's subject without its 8-bit generator. Raises UnderstudyError where it has none."""
    subject = load_subject(DEMO / "subject")
    if subject.small is None:
        raise SetupError(
            f"{subject.origin} has no {SMALL}, so there is nothing to compare; "
            f"make it with python -m export.quantize"
        )
    copy_demo(folder, subject.manifest.name, without=(SMALL,))


def apart(way: Way, arguments: Sequence[str], seconds: float) -> Run:
    """`run_once` in a process of its own.

    Raises UnderstudyError as the show does, and where the process dies or makes no picture.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            run = pool.submit(run_once, list(arguments), seconds).result()
        except BrokenProcessPool as error:
            raise UnderstudyError(
                f"the process of {way.name!r} died while it was measured; where memory is short, "
                f"end other programs, then measure again"
            ) from error
    if run.fps == 0 or run.generated == 0:
        raise UnderstudyError(
            f"{way.name!r} made no picture in {seconds:g} s; measure longer, such as --seconds 10"
        )
    return run


def run_once(arguments: Sequence[str], seconds: float) -> Run:
    """In the child: the show with these arguments, for `seconds` after its warm-up."""
    _log_warnings()
    with engines_said() as said:
        measured, about = measure(parse(arguments), seconds)
    return Run(measured, machine(measured) | about, tuple(said))


@contextmanager
def engines_said() -> Iterator[list[str]]:
    """What the show says meanwhile of the engines that it takes; it says so in its log alone."""
    said: list[str] = []
    kept = _Kept(said)
    told_by = logging.getLogger("live.character_open")
    before = told_by.level, told_by.propagate
    told_by.addHandler(kept)
    told_by.setLevel(logging.INFO)
    told_by.propagate = False  # or it would be printed as well, in the middle of the bar
    try:
        yield said
    finally:
        told_by.removeHandler(kept)
        told_by.setLevel(before[0])
        told_by.propagate = before[1]


class _Kept(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


def _log_warnings() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(message)s")


def warn(rounds: Rounds) -> None:
    """Say of each way where its figure is not what it seems."""
    for way, runs in rounds.items():
        if max(run.fps for run in runs) > LIMIT_SHARE * SOURCE_FPS:
            log.warning("%s: the source's %d a second may be the limit", way.name, SOURCE_FPS)
        if (share := min(run.generated for run in runs)) < LEAST_GENERATED:
            log.warning(
                "%s: only %.0f %% of the pictures were generated, the others cost less",
                way.name, 100 * share,
            )  # fmt: skip


def to_json(rounds: Rounds) -> dict[str, Any]:
    """For machines."""
    facts = rounds[OURS][0].facts
    own = {name: facts[name] for name in ("size", "stage", "engine", "encoders")}
    return {
        "rows": [_row(way, rounds[way]) for way in WAYS],
        "ours_over_as_it_began": round(ratio(rounds), 3),
        "cpu_cores": os.cpu_count(),
    } | own


def ratio(rounds: Rounds) -> float:
    """Our pictures a second over those as it began: the median of the rounds' own ratios."""
    pairs = zip(rounds[OURS], rounds[BEGAN], strict=True)
    return median(ours.fps / began.fps for ours, began in pairs)


def _row(way: Way, runs: Sequence[Run]) -> dict[str, Any]:
    summaries = [run.measured.summary for run in runs]
    delays = [one.grab_to_encoded_ms for one in summaries]
    shared = [
        name for name in summaries[0].stages_ms if all(name in s.stages_ms for s in summaries)
    ]
    return {
        "name": way.name,
        "fps": round(median(run.fps for run in runs), 2),
        "grab_to_encoded_ms": {
            "p50": round(median(delay.p50 for delay in delays), 2),
            "p95": round(median(delay.p95 for delay in delays), 2),
        },
        "stages_p50_ms": {
            name: round(median(one.stages_ms[name].p50 for one in summaries), 2) for name in shared
        },
        "generated": round(min(run.generated for run in runs), 4),
        "rounds": [run.told() for run in runs],
    }


def table(told: Mapping[str, Any]) -> str:
    """For people: what `to_json` made."""
    stages = "".join(f"{name:>9}" for name in SHOWN_STAGES)
    lines = [f"{'':<17}{'fps':>7}{'p50':>9}{'p95':>9}{stages}{'cores':>7}  fps of each round"]
    for row in told["rows"]:
        delay, rounds = row["grab_to_encoded_ms"], row["rounds"]
        stages = "".join(f"{row['stages_p50_ms'].get(name, 0.0):>9.1f}" for name in SHOWN_STAGES)
        each = ", ".join(format(one["fps"], ".1f") for one in rounds)
        lines.append(
            f"{row['name']:<17}{row['fps']:>7.1f}{delay['p50']:>9.1f}{delay['p95']:>9.1f}{stages}"
            f"{median(one['busy_cores'] for one in rounds):>7.2f}  {each}"
        )
    lines.append("p50, p95: from grab to encoded; then each thread's p50, ms; cores that were busy")
    for row in told["rows"]:
        said = dict.fromkeys(line for one in row["rounds"] for line in one["engines"][:1])
        lines += [f"{row['name']}: {line}" for line in said]  # of the generator alone
    lines.append(f"ours over as it began: {told['ours_over_as_it_began']:.2f} times as fast")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
