"""A network camera or stream as a source: rtsp(s) and http(s), newest frame first."""

from __future__ import annotations

from live.errors import SourceError
from live.frames import Image
from live.sources.base import SourceSettings, Timebase, redacted
from live.sources.clip import ClipReader, DecodeError, NoPictureError, RefusedFormatError
from live.sources.player import ClipPlayer
from live.sources.watched import Limits, WatchedSource

FORMATS = (  # no playlist is among them (HLS, DASH, SDP): those name further addresses
    "rtsp", "mpjpeg", "mjpeg", "mov", "matroska", "mpegts", "mpeg", "flv", "avi", "asf", "ogg",
    "nut", "ivf", "h264", "hevc",
)  # fmt: skip
_COMMON = {
    "format_whitelist": ",".join(FORMATS),
    "analyzeduration": "1000000",  # microseconds; FFmpeg's own five seconds delay every start
}
_RTSP = _COMMON | {
    "rtsp_transport": "tcp",  # UDP loses packets silently and seldom crosses a firewall
    "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls,crypto",
}
_HTTP = _COMMON | {
    "protocol_whitelist": "http,https,tcp,tls",
    "max_redirects": "0",  # nothing is fetched but what the user named
}
OPTIONS = {"rtsp": _RTSP, "rtsps": _RTSP, "http": _HTTP, "https": _HTTP}


def open_url(settings: SourceSettings, time: Timebase) -> WatchedSource:
    """The stream `settings.where`, watched and reconnected. Raises `SourceError`."""
    opener = UrlOpener(settings, time)
    limits = Limits(
        stale_after_s=settings.url_stale_after_s,
        open_timeout_s=settings.open_timeout_s,
        watch_content=False,  # a stream of a still picture may be just that
    )
    return WatchedSource(opener.name, opener, limits, time)


class UrlOpener:
    """Connects, each time anew, and finds out whether the address is a live feed or a clip."""

    def __init__(self, settings: SourceSettings, time: Timebase) -> None:
        self._url = str(settings.where)
        self._settings = settings
        self._time = time
        self._scheme = settings.scheme or "http"
        self.name = redacted(self._url)

    def __call__(self) -> LiveDevice | ClipDevice:
        reader = self._connect()
        if reader.announced_s is None:
            return LiveDevice(self.name, reader)
        reader.close()
        return ClipDevice(ClipPlayer(self.name, self._connect, self._settings.loop, self._time))

    def _connect(self) -> ClipReader:
        timeouts_s = (self._settings.open_timeout_s, self._settings.url_stale_after_s)
        try:
            return ClipReader(self._url, OPTIONS[self._scheme], timeouts_s)
        except NoPictureError:
            raise SourceError(f"{self.name} sends no video; give the camera's video URL") from None
        except RefusedFormatError:
            raise SourceError(
                f"{self.name} is a playlist or a redirection, which names other addresses, or of "
                "an unknown format; give the address of the video itself"
            ) from None
        except (DecodeError, OSError) as error:
            raise SourceError(
                f"{self.name} cannot be opened ({error.strerror}); check the address, that its "
                "server runs, and user and password"
            ) from error


class LiveDevice:
    """A live feed: every picture as it comes."""

    def __init__(self, name: str, reader: ClipReader) -> None:
        self._name = name
        self._reader = reader
        self._frames = reader.frames()

    def read(self) -> Image | None:
        try:
            shown = next(self._frames, None)
        except DecodeError as error:
            raise SourceError(f"{self._name} broke off ({error.strerror})") from error
        if shown is None:
            raise SourceError(f"{self._name} ended its stream")
        return shown.image()

    def close(self) -> None:
        self._reader.close()


class ClipDevice:
    """A clip behind a URL: it comes faster than it plays, so it is paced, and looped."""

    def __init__(self, player: ClipPlayer) -> None:
        self._player = player

    def read(self) -> Image | None:
        frame = self._player.read()
        return None if frame is None else frame.image

    def close(self) -> None:
        self._player.close()
