"""Presets: everything that is set, saved and recalled by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from live.desk.cue_book import CueBook
from live.desk.cue_read import checked_name, checked_seconds, checked_value, meant
from live.desk.desk import Desk
from live.desk.parameters import Value
from live.errors import DeskError, UnderstudyError

log = logging.getLogger(__name__)

PASSING = "tempo"
"""The group that a look leaves alone: the band's tempo of an hour ago is of no use."""


class Presets:
    """Does the desk's `preset.*`. From any thread."""

    def __init__(self, desk: Desk, book: CueBook) -> None:
        self._desk = desk
        self._book = book
        desk.on_do("preset.save", self.save)
        desk.on_do("preset.recall", self.recall)
        desk.on_do("preset.delete", self.delete)

    def names(self) -> tuple[str, ...]:
        """As they stand in the file."""
        return tuple(self._book.sheet.presets)

    def save(self, name: object) -> None:
        """Keep what is set, or glides there, in the file. Raises DeskError."""
        name = checked_name(name, "the preset")
        self._book.put(name, {key: _rounded(value) for key, value in self._lasting().items()})
        log.info("preset %s is saved in %s", name, self._book.path)

    def recall(self, name: object, fade_s: object = 0.0) -> None:
        """Set what it holds, gliding in `fade_s` seconds. Raises DeskError."""
        known = self._known(name)
        fade_s = checked_seconds(fade_s, "the fade")
        set_what_holds(self._desk, self._book.sheet.presets[known], f"preset {known}", fade_s)

    def delete(self, name: object) -> None:
        """Out of the file. Raises DeskError, also where a cue needs it."""
        known = self._known(name)
        for cue in self._book.sheet.cues:
            if cue.preset == known:
                raise DeskError(f"preset {known!r} is used by cue {cue.title}; change that first")
        self._book.drop(known)

    def _known(self, name: object) -> str:
        presets = self._book.sheet.presets
        if not isinstance(name, str) or name not in presets:
            remedy = meant(str(name), presets)
            raise DeskError(f"there is no preset {str(name)[:60]!r}{remedy}")
        return name

    def _lasting(self) -> dict[str, Value]:
        return {
            name: value
            for name, value in self._desk.kept().items()
            if self._desk.parameter(name).group != PASSING and value != ""  # not chosen yet
        }


def set_what_holds(desk: Desk, values: Mapping[str, Value], by: str, fade_s: float) -> None:
    """Set `values`; what there is no more (a subject, a picture) is said and left out.

    In the middle of a show half a look is better than none.
    """
    good: dict[str, object] = {}
    for name, value in values.items():
        try:
            # What stands so already is not carried out again: a subject is not loaded twice.
            if desk.parameter(name).fades or desk.value(name) != value:
                good[name] = checked_value(desk, name, value)
        except DeskError as error:
            log.warning("%s: %s; the rest is set", by, error)
    try:
        desk.set_many(good, by, fade_s)
    except UnderstudyError as error:  # of one of them; the others are set
        log.warning("%s: %s", by, error)


def _rounded(value: Value) -> Value:
    """As people write numbers."""
    return round(value, 4) if isinstance(value, float) else value
