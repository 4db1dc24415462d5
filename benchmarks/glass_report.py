"""The glass benchmark's table, its goals and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks.glass_figures import per_frame
from benchmarks.glass_run import Options, Run
from benchmarks.lossy import Weather
from live.timing import Spread

_HEAD = (
    f"{'condition':<27} {'name':<10} | {'ready to page, ms':^20} {'capture':>7} {'jitter':>6} | "
    f"{'fps':>5} {'drop':>4} {'freez':>5} {'(stat)':>6} | {'buffer':>6} {'decode':>6} | "
    f"{'Mbit/s':>6} {'lost':>5} {'nack':>5} {'pli':>3} {'key':>3} | recovery, ms\n"
    f"{'':<27} {'':<10} | {'p50':>6}{'p95':>7}{'p99':>7} {'p50':>7} {'p95':>6} |"
)


def table(runs: Sequence[Run]) -> str:
    """For people; a blank line between conditions, and how many times better we are."""
    lines, last = [_HEAD], None
    for run in runs:
        condition = run.case.condition
        if condition != last:
            lines.append("")
            rivals = [one for one in runs if one.case.condition == condition]
        lines.append(_row(run, rivals))
        last = condition
    return "\n".join(lines)


def _row(run: Run, rivals: Sequence[Run]) -> str:
    seen, ready = run.glass, run.glass.frame_ready_to_page
    ours = next((one for one in rivals if one.case.name == "ours"), None)
    ratio = ""
    if ours is not None and ours is not run and ours.glass.frame_ready_to_page.p50:
        ratio = f"  x{ready.p50 / ours.glass.frame_ready_to_page.p50:.1f}"
    found = [f"{one * 1e3:.0f}" if one is not None else "never" for one in run.recovery_s]
    return (
        f"{run.case.condition:<27} {run.case.name:<10} | "
        f"{ready.p50:6.1f}{ready.p95:7.1f}{ready.p99:7.1f} {seen.capture_to_page.p50:7.1f} "
        f"{seen.page_jitter.p95:6.1f} | {seen.fps:5.1f} {seen.dropped:4d} {seen.freezes:5d} "
        f"{run.gained('freezeCount'):6.0f} | {_number(_buffer_ms(run)):>6} "
        f"{_number(_decode_ms(run)):>6} | {_mbps(run):6.2f} {run.gained('packetsLost'):5.0f} "
        f"{run.gained('nackCount'):5.0f} {run.gained('pliCount'):3.0f} "
        f"{run.gained('keyFramesDecoded'):3.0f} | {' '.join(found)}{ratio}"
    )


def notes(runs: Sequence[Run], options: Options) -> str:
    """What the table's reader must know."""
    error_ms = max((run.clock_error_ms for run in runs), default=0.0)
    return (
        f"\n{options.work_ms:g} ms of sleep stand for the work from capture to frame ready. "
        f"The page's clock is known to within {error_ms:.2f} ms.\n"
        "Behind a rival's row: its ready-to-page p50 over ours, same condition, same run.\n"
        + "\n".join(
            f"{'met   ' if one.met else 'MISSED'} {one.words}: {one.found}" for one in goals(runs)
        )
    )


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of ours, and what was found."""

    words: str
    found: str
    met: bool


def goals(runs: Sequence[Run]) -> list[Goal]:
    """Those of the goals on loopback, at 512x512 and 30 a second, that these runs tell about."""
    found = []
    for run in runs:
        case, weather = run.case, run.case.weather
        plain = replace(Weather(), loss=weather.loss, seed=weather.seed) == weather
        if case.name != "ours" or (case.size, case.fps) != ((512, 512), 30.0) or not plain:
            continue
        if case.blackout:
            found.append(_recovery(run))
        elif weather.loss == 0:
            found += _delays(run, runs)
        elif weather.loss == 0.02:
            found.append(_freezes(run, 0))
        elif weather.loss == 0.05:
            found.append(_freezes(run, 2))
    return found


def _delays(run: Run, runs: Sequence[Run]) -> list[Goal]:
    ready = run.glass.frame_ready_to_page
    found = [
        Goal("ready to page p50 <= 20 ms", f"{ready.p50:.1f} ms", ready.p50 <= 20),
        Goal("ready to page p95 <= 45 ms", f"{ready.p95:.1f} ms", ready.p95 <= 45),
    ]
    for one in runs:
        if one.case == replace(run.case, name=one.case.name) and one is not run and ready.p50:
            times = one.glass.frame_ready_to_page.p50 / ready.p50
            found.append(Goal(f"2.5 x better than {one.case.name}", f"{times:.1f} x", times >= 2.5))
    return found


def _freezes(run: Run, most_a_minute: int) -> Goal:
    words = f"freezes at {run.case.weather.loss:.0%} loss <= {most_a_minute} a minute"
    a_minute = run.glass.freezes * 60 / run.seconds
    found = f"{run.glass.freezes} in {run.seconds:.0f} s"
    return Goal(words, found, a_minute <= most_a_minute)


def _recovery(run: Run) -> Goal:
    times_ms = [float("inf") if one is None else one * 1e3 for one in run.recovery_s]
    met = bool(times_ms) and max(times_ms) <= 300
    words = ", ".join(f"{one:.0f}" for one in times_ms)
    return Goal("a picture <= 300 ms after a blackout", f"{words} ms", met)


def to_json(runs: Sequence[Run], options: Options) -> dict[str, Any]:
    """Keys as DESIGN.md section 7 has them, and more."""
    return {
        "runs": [_entry(run) for run in runs],
        "goals": [asdict(one) for one in goals(runs)],
        "work_ms": options.work_ms,
        "seen_by": "requestAnimationFrame" if options.by_display else "requestVideoFrameCallback",
    }


def _entry(run: Run) -> dict[str, Any]:
    seen, weather = run.glass, run.case.weather
    recovered = [one * 1e3 for one in run.recovery_s if one is not None]
    return {
        "name": run.case.name,
        "fps": run.case.fps,
        "size": list(run.case.size),
        "loss": weather.loss,
        "stalls": bool(weather.stall_s),
        "reorder": weather.reorder,
        "blackout": run.case.blackout,
        "seconds": round(run.seconds, 2),
        "frame_ready_to_page_ms": _spread(seen.frame_ready_to_page),
        "capture_to_page_ms": _spread(seen.capture_to_page),
        "received_to_page_ms": _spread(seen.received_to_page),
        "page_jitter_ms": _spread(seen.page_jitter),
        "page_fps": round(seen.fps, 2),
        "freezes": seen.freezes,
        "freezes_getstats": int(run.gained("freezeCount")),
        "frozen_s": round(seen.frozen_s, 3),
        "dropped": seen.dropped,
        "unread": seen.unread,
        "jitter_buffer_ms": _rounded(_buffer_ms(run)),
        "decode_ms": _rounded(_decode_ms(run)),
        "mbps": round(_mbps(run), 3),
        "packets_lost": int(run.gained("packetsLost")),
        "nacks": int(run.gained("nackCount")),
        "plis": int(run.gained("pliCount")),
        "key_frames": int(run.gained("keyFramesDecoded")),
        "recovery_ms": round(median(recovered), 1) if recovered else None,
        "recoveries_ms": [None if one is None else round(one * 1e3, 1) for one in run.recovery_s],
        "clock_error_ms": round(run.clock_error_ms, 3),
    }


def _buffer_ms(run: Run) -> float | None:
    return per_frame(run.before, run.after, "jitterBufferDelay", "jitterBufferEmittedCount")


def _decode_ms(run: Run) -> float | None:
    return per_frame(run.before, run.after, "totalDecodeTime", "framesDecoded")


def _mbps(run: Run) -> float:
    return run.gained("bytesReceived") * 8 / 1e6 / run.seconds


def _spread(found: Spread) -> dict[str, float]:
    return {"p50": round(found.p50, 2), "p95": round(found.p95, 2), "p99": round(found.p99, 2)}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
