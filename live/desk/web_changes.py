"""Changes that wait until they are told: few, for a fader on OSC makes hundreds a second."""

from __future__ import annotations

from dataclasses import replace

from live.desk.desk import Change


def add(changes: list[Change], change: Change) -> None:
    """Put it behind those that wait; what the same hand has set just before goes along."""
    last = changes[-1] if changes else None
    if last is not None and last.by == change.by and _sets(last) and _sets(change):
        changes[-1] = replace(change, values={**last.values, **change.values})
    else:
        changes.append(change)


def _sets(change: Change) -> bool:
    """Whether it sets values and does nothing else."""
    return not change.done and change.offers is None
