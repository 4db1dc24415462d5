"""What the show tells of itself, gathered a few times a second: figures, and how it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from live.desk.desk import Desk
from live.desk.free_space import FreeSpace
from live.desk.gpu_load import GpuLoad, GpuUse
from live.desk.health import judge, overall
from live.desk.history import History
from live.desk.process_load import ProcessLoad, memory_mb
from live.desk.snapshot import Finding, Snapshot
from live.frames import Frame, Pose
from live.parts import PARTS
from live.sources.base import SourceTold
from live.stream.hub_counts import HubCounts
from live.timing import Clock, Spread, spread

LOOKS_BACK = 60
"""Of each stage's durations: about two seconds."""
REPORT_S = 1.0
"""How often the desk's readings change, at most; every other desk is told each time."""


class Telling(Protocol):
    """What a show says of itself, quickly, from any thread; `live.show.Show`."""

    def fps(self) -> float: ...
    def delay_ms(self) -> Spread: ...
    def stale_s(self) -> float: ...
    def source(self) -> SourceTold: ...
    def restarts(self) -> dict[str, int]: ...
    def dropped(self) -> int: ...


class Times(Protocol):
    """What the timers say; `live.timing.Timing`."""

    def recent(self, most: int) -> Mapping[str, list[float]]:
        """The newest durations of every section, seconds."""

    def counts(self) -> dict[str, int]: ...


Inspect = Callable[[], tuple[Frame, Pose | None] | None]
"""The newest frame that was looked at, and who was found in it."""


@dataclass(frozen=True, slots=True)
class TelemetryParts:
    """Where the figures come from. All are asked on one thread."""

    desk: Desk
    show: Telling
    timing: Times
    counts: Callable[[], HubCounts]
    inspect: Inspect = lambda: None
    picked: Callable[[], bool] = lambda: False  # one person is followed, and nobody else
    consent: Callable[[], bool] = lambda: True  # `live.consent.acknowledged` of who is shown
    unmarked: Sequence[str] = ()  # marks that are off: "the visible mark is"
    recordings: Path | None = None  # the folder they go to
    beats: Callable[[], float | None] = lambda: None  # since the first; a whole number: on it
    gpu: Callable[[], GpuUse | None] = field(default_factory=GpuLoad)


class Telemetry:
    """Gathers. For one thread at a time."""

    def __init__(self, parts: TelemetryParts, clock: Clock = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._load = ProcessLoad(clock)
        self._disk = None if parts.recordings is None else FreeSpace(parts.recordings)
        restarts = sum(parts.show.restarts().values())
        self._history = History(parts.timing.counts(), restarts, clock())
        self._began_s = clock()
        self._take: tuple[str, float] = ("", 0.0)  # the file that is written, and since when
        self._reported_s = float("-inf")

    def gather(self) -> dict[str, object]:
        """As `{"telemetry": ...}` has it; and the desk's readings are told."""
        parts, now_s = self._parts, self._clock()
        delay, source = parts.show.delay_ms(), parts.show.source()
        snapshot = self._snapshot(now_s, delay, source)
        findings = judge(snapshot)
        if now_s - self._reported_s >= REPORT_S:
            self._reported_s = now_s
            self._report(snapshot, delay, findings)
        memory = memory_mb()
        return {
            "fps": round(snapshot.fps, 1),
            "delay_ms": _spread(delay),
            "stages_ms": {
                name: _spread(spread(durations_s))
                for name, durations_s in parts.timing.recent(LOOKS_BACK).items()
                if name != "grab_to_encoded"
            },
            "dropped": parts.show.dropped(),
            "viewers": snapshot.viewers,
            "cpu_percent": round(self._load.cpu_percent()),
            "memory_mb": None if memory is None else round(memory),
            "gpu": None if snapshot.gpu is None else _whole(asdict(snapshot.gpu)),
            "novelty": snapshot.novelty,
            "rung": self._rung(),
            "source": asdict(source),
            "restarts": parts.show.restarts(),
            "gliding": gliding(parts.desk),
            "health": [
                {"light": one.light.value, "what": one.what, "remedy": one.remedy}
                for one in findings
            ],
            "recording": parts.desk.value("recording"),
            "recording_s": self._recording_s(now_s),
            "uptime_s": round(now_s - self._began_s, 1),
            "beats": parts.beats(),
            "cue": parts.desk.value("cue"),
        }

    def _report(self, now: Snapshot, delay: Spread, findings: Sequence[Finding]) -> None:
        self._parts.desk.report({
            "fps": round(now.fps, 1),
            "delay": float(round(delay.p50)),
            "viewers": float(now.viewers),
            "health": overall(findings).value,
        })  # fmt: skip

    def _recording_s(self, now_s: float) -> float | None:
        """Seconds since the file was begun; None where nothing is recorded."""
        name = str(self._parts.desk.value("recording"))
        if name != self._take[0]:
            self._take = (name, now_s)
        return round(now_s - self._take[1], 1) if name else None

    def _snapshot(self, now_s: float, delay: Spread, source: SourceTold) -> Snapshot:
        parts, show, desk = self._parts, self._parts.show, self._parts.desk
        counts = parts.counts()
        novelty = float(desk.value("novelty"))  # the picture stage reports it
        history = self._history
        history.note(parts.timing.counts(), now_s)
        recording = bool(desk.value("recording"))
        return Snapshot(
            source=source.name,
            source_fps=source.fps,
            source_trouble=source.trouble,
            fps=show.fps(),
            delay_p95_ms=delay.p95,
            stuck_s=show.stale_s(),
            nobody_s=history.nobody_s(self._sees_somebody(), now_s),
            picked=parts.picked(),
            generator_fails=history.fails("generator", now_s),
            nets_fail=[part.name for part in PARTS if history.fails(part.name, now_s)],
            pose_fails=history.fails("pose", now_s),
            encoder_fails=history.fails("encode", now_s),
            restarts=history.restarts(sum(show.restarts().values()), now_s),
            viewers=counts.viewers,
            lossy=counts.quarter,
            recording=recording,
            disk_mb=self._disk.ask() if self._disk and recording else None,
            disk_hangs=recording and self._disk is not None and self._disk.hangs,
            gpu=parts.gpu(),
            novelty=novelty,
            beyond_s=history.beyond_s(novelty, now_s),
            consent=parts.consent(),
            unmarked=parts.unmarked,
            panic=bool(desk.value("panic")),
            frozen=bool(desk.value("freeze")),
            dark=desk.value("master") == 0,
        )

    def _rung(self) -> str:
        return str(self._parts.desk.value("rung")) or self._history.rung

    def _sees_somebody(self) -> bool:
        seen = self._parts.inspect()
        return self._rung() == "generated" if seen is None else seen[1] is not None


def gliding(desk: Desk) -> dict[str, object]:
    """Where those are that are on their way."""
    ends = desk.kept()
    now = desk.values()
    return {name: now[name] for name, end in ends.items() if now[name] != end}


def _spread(found: Spread) -> dict[str, float]:
    return {"p50": round(found.p50, 1), "p95": round(found.p95, 1)}


def _whole(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if one is None else round(one) for name, one in figures.items()}
