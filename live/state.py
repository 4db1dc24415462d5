"""What a show that was killed needs to go on as before: a small JSON file, written whole or not.

It is for a restart, not for the next evening: it is dropped where the show ends as it should, where
it is older than `FRESH_S`, and where it is another show's.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from live.arguments import Arguments
from live.body import BodyStats
from live.desk.cues import CuePlace, Values
from live.desk.parameters import Value
from live.errors import SetupError
from live.folders import state_folder

log = logging.getLogger(__name__)

FORMAT = "understudy-state"
VERSION = 2
FRESH_S = 900.0
"""Seconds after which what was kept is of another evening."""
EVERY_S = 5.0
"""Seconds between two looks at what nobody tells the keeper of; and its age counts, too."""
PAUSE_S = 1.0
"""Seconds between two writes, at least: a fader that moves writes no file for each step."""
LARGEST_BYTES = 65_536
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class ShowState:
    """What is kept. None: not known."""

    performer: BodyStats | None = None  # the measures in use, refined while the show ran
    values: Values = field(default_factory=dict)  # what the operator had set
    cue: CuePlace | None = None  # where the show was in its cues


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
    except (OSError, ValueError, TypeError, RecursionError, OverflowError) as error:
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
        "values": dict(state.values),
        "cue": None if state.cue is None else asdict(state.cue),
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
    """Keeps what `look` tells, in a thread of its own: at once where it is stirred, no more than
    once in `pause_s`, and every few seconds anyway."""

    def __init__(
        self,
        settings: StateSettings,
        look: Callable[[], ShowState],
        every_s: float = EVERY_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._settings = settings
        self._look = look
        self._every_s, self._pause_s = every_s, pause_s
        self._stirred = threading.Event()
        self._left = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def stir(self) -> None:
        """Something has changed. Quick, from any thread."""
        self._stirred.set()

    def forget(self) -> None:
        """The show ended as it should: nothing is kept."""
        self.close()
        self._settings.path.unlink(missing_ok=True)

    def close(self) -> None:
        """End, and leave the file as it is. May be called twice, and before `start`."""
        self._left.set()
        self._stirred.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        self._keep()
        while not self._left.wait(min(self._pause_s, self._every_s)):
            self._stirred.wait(self._every_s)
            if self._left.is_set():
                return
            self._stirred.clear()  # before the look: what comes during it is looked at again
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
    """Raises ValueError or TypeError where nothing of it is of use."""
    data: Any = json.loads(text)
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise ValueError("it is no state of this version")
    saved_s = data.get("saved_s")
    if not isinstance(saved_s, int | float) or not math.isfinite(saved_s):
        raise ValueError("its time is no number")
    if data.get("of") != of:
        log.info("what was kept is another show's; beginning anew")
        return ShowState()
    if not -60.0 <= now_s - saved_s <= FRESH_S:
        log.info("what was kept is old; beginning anew")
        return ShowState()
    return ShowState(
        _part("performer", data.get("performer"), BodyStats.from_json),
        _part("values", data.get("values"), _values) or {},
        _part("cue", data.get("cue"), _cue),
    )


T = TypeVar("T")


def _part(name: str, data: Any, parse: Callable[[Any], T]) -> T | None:
    """One part of it; a broken one takes no other with it."""
    if data is None:
        return None
    try:
        if not isinstance(data, dict):
            raise TypeError("it is no object")
        return parse(data)
    except (ValueError, TypeError) as error:
        log.warning("what the show knew of its %s is of no use: %s", name, error)
        return None


def _values(data: Mapping[str, Any]) -> dict[str, Value]:
    """What can be values at all; the desk looks at them again."""
    good = {name: value for name, value in data.items() if _may_be_value(value)}
    if wrong := sorted(set(data) - set(good)):
        log.warning("of what was set this is of no use, and left out: %s", ", ".join(wrong)[:200])
    return good


def _may_be_value(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):  # a bool, too
        return abs(value) < 2**53
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _cue(data: Mapping[str, Any]) -> CuePlace:
    number, name, before = (data.get(one) for one in ("number", "name", "before"))
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError("its number is none")
    if not isinstance(name, str) or not isinstance(before, dict):
        raise TypeError("it has no name, or no values before it")
    return CuePlace(number, name, _values(before))
