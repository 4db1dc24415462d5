"""What a show that was killed needs to go on as before: a small JSON file, written whole or not.

It is for a restart, not for the next evening: it is dropped where the show ends as it should, where
it is older than `FRESH_S`, and where it is another show's.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live.arguments import Arguments
from live.body import BodyStats
from live.errors import SetupError
from live.folders import state_folder

log = logging.getLogger(__name__)

FORMAT = "understudy-state"
VERSION = 1
FRESH_S = 900.0
"""Seconds after which what was kept is of another evening."""
EVERY_S = 5.0
"""Seconds between two looks at what is to be kept: so much may be lost."""
LARGEST_BYTES = 65_536
KEY = re.compile(r"[A-Za-z0-9_-]{16,128}")


@dataclass(frozen=True, slots=True)
class ShowState:
    """What is kept. None: not known."""

    performer: BodyStats | None = None  # the measures in use, refined while the show ran
    camera_key: str | None = None  # with which a phone's page comes back by itself


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where it is kept, and whose it is."""

    path: Path
    of: str = ""  # names the show: what is kept of another one is not used


def add_state_arguments(parser: Arguments) -> None:
    """`--state`."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="where a show that is killed and started again finds what it knew "
        "(default: one for each port in the user's state folder)",
    )


def state_settings(found: Namespace, of: str) -> StateSettings:
    """The settings from what `add_state_arguments` added, and `--port`."""
    path = found.state or state_folder() / f"show-{found.port}.json"
    return StateSettings(path.expanduser(), of)


def load_state(settings: StateSettings, clock: Callable[[], float] = time.time) -> ShowState:
    """What was kept; nothing where there is none, or it is old, another show's or broken.

    Never raises: a show that cannot remember begins like a new one, and says so.
    """
    try:
        text = _read(settings.path)
        return ShowState() if text is None else _parsed(text, settings.of, clock())
    except (OSError, ValueError, TypeError, RecursionError) as error:
        log.warning("what the show knew (%s) is of no use: %s", settings.path, error)
        return ShowState()


def save_state(
    state: ShowState, settings: StateSettings, clock: Callable[[], float] = time.time
) -> None:
    """Write it, whole or not at all, for this user alone. Raises SetupError."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "of": settings.of,
        "saved_s": clock(),
        "performer": None if state.performer is None else state.performer.to_json(),
        "camera_key": state.camera_key,
    }
    path = settings.path
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with open(partial, "x", encoding="utf-8", opener=_private) as file:
            json.dump(data, file)
        partial.replace(path)
    except OSError as error:
        raise SetupError(
            f"what the show knows cannot be kept in {path} ({error.strerror}); give another "
            "--state FILE"
        ) from error


class StateKeeper:
    """Keeps what `look` tells, every few seconds (its age counts, too), in a thread of its own."""

    def __init__(
        self, settings: StateSettings, look: Callable[[], ShowState], every_s: float = EVERY_S
    ) -> None:
        self._settings = settings
        self._look = look
        self._every_s = every_s
        self._left = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def forget(self) -> None:
        """The show ended as it should: nothing is kept."""
        self.close()
        self._settings.path.unlink(missing_ok=True)

    def close(self) -> None:
        """End, and leave the file as it is. May be called twice, and before `start`."""
        self._left.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        self._keep()
        while not self._left.wait(self._every_s):
            self._keep()

    def _keep(self) -> None:
        try:
            save_state(self._look(), self._settings)
            self._failing = False
        except Exception as error:  # the thread's top; the show goes on without
            if not self._failing:
                log.warning("%s", error)
            self._failing = True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> str | None:
    if not path.exists():
        return None
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ValueError(f"it has {size} bytes")
    return path.read_text(encoding="utf-8")


def _parsed(text: str, of: str, now_s: float) -> ShowState:
    """Raises ValueError or TypeError with what is wrong."""
    data: Any = json.loads(text)
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise ValueError("it is no state of this version")
    saved_s, performer, key = (data.get(name) for name in ("saved_s", "performer", "camera_key"))
    if not isinstance(saved_s, int | float) or not math.isfinite(saved_s):
        raise ValueError("its time is no number")
    if data.get("of") != of:
        log.info("what was kept is another show's; beginning anew")
        return ShowState()
    if not -60.0 <= now_s - saved_s <= FRESH_S:
        log.info("what was kept is old; beginning anew")
        return ShowState()
    if key is not None and not (isinstance(key, str) and KEY.fullmatch(key)):
        raise ValueError("its key is none")
    if performer is not None and not isinstance(performer, dict):
        raise ValueError("its performer is none")
    return ShowState(None if performer is None else BodyStats.from_json(performer), key)
