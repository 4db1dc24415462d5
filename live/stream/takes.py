"""Takes: recordings that the desk begins and ends while the show runs.

All are signed when the show is over, one after another: signing reads and writes a whole recording,
and would take from the show what it runs on. A show that is killed leaves files that say what they
are, unsigned; `python -m live.stream.provenance --sign` signs them later.
"""

from __future__ import annotations

import datetime
import logging
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from live.arguments import Arguments
from live.desk.desk import Change, Desk
from live.desk.parameters import Value
from live.errors import SetupError, UnderstudyError
from live.stream.provenance_signing import RecordingSigner, SigningSettings, open_signer
from live.stream.provenance_statement import Statement
from live.stream.recorder import (
    SIGN_LATER,
    Audible,
    Recorder,
    RecorderSettings,
    Signs,
    Tapped,
    require_writable,
)
from live.stream.takes_statement import of_both
from live.timing import Clock

log = logging.getLogger(__name__)

SWITCH, READING, FADE, FREEZE = "record", "recording", "subject.fade", "freeze"
GRACE_S = 1.0
"""From when a swap is announced until it begins to show, at most."""
OPTION = "--takes"

Now = Callable[[], datetime.datetime]


@dataclass(frozen=True, slots=True)
class TakesSettings:
    """Where takes go that the desk begins; made when the first one is."""

    folder: Path


def add_takes_arguments(parser: Arguments) -> None:
    """`--takes`."""
    parser.add_argument(
        OPTION,
        type=Path,
        metavar="FOLDER",
        help="where recordings go that are begun at the desk (default: Understudy in your videos, "
        "or this folder where you have none); with --record they go beside its file",
    )


def takes_settings(found: Namespace) -> TakesSettings:
    """The settings from what `add_takes_arguments` added. Raises SetupError.

    What was asked for by name is tried now, when it can still be mended.
    """
    if found.takes is None:
        videos = Path(platformdirs.user_videos_dir())
        return TakesSettings(videos / "Understudy" if videos.is_dir() else Path.cwd())
    settings = TakesSettings(found.takes.expanduser().absolute())
    _require(settings.folder)
    return settings


def _require(folder: Path) -> None:
    """A folder that can be written, made if need be. Raises SetupError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"{OPTION} {folder}: it cannot be made ({error.strerror}); give another folder"
        ) from error
    require_writable(folder, f"{OPTION} {folder}")


class LateSigner:
    """Opens the real signer when there is something to sign: most shows record nothing."""

    def __init__(self, settings: SigningSettings) -> None:
        self._settings = settings
        self._signer: RecordingSigner | None = None

    def sign(self, path: Path, progress: Callable[[float], None]) -> None:
        """As `RecordingSigner.sign`. Raises UnderstudyError, also where none can be opened."""
        if self._signer is None:
            self._signer = open_signer(self._settings, datetime.datetime.now(datetime.UTC))
        if self._signer is None:  # the log says why
            raise UnderstudyError(f"{path} is left unsigned; later: {SIGN_LATER} {path}")
        self._signer.sign(path, progress)


class Takes:
    """Follows the desk's switch from `start` to `close`."""

    def __init__(
        self,
        settings: TakesSettings,
        desk: Desk,
        first: RecorderSettings | None = None,
        statement: Statement | None = None,
        signer: Signs | None = None,
        now: Now = datetime.datetime.now,
        clock: Clock = time.monotonic,
    ) -> None:
        """`first`: record from the beginning, into that file; later takes go beside it.

        `statement` is what the files say of the subject that is shown.
        """
        self._settings = settings
        self._desk = desk
        self._first = first
        self._statement = statement
        self._both: Statement | None = None  # while one fades into the other
        self._both_until_s = 0.0
        self._frozen = False  # a subject that has left stands still in the picture
        self._now = now
        self._clock = clock
        self._leave: Callable[[], None] | None = None
        place = first or RecorderSettings(settings.folder / "take.mp4")
        self.recorder = Recorder(place, statement=statement, signer=signer, on_file=self._tell)

    @property
    def says(self) -> str:
        """In a word: "off" or "recording"; or why it ended."""
        return self.recorder.trouble or ("recording" if self.recorder.recording else "off")

    def start(self, hub: Tapped, sound: Audible | None = None) -> None:
        """Record what `hub` codes, with `sound`, whenever the switch is on. Once only."""
        self.recorder.start(hub, sound, recording=self._first is not None)
        self._desk.on_set(SWITCH, self._switch)
        self._leave = self._desk.listen(self._heed)
        self._desk.follow(SWITCH, self.recorder.recording)

    def shows(self, statement: Statement) -> None:
        """Another subject comes, from the next picture on: a running take goes on in a new file.

        That file names the one who leaves, too, who is still to be seen while the pictures fade
        into each other. Quick; call it before the first picture that shows the new one.
        """
        leaving = self._both if self._still_seen() else self._statement
        self._statement = statement
        self._frozen = self._frozen or bool(self._desk.value(FREEZE))
        self._both = statement if leaving is None else of_both(leaving, statement)
        self._both_until_s = self._clock() + float(self._desk.value(FADE)) + GRACE_S
        self.recorder.renew(self._both)

    def close(self) -> None:
        """Finish what is being written. May be called twice, and before `start`."""
        if self._leave is not None:
            self._leave()
        self.recorder.close()

    def settle(self) -> None:
        """After `close`: wait until all is signed; see `Recorder.settle`."""
        self.recorder.settle()

    def _switch(self, value: Value) -> None:
        """The desk's handler; raises SetupError where no file can be made, and it stays off."""
        if not value:
            self.recorder.end()
        elif not self.recorder.recording:
            seen = self._both if self._still_seen() else self._statement
            self.recorder.begin(self._path(), seen)

    def _still_seen(self) -> bool:
        """Whether one who has left may be in the picture still."""
        return self._frozen or self._clock() < self._both_until_s

    def _path(self) -> Path:
        if self._first is not None:
            return self._first.path
        _require(self._settings.folder)
        return self._settings.folder / f"{self._now():%Y-%m-%d %H-%M-%S}.mp4"

    def _tell(self, path: Path | None) -> None:
        """On the recorder's thread."""
        if path is None and not self.recorder.recording:  # the disk may have ended it, not a hand
            self._let_go()
        self._desk.report({READING: "" if path is None else path.name})

    def _heed(self, change: Change) -> None:
        """The disk may fail before the switch that began the take counts."""
        if change.values.get(FREEZE) is False:
            self._frozen = False
        if change.values.get(SWITCH) is True and not self.recorder.recording:
            self._let_go()
        elif change.values.get(SWITCH) is False and self.recorder.recording:
            self._desk.follow(SWITCH, True)  # two hands at once: the file is still written

    def _let_go(self) -> None:
        if self._desk.value(SWITCH):
            self._desk.follow(SWITCH, False)
