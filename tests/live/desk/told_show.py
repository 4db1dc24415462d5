"""A show, its timers and its hub, that tell of themselves what a test wants them to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from live.desk.seen import Seen
from live.sources.base import SourceTold
from live.stream.hub_counts import HubCounts
from live.timing import Spread, spread

NOTHING = HubCounts(0, 0, 2000, 0, 0, 0, 0, 0)


@dataclass
class ToldShow:
    """`live.desk.telemetry.Telling` and `Times` at once."""

    now_s: float = 1000.0
    rate: float = 30.0
    delays_s: list[float] = field(default_factory=lambda: [0.05, 0.06])
    stuck_s: float = 0.0
    told: SourceTold = field(default_factory=lambda: SourceTold("camera 0", 30.0, None))
    begun_anew: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    hub: HubCounts = NOTHING
    seen: Seen = field(default_factory=Seen)

    def fps(self) -> float:
        return self.rate

    def delay_ms(self) -> Spread:
        return spread(self.delays_s)

    def stale_s(self) -> float:
        return self.stuck_s

    def source(self) -> SourceTold:
        return self.told

    def restarts(self) -> dict[str, int]:
        return dict(self.begun_anew)

    def dropped(self) -> int:
        return 7

    def recent(self, most: int) -> Mapping[str, list[float]]:
        return {"pose": [0.02] * most, "generate": [0.019], "encode": [0.005],
                "grab_to_encoded": [0.06]}  # fmt: skip

    def counts(self) -> dict[str, int]:
        return dict(self.counted)
