"""A video file as a source: whatever FFmpeg reads, paced by its own time stamps, looped."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from live.errors import SourceError
from live.frames import Frame
from live.sources.base import SourceSettings, Timebase
from live.sources.camera import camera_number
from live.sources.clip import ClipReader, DecodeError, NoPictureError
from live.sources.player import ClipPlayer

log = logging.getLogger(__name__)

OPTIONS = {"protocol_whitelist": "file"}  # a playlist in a file must not reach for the network
DECODE_THREADS = 2  # the live loop needs the other cores


def open_file(settings: SourceSettings, time: Timebase) -> ClipPlayer:
    """The file `settings.where`, checked and open. Raises `SourceError` in one sentence."""
    path = Path(str(settings.where)).expanduser()
    _check(path)
    return ClipPlayer(str(path), lambda: open_clip(path), settings.loop, time)


def open_clip(path: Path) -> ClipReader:
    """One pass over the pictures of the file `path`. Raises `SourceError`."""
    _check(path)
    try:
        return ClipReader(os.fspath(path.absolute()), OPTIONS, threads=DECODE_THREADS)
    except NoPictureError:
        raise SourceError(f"{path} holds no video, only sound or data; give a video") from None
    except (DecodeError, OSError) as error:
        raise SourceError(
            f"{path} cannot be read as video ({error.strerror}); it is damaged, cut off or "
            "of another kind: give another file, or convert it to MP4"
        ) from error


def _check(path: Path) -> None:
    """Refuse what is plainly no video file, with what it is."""
    try:
        kind = path.stat()
    except OSError as error:
        raise SourceError(_not_opened(path, error)) from None
    if stat.S_ISDIR(kind.st_mode):
        raise SourceError(f"{path} is a folder; give one video file in it")
    if stat.S_ISCHR(kind.st_mode):
        number = camera_number(str(path)) or 0
        raise SourceError(f"{path} is a device; a camera is given by its number: --camera {number}")
    if not stat.S_ISREG(kind.st_mode):
        raise SourceError(f"{path} is not a regular file; give a video file")
    if kind.st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); give a video file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path} may not be read by this user; change its permissions")


def _not_opened(path: Path, error: OSError) -> str:
    """Nothing is there. It may have been meant as a camera."""
    number = int(path.name) if str(path).isdecimal() else camera_number(str(path))
    if number is not None and isinstance(error, FileNotFoundError):
        return f"{path} is no video file; a camera is given by its number: --camera {number}"
    return f"{path} cannot be opened ({error.strerror}); check the path"


def read_through(path: Path) -> Iterator[Frame]:
    """Every frame of the file once, as fast as it decodes, stamped with the clip's own time.

    Raises `SourceError` before the first frame where the file cannot be read; data that turns bad
    half-way ends the frames with a warning.
    """
    reader = open_clip(path)
    number = 0
    try:
        for number, picture in enumerate(reader.frames(), start=1):
            yield Frame(picture.image(), picture.at_s, number - 1)
    except DecodeError as error:
        if number == 0:
            raise SourceError(
                f"{path} holds no picture that can be decoded ({error.strerror}); give another file"
            ) from error
        log.warning("%s is damaged after %d frames (%s); using those", path, number, error.strerror)
    finally:
        reader.close()
