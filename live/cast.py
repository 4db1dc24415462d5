"""The cast: another subject is loaded beside the running one, and takes its place.

Reading, checking, opening and warming up happen in a thread of its own, of low priority; the
picture's thread is handed what is ready.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from live.body import BodyStats
from live.character import Character
from live.character_open import CharacterSettings, open_character
from live.consent import OPTION, acknowledged, allows
from live.errors import DeskError, SubjectError, UnderstudyError
from live.subject import Subject, SubjectManifest, load_manifest, load_subject

log = logging.getLogger(__name__)

NICE = 10
"""Of 19: what is loaded beside the show gets what the show leaves (setpriority(2))."""
CLOSE_S = 2.0

Told = Callable[[str, str], None]
"""(who stays, why in one sentence): a change that failed."""


class Painter(Protocol):
    """Who shows characters; `live.picture.PictureMaker`."""

    @property
    def performer(self) -> BodyStats | None:
        """The performer's measures in use."""

    def get_ready(self, character: Character) -> None:
        """Make ahead what `character` will need; may take its time."""

    def swap(self, character: Character, fade_s: float) -> None:
        """Show `character` from the next picture on."""


class Cast:
    """Who can be shown, who is, and who is on the way. From any thread."""

    def __init__(
        self,
        known: Mapping[str, Path],
        running: str,
        painter: Painter,
        settings: CharacterSettings,
        open_: Callable[[Path, CharacterSettings, BodyStats | None], Character] | None = None,
    ) -> None:
        """known: bundles by name; running: the name of the one that `painter` shows."""
        self.fade_s: Callable[[], float] = lambda: 1.0  # asked when a subject is ready
        self.on_coming: Callable[[Subject], None] = lambda subject: None  # before its first picture
        self.on_failed: Told = lambda stays, why: None
        self._known = dict(known)
        self._painter = painter
        self._settings = settings
        self._open = open_ or open_bundle
        self._lock = threading.Condition()
        self._running = running
        self._wanted: str | None = None  # who is to come; None: nobody
        self._loading = False
        self._closed = False

    @property
    def names(self) -> tuple[str, ...]:
        """Who can be shown, in the order of the list."""
        return tuple(self._known)

    @property
    def running(self) -> str:
        """Who is shown, or fades in."""
        return self._running

    @property
    def loading(self) -> str:
        """Who is on the way; empty: nobody."""
        return self._wanted or ""

    def path(self, name: str) -> Path:
        """Where the bundle is. Raises DeskError for a name that there is not."""
        if name not in self._known:
            there = ", ".join(self._known)
            raise DeskError(f"there is no subject {name[:60]!r}; there is {there}")
        return self._known[name]

    def require_consent(self, name: str) -> None:
        """Raises SubjectError where `name` may not be shown yet, and why."""
        path = self.path(name)
        manifest, sha256 = load_manifest(path)
        if not allows(manifest, sha256):
            raise SubjectError(_refusal(manifest, path))

    def change(self, name: str) -> None:
        """Begin to load `name`, to show it when it is ready; the last one asked for counts.

        Returns at once. Raises DeskError for a name that there is not.
        """
        self.path(name)
        with self._lock:
            self._wanted = None if name == self._running else name
            if self._wanted is None or self._loading or self._closed:
                return
            self._loading = True
        threading.Thread(target=self._work, name="cast", daemon=True).start()

    def wait(self, timeout_s: float) -> bool:
        """Until nobody is on the way; False when `timeout_s` passes first."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._loading, timeout_s)

    def close(self) -> None:
        """Nobody comes any more. May be called twice."""
        with self._lock:
            self._closed, self._wanted = True, None
        if not self.wait(CLOSE_S):
            log.warning("a subject that is being loaded does not end; left behind")

    def _work(self) -> None:
        if self._settings.threads == 1:
            # More threads of the engine's own would inherit it, and keep it in the show.
            _lower_priority()
        name = self._next()
        while name is not None:
            try:
                performer = self._painter.performer
                character = self._open(self._known[name], self._settings, performer)
                self._painter.get_ready(character)
                self._hand_over(name, character)
            except UnderstudyError as error:
                self._give_up(name, str(error))
            except Exception as error:  # the thread's top: a bundle may not end the show
                log.exception("%s could not be loaded", name)
                self._give_up(name, f"{name} could not be loaded ({error}); see the log")
            name = self._next()

    def _next(self) -> str | None:
        """Who is to be loaded; without anybody the thread ends."""
        with self._lock:
            if self._wanted is None:
                self._loading = False
                self._lock.notify_all()
            return self._wanted

    def _hand_over(self, name: str, character: Character) -> None:
        try:
            with self._lock:
                shown = self._wanted == name
                if shown:
                    self.on_coming(character.subject)
                    self._painter.swap(character, self.fade_s())
                    self._running, self._wanted = name, None
        except BaseException:
            character.close()
            raise
        if shown:
            log.info("%s comes on", name)
        else:  # somebody else was asked for meanwhile
            character.close()

    def _give_up(self, name: str, why: str) -> None:
        with self._lock:
            given_up = self._wanted == name
            if given_up:
                self._wanted = None
        log.error("%s; %s stays", why, self._running)
        if given_up:
            self.on_failed(self._running, why)


def open_bundle(
    path: Path, settings: CharacterSettings, performer: BodyStats | None = None
) -> Character:
    """The character of a bundle, loaded, allowed and warmed up. Raises UnderstudyError."""
    subject = load_subject(path)
    if not acknowledged(subject):
        raise SubjectError(_refusal(subject.manifest, subject.origin))
    return open_character(subject, settings, performer)


def _refusal(manifest: SubjectManifest, origin: Path) -> str:
    return (
        f"{manifest.name} ({origin}) has no consent record; if you have the "
        f"consent of the person it shows, say so on the console, or start the show with this "
        f"--subject and {OPTION}"
    )


def _lower_priority() -> None:
    """Of this thread alone, where the system can: on Linux."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
