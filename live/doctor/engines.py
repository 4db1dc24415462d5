"""Every engine, really tried on the subject's generator: how fast it is, or why it cannot run."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from live.character import neutral_label
from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, halves, right, wrong
from live.doctor.patience import within
from live.engines.base import Feeds, RecurrentEngine
from live.engines.choose import ORDER, Opener, open_engine
from live.errors import SetupError, SubjectError
from live.subject import Subject, load_subject

LIMIT_S = 12.0  # for all
ONE_S = 8.0  # for one; TensorRT may have to build first
RUNS = 15
FRAME_MS = 33.0  # of a show of 30 pictures a second
SLOW_MS = 25.0  # on the CPU, which pose and encoder want, too
GPU = (Path("/dev/nvidiactl"), Path("/dev/nvidia0"), Path("/dev/dxg"))
"""Linux has them where there is an NVIDIA driver; the last one is WSL's."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One engine on this machine."""

    name: str
    ms: float | None  # for a picture, median; None: it does not run
    why: str  # which variant of it, or why it does not run

    def __str__(self) -> str:
        if self.ms is None:
            return f"{self.name}: {self.why}"
        return f"{self.name}, {self.ms:.1f} ms a picture" + (f" ({self.why})" if self.why else "")


def look_at_engines(
    plan: Plan,
    openers: Mapping[str, Opener] | None = None,
    gpu: Callable[[], bool] | None = None,
) -> Finding | None:
    """Which one the show takes, and all others; None where there is no subject to try them on."""
    options = plan.options
    try:
        subject = load_subject(options.subject)
    except SubjectError:
        return None  # said already
    tried = {name: try_engine(subject, name, options.threads, openers) for name in ("cpu", *ORDER)}
    best = next((name for name in ORDER if tried[name].ms is not None), "cpu")
    chosen = tried[best if options.engine == "auto" else options.engine]
    details = [str(one) for one in tried.values() if one is not chosen]
    if chosen.ms is None:
        what, remedy = halves(chosen.why)
        return wrong(f"--engine {chosen.name}: {what}", remedy or "leave out --engine", details)
    asked = options.engine != "auto"
    said = f"{chosen}; {'as asked' if asked else 'the best that works here'}"
    idle_gpu = chosen.name == "cpu" and not asked and (gpu or has_gpu)()
    remedy = _remedy(chosen.name, chosen.ms, idle_gpu)
    return careful(said, remedy, details) if remedy else right(said, details)


def _remedy(name: str, ms: float, idle_gpu: bool) -> str:
    """What would make it faster; empty where it is fast enough."""
    if ms > FRAME_MS:
        return (
            f"it makes {1e3 / ms:.0f} pictures a second at most: close other programs, give "
            "--threads 2, take a smaller subject, or a machine with a GPU"
        )
    if idle_gpu:
        return "this machine has a GPU, and no engine uses it; the reasons are above"
    if name == "cpu" and ms > SLOW_MS:
        return "give --threads 2 where cores are free; close other programs"
    return ""


def has_gpu() -> bool:
    """Whether an NVIDIA driver is installed, as far as can be seen from outside."""
    return any(one.exists() for one in GPU) or shutil.which("nvidia-smi") is not None


def try_engine(
    subject: Subject, name: str, threads: int, openers: Mapping[str, Opener] | None = None
) -> Tried:
    """Open it as the show does, and time it on a real label. Never raises, never hangs."""
    late = Tried(name, None, f"not ready within {ONE_S:.0f} s; if it is being built for this "
                 f"machine, python -m export.engines {subject.origin} does that ahead")  # fmt: skip
    return within(ONE_S, lambda: _tried(subject, name, threads, openers), late, f"engine {name}")


def _tried(
    subject: Subject, name: str, threads: int, openers: Mapping[str, Opener] | None
) -> Tried:
    feeds = {"label": neutral_label(subject).image[None]}
    what = f"generator of {subject.origin}"
    try:
        chosen = open_engine(
            subject.generator, what, name, threads, feeds, openers, small=subject.small
        )
    except (SetupError, SubjectError, RuntimeError) as error:
        prefix = f"--engine {name} cannot run here: "
        return Tried(name, None, str(error).removeprefix(prefix))
    try:
        why = chosen.why.removeprefix("engine ").removeprefix(f"{name}, ").split(", as asked")[0]
        return Tried(name, median_ms(chosen.engine, feeds), why)
    except RuntimeError as error:
        return Tried(name, None, f"it fails while it runs: {error}")
    finally:
        chosen.engine.close()


def median_ms(engine: RecurrentEngine, feeds: Feeds) -> float:
    """For one picture."""
    times_s = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        engine.run(feeds)
        times_s.append(time.perf_counter() - began_s)
    return 1e3 * statistics.median(times_s)
