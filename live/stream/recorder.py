"""The recorder: writes the very packets that are streamed into MP4 files, in its own thread.

It may record several takes in an evening, a file each. When the show is over, the same thread
signs what it wrote (`settle` waits for that), and not before: signing reads and writes a whole
recording, and would take from the show what it runs on.
"""

from __future__ import annotations

import datetime
import logging
import queue
import threading
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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
    require_writable(folder, f"--record {settings.path}")
    return settings


def require_writable(folder: Path, said: str) -> None:
    """Raises SetupError, which begins with what was `said`, where no file can be made."""
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SetupError(
            f"{said}: {folder} cannot be written ({error.strerror}); give another folder"
        ) from error


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


@dataclass(frozen=True, eq=False, slots=True)
class _Take:
    """One recording, from its beginning to its end: what is queued belongs to one."""

    path: Path
    statement: Says | None


_Of = tuple[_Take, Streamed | Heard]


class _Bell:
    """Wakes the thread: there may be a take to end."""


def _nobody(path: Path | None) -> None:
    pass


class Recorder:
    """Records until it is told to end, or until the disk will not have it: the show goes on."""

    def __init__(
        self,
        settings: RecorderSettings,
        longest: int = LONGEST,
        statement: Says | None = None,
        signer: Signs | None = None,
        on_file: Callable[[Path | None], None] = _nobody,
    ) -> None:
        """`statement` is what the files say of themselves; `signer` None leaves them unsigned.

        `on_file` is told each file that is begun, and None when nothing is written any more, on
        the recorder's thread.
        """
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
        self._on_file = on_file
        self._waiting: queue.Queue[_Of | _Bell | None] = queue.Queue(longest)
        self._needs_key_frame = True
        self._hands = threading.RLock()  # begin, renew, end: from any thread
        self._hub: Tapped | None = None
        self._audible: Audible | None = None
        self._tap: Tap | None = None
        self._untap: Callable[[], None] | None = None
        self._take: _Take | None = None  # what is put belongs to it
        self._writing: _Take | None = None  # the thread's: the one that it writes
        self._over: _Take | None = None  # the thread's: the one that it has ended
        self._recording: Recording | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def recording(self) -> bool:
        """Whether a take is running."""
        return self._take is not None

    def start(self, hub: Tapped, sound: Audible | None = None, recording: bool = True) -> None:
        """Record `hub`'s H.264, and `sound` beside it; or be ready to. Once only."""
        self._hub, self._audible = hub, sound
        self._thread.start()
        if recording:
            self.begin(self._settings.path, self._statement)

    def begin(self, path: Path, statement: Says | None = None) -> None:
        """A new take, into `path` or the next of its names that is free. Quick.

        Only after `start`; where one runs already, it goes on.
        """
        with self._hands:
            assert self._hub is not None, "it has not started"
            if self._take is not None:
                return
            self.trouble, self._needs_key_frame = None, True
            self._take = _Take(path, statement)
            self._tap = self._hub.tap(Codec.H264, self.put)
            self._untap = self._audible.tap(self.put_sound) if self._audible else None

    def renew(self, statement: Says | None) -> None:
        """What comes from now on is in a file of its own, and says `statement`. Quick.

        Pictures before the next key frame are in neither file: a file never holds what it does not
        speak of. Does nothing where no take runs.
        """
        with self._hands:
            if self._take is None:
                return
            self._take, self._needs_key_frame = _Take(self._take.path, statement), True
            # A new tap gets its key frame sooner than one that asks for one more.
            if self._tap is not None and self._hub is not None:
                self._tap.close()
                self._tap = self._hub.tap(Codec.H264, self.put)

    def end(self) -> None:
        """End the take; its file is finished by the thread, in a moment. Quick."""
        self._leave()
        with suppress(queue.Full):  # then the thread has something to wake up for
            self._waiting.put_nowait(_Bell())

    def put(self, coded: Streamed) -> None:
        """Queue a picture, or drop it where the disk is too slow: never blocks."""
        take = self._take
        if take is None:
            return
        if self._needs_key_frame and not coded.key_frame:
            self.dropped += 1
            return
        self._needs_key_frame = not self._queue((take, coded))
        if self._needs_key_frame and (tap := self._tap) is not None:  # read once: it may be gone
            tap.ask_key_frame()

    def put_sound(self, heard: Heard) -> None:
        """Queue 20 ms of sound, or drop them: never blocks."""
        if (take := self._take) is not None:
            self._queue((take, heard))

    def close(self) -> None:
        """Write what waits, and finish the file. May be called twice, and before `start`.

        Where files are to be signed, the thread goes on to do that: see `settle`.
        """
        self._leave()
        if self._thread.ident is None or not self._thread.is_alive():
            return
        if not self._written.is_set():
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

    def _queue(self, item: _Of) -> bool:
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
        with self._hands:
            self._take = None
            tap, self._tap = self._tap, None
            untap, self._untap = self._untap, None
        if tap is not None:
            tap.close()
        if untap is not None:
            untap()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._guarded(partial(self._handle, item))
        self._guarded(self._end_take)
        self._written.set()
        if self._signer is not None and self.files:
            self._sign_all(self._signer)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except UNWRITABLE as error:
            self._give_up(_in_words(error, self._place()))
        except Exception as error:  # the thread's top: say it, and let the show go on
            log.exception("the recorder failed")
            self._give_up(f"the recording ended ({error!r})")

    def _handle(self, item: _Of | _Bell) -> None:
        if not isinstance(item, _Bell):
            self._write(item)
        if self._take is None and self._waiting.empty():
            self._end_take()

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

    def _write(self, item: _Of) -> None:
        take, packet = item
        if take is self._over:  # it came while the take was ended
            return
        recording = self._recording if take is self._writing else None
        if isinstance(packet, Heard):
            if recording is not None:
                recording.write_sound(packet)
        elif recording is not None and recording.continues(packet):
            recording.write(packet)
        elif packet.key_frame:
            self._finish()
            self._begin(take, packet)

    def _begin(self, take: _Take, first: Streamed) -> None:
        tags = None
        if take.statement is not None:
            tags = take.statement.begun(datetime.datetime.now(datetime.UTC)).tags()
        self._writing = take
        self._recording = Recording(take.path, first, self._audible is not None, tags)
        self.files += (self._recording.path,)
        log.info("recording to %s", self._recording.path)
        self._on_file(self._recording.path)

    def _end_take(self) -> None:
        if self._recording is None:
            return
        self._over = self._writing
        try:
            self._finish()
        finally:
            self._on_file(None)
        log.info("recorded %s", self.files[-1])

    def _finish(self) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close()

    def _place(self) -> Path:
        if self._writing is None:
            return self._settings.path
        return self.files[-1] if self._recording is not None else self._writing.path

    def _give_up(self, sentence: str) -> None:
        """Say it once, keep what is good, and go out of the show's way."""
        log.error("%s; the show goes on without", sentence)
        self.trouble = sentence
        self._over = self._writing
        self._leave()
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.abandon()
        self._on_file(None)


def _in_words(error: BaseException, path: Path) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"the recording to {path} ended ({reason}): free space on the disk, or record to another"
