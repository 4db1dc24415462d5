"""From the desk to what a restart needs, and back: `live.state` keeps it on the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable

from live.body import BodyStats
from live.desk.cue_read import checked_value
from live.desk.cue_stack import CueStack
from live.desk.cues import BY_HAND
from live.desk.desk import Change, Desk
from live.desk.parameters import Value
from live.errors import DeskError, UnderstudyError
from live.state import ShowState, StateKeeper

log = logging.getLogger(__name__)

STAYS = ("panic", "record")
"""Kept beside what presets hold: who wanted nothing shown wants it still, and who recorded records
on, in a new file. A frozen picture is gone with the process that had it."""


def state_of(desk: Desk, stack: CueStack, performer: BodyStats | None) -> ShowState:
    """What is to be kept at this moment."""
    values = {**desk.kept(), **{name: desk.value(name) for name in STAYS}}
    return ShowState(performer, values, stack.place)


def restore(state: ShowState, desk: Desk, stack: CueStack) -> None:
    """Set again what had been set, where that is still possible; what is not is said.

    Panic comes first, so that nothing is seen in between. Fades stand where they led to.
    """
    if state.cue is not None:
        stack.restore(state.cue)
    for name in sorted(state.values, key=lambda one: one not in BY_HAND):
        value = state.values[name]
        try:
            # What no cue may set, an operator's hand had set.
            if name not in BY_HAND and not _stands(desk, name, value):
                value = checked_value(desk, name, value)
            if not _stands(desk, name, value):
                desk.set(name, value, by="restart")
        except DeskError as error:
            log.warning("of what was set before the restart this is left out: %s", error)
        except UnderstudyError as error:  # a subject that cannot be loaded any more, a full disk
            log.warning("%s is not as it was before the restart: %s", name, error)
    if state.values:
        log.info("what had been set before the restart is set again")


def _stands(desk: Desk, name: str, value: Value) -> bool:
    return desk.parameter(name).settable and desk.value(name) == value


def keep_in_step(desk: Desk, keeper: StateKeeper) -> Callable[[], None]:
    """Stir the keeper whenever somebody sets something, or a cue goes. Returns what ends it."""

    def heed(change: Change) -> None:
        # Readings come five times a second, and are not kept.
        if any(name == "cue" or desk.parameter(name).settable for name in change.values):
            keeper.stir()

    return desk.listen(heed)
