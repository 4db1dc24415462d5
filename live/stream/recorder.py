"""The recorder: writes the very packets that are streamed into MP4 files, in its own thread.

When the show is over, the same thread signs what it wrote (`settle` waits for that).
"""

from __future__ import annotations

import datetime
import logging
import queue
import threading
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from live.arguments import Arguments
from live.errors import SetupError, UnderstudyError
from live.stream.encoder import Codec
from live.stream.opus import Heard
from live.stream.recording import UNWRITABLE, Recording, Streamed

log = logging.getLogger(__name__)

LONGEST = 600
"""Packets that may wait for the disk: about ten seconds of pictures, seven with sound."""

CLOSE_S = 5.0
"""For the disk to take what waits, at the end."""

SIGN_LATER = "python -m live.stream.provenance --sign"
SAY_EVERY_S = 2.0
"""How far the signing is."""


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Where the show is recorded."""

    path: Path  # an .mp4; where it exists, "-2", "-3", ... is put before the ending

    def __post_init__(self) -> None:
        if self.path.suffix.lower() != ".mp4":
            raise SetupError(f"--record {self.path}: give a file that ends in .mp4")


def add_recorder_arguments(parser: Arguments) -> None:
    """`--record`."""
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE.mp4",
        help="record what is streamed; a file that exists is kept, and FILE-2.mp4 written",
    )


def recorder_settings(found: Namespace) -> RecorderSettings | None:
    """The settings from what `add_recorder_arguments` added; None without `--record`.

    Raises `SetupError`, also where the folder is missing or read-only: now it can be mended.
    """
    if found.record is None:
        return None
    settings = RecorderSettings(found.record.expanduser())
    folder = settings.path.parent
    if not folder.is_dir():
        raise SetupError(f"--record {settings.path}: there is no folder {folder}; make it first")
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SetupError(
            f"--record {settings.path}: {folder} cannot be written ({error.strerror}); "
            "give another folder"
        ) from error
    return settings


class Tap(Protocol):
    """`Hub.tap`'s way back."""

    def ask_key_frame(self) -> None:
        """Want a key frame, soon."""

    def close(self) -> None:
        """No more packets."""


class Tapped(Protocol):
    """What the recorder needs of `live.stream.hub.Hub`."""

    def tap(self, codec: Codec, put: Callable[[Streamed], None]) -> Tap:
        """Every coded packet, from the next key frame on, on the encoder's thread."""


class Audible(Protocol):
    """What the recorder needs of `live.stream.sound.Sound`."""

    def tap(self, put: Callable[[Heard], None]) -> Callable[[], None]:
        """Every packet of sound, on its thread; returns the call that ends it."""


class Says(Protocol):
    """What the recorder needs of `live.stream.provenance_statement.Statement`."""

    def begun(self, now: datetime.datetime) -> Says:
        """The same, of a recording that begins `now`."""

    def tags(self) -> dict[str, str]:
        """What a file says of itself."""


class Signs(Protocol):
    """What the recorder needs of `live.stream.provenance_signing.RecordingSigner`."""

    def sign(self, path: Path, progress: Callable[[float], None]) -> None:
        """Sign a finished file, whole or not at all, telling the share that is done."""


class Stopped(UnderstudyError):
    """Somebody did not want to wait for the signature."""


class Recorder:
    """Records until it is closed, or until the disk will not have it: the show goes on."""

    def __init__(
        self,
        settings: RecorderSettings,
        longest: int = LONGEST,
        statement: Says | None = None,
        signer: Signs | None = None,
    ) -> None:
        """`statement` is what the files say of themselves; `signer` None leaves them unsigned."""
        self.dropped = 0  # packets that a slow disk cost
        self.trouble: str | None = None  # why nothing is recorded any more, one sentence
        self.files: tuple[Path, ...] = ()  # written so far, the running one included
        self.unsigned: tuple[str, ...] = ()  # why a file could not be signed, a sentence each
        self._settings = settings
        self._statement = statement
        self._signer = signer
        self._signing: tuple[Path, float] | None = None  # the file, and the share that is done
        self._written = threading.Event()  # the files are finished, signed or not
        self._impatient = threading.Event()  # sign no more
        self._waiting: queue.Queue[Streamed | Heard | None] = queue.Queue(longest)
        self._needs_key_frame = True
        self._tap: Tap | None = None
        self._untap: Callable[[], None] | None = None
        self._sound = False
        self._recording: Recording | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self, hub: Tapped, sound: Audible | None = None) -> None:
        """Record `hub`'s H.264, and `sound` beside it. Once only."""
        self._sound = sound is not None
        self._thread.start()
        self._tap = hub.tap(Codec.H264, self.put)
        self._untap = sound.tap(self.put_sound) if sound is not None else None

    def put(self, coded: Streamed) -> None:
        """Queue a picture, or drop it where the disk is too slow: never blocks."""
        if self.trouble is not None:
            return
        if self._needs_key_frame and not coded.key_frame:
            self.dropped += 1
            return
        self._needs_key_frame = not self._queue(coded)
        if self._needs_key_frame and self._tap is not None:
            self._tap.ask_key_frame()

    def put_sound(self, heard: Heard) -> None:
        """Queue 20 ms of sound, or drop them: never blocks."""
        if self.trouble is None:
            self._queue(heard)

    def close(self) -> None:
        """Write what waits, and finish the file. May be called twice, and before `start`.

        Where files are to be signed, the thread goes on to do that: see `settle`.
        """
        self._leave()
        if self._thread.ident is None or not self._thread.is_alive():
            return
        if not self._written.is_set() or self._signer is not None:
            self._end_queue()
        if not self._written.wait(CLOSE_S):
            log.warning("the disk did not take the recording's end within %.0f s", CLOSE_S)
        elif self._signer is None:
            self._thread.join(CLOSE_S)

    def settle(self) -> None:
        """After `close`: wait until the files are signed, and say how far that is.

        Ctrl-C leaves the rest unsigned; they can be signed later. May be called twice.
        """
        if self._thread.ident is None or not self._written.is_set():  # or the disk is stuck
            return
        try:
            while self._thread.is_alive():
                self._thread.join(SAY_EVERY_S)
                self._say_how_far()
        except KeyboardInterrupt:
            self._impatient.set()
            self._thread.join()  # until the next piece of the file: a moment

    def _say_how_far(self) -> None:
        if (signing := self._signing) is not None:
            path, share = signing
            log.info("signing %s: %.0f %%; Ctrl-C leaves it unsigned", path, 100 * share)

    def _queue(self, item: Streamed | Heard) -> bool:
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            if self.dropped == 0:
                log.warning("the disk is too slow for the recording; it will have gaps")
            self.dropped += 1
            return False
        return True

    def _end_queue(self) -> None:
        try:
            self._waiting.put(None, timeout=CLOSE_S)
        except queue.Full:  # said by `close`
            return

    def _leave(self) -> None:
        """No more packets. From any thread, as often as you like."""
        if self._tap is not None:
            self._tap.close()
        if self._untap is not None:
            self._untap()

    def _run(self) -> None:
        try:
            while (item := self._waiting.get()) is not None:
                self._write(item)
            self._finish()
        except UNWRITABLE as error:
            self._give_up(_in_words(error, self._place()))
        except Exception as error:  # the thread's top: say it, and let the show go on
            log.exception("the recorder failed")
            self._give_up(f"the recording ended ({error!r})")
        self._written.set()
        if self._signer is not None and self.files:
            if self.trouble is not None:
                self._await_the_end()
            self._sign_all(self._signer)

    def _await_the_end(self) -> None:
        """The recording ended before the show did: signing must not take its processor."""
        while self._waiting.get() is not None:
            pass

    def _sign_all(self, signer: Signs) -> None:
        for path in self.files:
            try:
                signer.sign(path, lambda share, path=path: self._progress(path, share))  # type: ignore[misc]
                log.info("signed %s", path)
            except UnderstudyError as error:
                log.error("%s", error)
                self.unsigned += (str(error),)
            except Exception as error:  # the thread's top; the file is what it was
                log.exception("signing failed")
                self.unsigned += (f"{path} is left unsigned ({error!r})",)
        self._signing = None

    def _progress(self, path: Path, share: float) -> None:
        if self._impatient.is_set():
            raise Stopped(f"{path} is left unsigned; later: {SIGN_LATER} {path}")
        self._signing = (path, share)

    def _write(self, item: Streamed | Heard) -> None:
        if isinstance(item, Heard):
            if self._recording is not None:
                self._recording.write_sound(item)
        elif self._recording is not None and self._recording.continues(item):
            self._recording.write(item)
        elif item.key_frame:
            self._finish()
            self._begin(item)

    def _begin(self, first: Streamed) -> None:
        tags = None
        if self._statement is not None:
            tags = self._statement.begun(datetime.datetime.now(datetime.UTC)).tags()
        self._recording = Recording(self._settings.path, first, self._sound, tags)
        self.files += (self._recording.path,)
        log.info("recording to %s", self._recording.path)

    def _finish(self) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close()

    def _place(self) -> Path:
        return self.files[-1] if self._recording is not None else self._settings.path

    def _give_up(self, sentence: str) -> None:
        """Say it once, keep what is good, and go out of the show's way."""
        log.error("%s; the show goes on without", sentence)
        self.trouble = sentence
        self._leave()
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.abandon()


def _in_words(error: BaseException, path: Path) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"the recording to {path} ended ({reason}): free space on the disk, or give --record a "
        "file on another"
    )
