"""What is known of a show at a moment, and what is found to be wrong with it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from live.desk.gpu_load import GpuUse


class Light(enum.Enum):
    """From best to worst."""

    GOOD = "good"
    CAREFUL = "careful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of the show at a moment. The defaults are a show without fault."""

    source: str = "the source"  # its name
    source_fps: float = 30.0
    source_trouble: str | None = None  # in its own words
    fps: float = 30.0  # pictures encoded a second
    delay_p95_ms: float = 0.0  # from camera to encoded
    stuck_s: float = 0.0  # since the last new picture
    nobody_s: float = 0.0  # since somebody was seen
    picked: bool = False  # one person was picked, and nobody else is followed
    generator_fails: bool = False
    nets_fail: Sequence[str] = ()  # of parts, by `live.parts.Part.name`
    pose_fails: bool = False
    encoder_fails: bool = False
    restarts: int = 0  # of stages, in the last minute
    viewers: int = 0
    lossy: int = 0  # of them, on lines so bad that they get the small picture
    recording: bool = False
    disk_mb: float | None = None  # free where recordings go
    disk_hangs: bool = False  # it does not answer
    gpu: GpuUse | None = None  # None: there is none that tells
    novelty: float = 0.0
    beyond_s: float = 0.0  # for so long novelty has been above `health.BEYOND`
    consent: bool = True  # there is a record, or somebody has answered for it
    unmarked: Sequence[str] = ()  # marks that are switched off, in words
    panic: bool = False
    frozen: bool = False
    dark: bool = False  # the master fader is at 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    light: Light
    what: str
    remedy: str
