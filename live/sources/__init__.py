"""Where the performer's pictures come from: a webcam, a video file, a URL or a phone's browser."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from live.frames import Frame
from live.latest import Latest
from live.sources.base import BROWSER, Clip, ScriptedSource, Source, SourceSettings, Timebase
from live.sources.browser import open_browser
from live.sources.camera import camera_number, open_camera
from live.sources.file import open_file
from live.sources.grabber import Grabber
from live.sources.url import open_url

__all__ = [
    "BROWSER",
    "Clip",
    "Grabber",
    "ScriptedSource",
    "Source",
    "SourceSettings",
    "Timebase",
    "add_source_arguments",
    "open_source",
    "source_settings",
]


def open_source(
    settings: SourceSettings, time: Timebase | None = None, inbox: Latest[Frame] | None = None
) -> Source:
    """The source that `settings` names, open and giving pictures.

    `inbox` is where a phone's pictures arrive, for `--source browser` alone, which waits for no
    picture. Raises `SourceError`: absent, busy, unreadable, or no picture came in time; and
    `SetupError` for a browser without an inbox.
    """
    time = time or Timebase()
    if settings.where == BROWSER:
        return open_browser(inbox, time, settings.stale_after_s)
    if isinstance(settings.where, int):
        return open_camera(settings, time)
    if settings.scheme is not None:
        return open_url(settings, time)
    return open_file(settings, time)


def add_source_arguments(parser: ArgumentParser) -> None:
    """`--camera N` or `--source PATH_OR_URL`, and how to read them."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--camera", type=_number, metavar="N", help="a webcam by its index, from 0")
    where.add_argument(
        "--source",
        metavar="PATH_OR_URL",
        help=f"a video file, rtsp:// or http(s)://, or '{BROWSER}' for a phone's camera",
    )
    parser.add_argument(
        "--camera-size", type=_size, default=(640, 480), metavar="WxH", help="asked of the camera"
    )
    parser.add_argument(
        "--camera-fps", type=float, default=30.0, metavar="FPS", help="asked of the camera"
    )
    parser.add_argument("--once", action="store_true", help="play a file once instead of looping")


def source_settings(arguments: Namespace) -> SourceSettings | None:
    """The settings from what `add_source_arguments` added; None when no source was named.

    Raises `SetupError` for values that cannot work.
    """
    where = arguments.source if arguments.camera is None else arguments.camera
    if where is None:
        return None
    width, height = arguments.camera_size
    return SourceSettings(
        where, width, height, camera_fps=arguments.camera_fps, loop=not arguments.once
    )


def _number(text: str) -> int:
    """`0` as a number."""
    try:
        return int(text)
    except ValueError:
        number = camera_number(text) or 0
        raise ArgumentTypeError(
            f"{text!r} is not a camera's number, as in --camera {number}"
        ) from None


def _size(text: str) -> tuple[int, int]:
    """`640x480` as (width, height)."""
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no size; give WxH, such as 640x480") from None
