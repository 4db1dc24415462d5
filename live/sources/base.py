"""The seam between the show and whatever gives it pictures: protocol, settings, and a fake."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from live.errors import SetupError
from live.frames import Frame, Image
from live.timing import Clock

URL_SCHEMES = ("rtsp", "rtsps", "http", "https")
BROWSER = "browser"
"""`SourceSettings.where` for a phone that sends its camera; a file of that name is `./browser`."""

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]+)://")  # two letters at least: C:// is a drive

Wait = Callable[[threading.Event, float], bool]
"""Waits for the event at most that many seconds; True when it is set. `threading.Event.wait`."""


class Source(Protocol):
    """Gives frames, each when it is due. One thread reads; any thread may close."""

    name: str  # for people: "camera 0", a file's name, a URL without its password

    @property
    def fps(self) -> float:
        """Frames per second, measured over those that arrived lately; 0 until two have."""

    @property
    def trouble(self) -> str | None:
        """What is wrong just now, one sentence ("camera 0 gives no picture"); None when well."""

    def read(self) -> Frame | None:
        """Block until the next frame is due and give it; None when the source ended for good.

        While a camera or a connection is being reopened it just blocks: nothing new, no error.
        Raises `SourceError` when the source cannot go on.
        """

    def close(self) -> None:
        """Free what is held and make a waiting `read` return None at once. May be called twice."""


@dataclass(frozen=True, slots=True)
class SourceTold:
    """How a source is, for the person at the desk."""

    name: str
    fps: float  # frames per second, measured; 0 while none come
    trouble: str | None  # one sentence; None when well


@runtime_checkable
class Clip(Protocol):
    """What a source that plays a clip offers besides: the way back to the clip's own frames."""

    def clip_index(self, sequence: int) -> int:
        """Number in the clip, from 0, of the frame with `Frame.sequence` = `sequence`."""


@dataclass(frozen=True, slots=True)
class Timebase:
    """The clock to stamp with and the way to wait. Tests pass a fake pair."""

    clock: Clock = time.monotonic
    wait: Wait = threading.Event.wait


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Which source, and how to read it. Raises `SetupError` for a value that cannot work."""

    where: int | str  # a camera's index, a file's path, an rtsp/rtsps/http/https URL, or BROWSER
    width: int = 640  # asked of a camera, pixels
    height: int = 480  # asked of a camera, pixels
    camera_fps: float = 30.0  # asked of a camera, frames per second
    warm_frames: int = 5  # a camera's first frames, dropped: too dark, wrongly balanced
    loop: bool = True  # a clip starts over at its end
    stale_after_s: float = 0.8  # a camera that shows nothing new for so long is reopened
    url_stale_after_s: float = 3.0  # the same for a connection, whose stalls are longer
    open_timeout_s: float = 10.0  # for the first picture to come

    def __post_init__(self) -> None:
        self._check_where()
        for name in ("width", "height", "camera_fps", "stale_after_s", "url_stale_after_s",
                     "open_timeout_s"):  # fmt: skip
            value = getattr(self, name)
            if not 0 < value < 1e5:
                raise SetupError(f"{name} is {value}; it must be a number above 0")
        if self.warm_frames < 0:
            raise SetupError(f"warm_frames is {self.warm_frames}; it must be 0 or more")

    def _check_where(self) -> None:
        if isinstance(self.where, int):
            if self.where < 0:
                raise SetupError(f"--camera {self.where}: a camera's index is 0, 1, 2, ...")
            return
        if not self.where:
            raise SetupError("--source is empty; give a video file or a URL")
        scheme = self.scheme
        if scheme is not None and scheme not in URL_SCHEMES:
            raise SetupError(
                f"--source {redacted(self.where)}: cannot read {scheme}:// addresses; "
                f"give a file's path or one of {', '.join(s + '://' for s in URL_SCHEMES)}"
            )

    @property
    def scheme(self) -> str | None:
        """The URL's scheme in lower case; None for a camera or a path."""
        found = _SCHEME.match(self.where) if isinstance(self.where, str) else None
        return found.group(1).lower() if found else None


def redacted(url: str) -> str:
    """`url` without user name and password, fit for a log."""
    return re.sub(r"(://)[^/@]*@", r"\1", url)


@dataclass(slots=True)
class ScriptedSource:
    """A fake source for tests and rehearsals: gives `script` at `pace_fps`, then ends.

    An image becomes a frame; an exception in the script is raised by `read` in its turn.
    """

    script: Sequence[Image | Exception]
    pace_fps: float = 30.0  # frames per second
    loop: bool = False
    time: Timebase = field(default_factory=Timebase)
    name: str = "script"
    trouble: str | None = None
    _sequence: int = 0
    _due_s: float | None = None
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def fps(self) -> float:
        return self.pace_fps

    def read(self) -> Frame | None:
        if not self.loop and self._sequence >= len(self.script):
            return None
        if self._due_s is None:
            self._due_s = self.time.clock()
        if self.time.wait(self._closed, max(0.0, self._due_s - self.time.clock())):
            return None
        self._due_s += 1.0 / self.pace_fps
        item = self.script[self._sequence % len(self.script)]
        self._sequence += 1
        if isinstance(item, Exception):
            raise item
        return Frame(item, self.time.clock(), self._sequence - 1)

    def clip_index(self, sequence: int) -> int:
        return sequence % len(self.script)

    def close(self) -> None:
        self._closed.set()
