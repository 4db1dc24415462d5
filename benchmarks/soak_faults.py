"""Everything that can go wrong in a show, by name: how long it lasts, and the seeded schedule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    lasts_s: float  # how long it stays so; 0 for what happens once


FAULTS = (
    Fault("camera unplugged", 3.0),
    Fault("camera hung", 3.0),
    Fault("camera stale", 3.0),
    Fault("camera black", 3.0),
    Fault("estimator throws", 2.0),
    Fault("estimator hangs", 4.0),
    Fault("generator throws", 2.0),
    Fault("picture stage dies", 0.5),
    Fault("encoder throws", 0.5),
    Fault("viewer vanishes", 0.0),
    Fault("malformed offers", 0.0),
    Fault("key frames asked for", 0.0),
    Fault("busy machine", 10.0),
    Fault("clock jumps", 2.0),
    Fault("subject swapped", 4.0),
    Fault("subject broken", 2.0),
    Fault("every control moved", 4.0),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault and its moment."""

    fault: Fault
    at_s: float  # from the start of the measurement


def schedule(seconds: float, every_s: float, seed: int, settle_s: float) -> list[Planned]:
    """A fault each `every_s` seconds, none of them twice before all had their turn.

    The last `settle_s` seconds stay without, so that what was left behind can be counted.
    """
    faults = _shuffled(random.Random(seed))
    planned, at_s = [], every_s / 2
    while at_s + (fault := next(faults)).lasts_s <= seconds - settle_s:
        planned.append(Planned(fault, at_s))
        at_s += max(every_s, fault.lasts_s + 1.0)
    return planned


def _shuffled(order: random.Random) -> Iterator[Fault]:
    while True:
        yield from order.sample(FAULTS, len(FAULTS))
