"""The cues and presets in use, and what is wrong with the file that they come from."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from live.desk.cue_file import CueFile
from live.desk.cues import CueErrors, CueSettings, Sheet, Values
from live.desk.desk import Desk
from live.errors import SetupError

log = logging.getLogger(__name__)

TOLD = 8
"""Errors that are told at once."""


class CueBook:
    """Holds one `Sheet`, and changes it as a whole. From any thread."""

    def __init__(self, desk: Desk, settings: CueSettings) -> None:
        """Raises SetupError for a file that was asked for and is wrong.

        Presets of another evening that cannot be read are no reason for no show: that is said.
        """
        self.sheet = Sheet()
        self.trouble: tuple[str, ...] = ()
        self._desk = desk
        self._file = CueFile(settings)
        self._lock = threading.Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()
        try:
            self.sheet = self._file.read(desk)
        except CueErrors as errors:
            if settings.asked:
                raise SetupError(f"--cues: {_some(errors.sentences)}") from errors
            log.warning("presets are not used: %s", _some(errors.sentences))
            self.trouble = errors.sentences

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._file.path

    def reload(self, turn: AbstractContextManager[object], used: Callable[[], None]) -> None:
        """Read the file again. Raises CueErrors: then all stays as it was.

        `turn` is held while the new sheet takes the old one's place, and `used` is called in it;
        not while the file is read: who makes a move meanwhile waits for no disk.
        """
        told: CueErrors | None = None
        with self._lock:  # no preset is saved meanwhile
            try:
                sheet = self._file.read(self._desk)
            except CueErrors as errors:
                self.trouble = errors.sentences
                told = CueErrors((_some(errors.sentences),))
            else:
                with turn:
                    self.sheet, self.trouble = sheet, ()
                    used()
        self._tell()
        if told is not None:
            raise told

    def put(self, name: str, values: Values) -> None:
        """Save a preset. Raises DeskError, with nothing changed."""
        with self._lock:
            self._file.put(name, values)
            self.sheet = replace(self.sheet, presets={**self.sheet.presets, name: dict(values)})
        self._tell()

    def drop(self, name: str) -> None:
        """Delete a preset. Raises DeskError, with nothing changed."""
        with self._lock:
            self._file.drop(name)
            left = {one: values for one, values in self.sheet.presets.items() if one != name}
            self.sheet = replace(self.sheet, presets=left)
        self._tell()

    def listen(self, listener: Callable[[], None]) -> None:
        """Be told that something is new, on the thread that changed it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _some(sentences: tuple[str, ...]) -> str:
    more = len(sentences) - TOLD
    return "\n".join([*sentences[:TOLD], *([f"... and {more} more"] if more > 0 else [])])
