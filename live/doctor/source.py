"""The camera, clip or address that was asked for: opened and watched as the show does it."""

from __future__ import annotations

import threading
from dataclasses import replace

from live.doctor.cameras import find_cameras
from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.frames import Frame
from live.sources import BROWSER, Source, SourceSettings, open_source
from live.sources.watch import Watch
from live.stream.access_link import access_link
from live.stream.camera_link import camera_link

WATCHED_S = 2.4
"""A wrong rate is known after two seconds of pictures, a frozen or black camera sooner."""
OPEN_S = 4.0  # for the first picture
LIMIT_S = 9.0
FEWEST = 10  # pictures, of a source that is well
USE_INSTEAD = (
    "or use a phone (--source browser --host 0.0.0.0 --tls auto), or a film (--source FILE)"
)


def look_at_source(plan: Plan) -> Finding:
    """Whether pictures come, of what size, how many a second, and whether there is anything on
    them."""
    settings = plan.options.source
    if not plan.source_named:
        return _none_named()
    if settings.where == BROWSER:
        return _phone(plan)
    source = open_source(replace(settings, open_timeout_s=OPEN_S))
    try:
        return _watched(source, settings)
    finally:
        source.close()


def _watched(source: Source, settings: SourceSettings) -> Finding:
    watch = Watch(settings.stale_after_s, OPEN_S, content=isinstance(settings.where, int))
    end = threading.Timer(WATCHED_S, source.close)  # a camera that hangs gives no picture to end on
    end.daemon = True
    end.start()
    count, last, fps, trouble = 0, None, 0.0, source.trouble
    while (frame := source.read()) is not None:
        count, last = count + 1, frame
        watch.saw(frame.image, frame.captured_s)
        fps, trouble = source.fps, source.trouble
    end.cancel()
    lost = source.trouble is not None and source.fps == 0.0
    trouble = source.trouble or trouble
    if last is None or count < FEWEST or lost:
        said = trouble or f"{source.name} gives {count} pictures in {WATCHED_S:g} s"
        return wrong(said, _REPLUG)
    return _judged(source.name, settings, last, fps, trouble, watch.dark_s() > 0)


def _judged(
    name: str, settings: SourceSettings, last: Frame, fps: float, trouble: str | None, dark: bool
) -> Finding:
    height, width = last.size
    gives = f"{name} gives {width}x{height}" + (f" at {fps:.0f} pictures a second" if fps else "")
    if dark:
        return wrong(f"{name} shows black", "take off its cover, put on light, or replug it")
    if trouble is not None:
        return careful(f"{gives}: {trouble}", _SLOW)
    if isinstance(settings.where, int) and (width, height) != (settings.width, settings.height):
        return careful(
            f"{gives}; {settings.width}x{settings.height} was asked for",
            f"nothing, if that is well; else give --camera-size {width}x{height}, or another size "
            "that it has",
        )
    return right(gives)


_REPLUG = "unplug it and plug it in again, and close other programs that use it"
_SLOW = (
    "give the stage more light, for cameras slow down in the dark; plug it into a USB port of its "
    "own; or ask for what it has with --camera-fps and --camera-size"
)


def _none_named() -> Finding:
    cameras = find_cameras()
    if not cameras:
        return careful(
            "none is named on the command line, and this machine has no camera",
            f"plug one in; {USE_INSTEAD}; --demo needs none",
        )
    return careful(
        f"none is named on the command line; there {'is' if len(cameras) == 1 else 'are'} "
        f"{len(cameras)}",
        f"give --camera {cameras[0].index} to look at it, too",
        [str(camera) for camera in cameras],
    )


def _phone(plan: Plan) -> Finding:
    server = plan.options.stream.server
    here = f"{server.scheme}://127.0.0.1:{server.port}/"
    link = camera_link(here, server.host, "KEY")
    if link.trouble is not None:
        what, _, remedy = link.trouble.partition("; ")
        return wrong(what, remedy.rstrip("."))
    page = access_link(here, server.host, None, "camera").url
    return right(
        f"a phone: it opens {page}, by the code that the show prints",
        ["the phone warns of the certificate that was made here: choose details, and go on",
         "it asks for the camera: allow it; keep its screen on, and charge it"],
    )  # fmt: skip
