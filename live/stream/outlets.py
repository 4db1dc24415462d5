"""All ways out of a running show, opened and closed together: pages, WHIP, file, webcam, sound.

With run_live.py the composition root: here the stream's concrete classes are put together.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict

from aiohttp import web

from live.desk.desk import Desk
from live.frames import Frame, Picture
from live.latest import Latest
from live.show import Publish, Show
from live.stream.access_caller import is_local
from live.stream.access_link import access_link, console_says, proxied_say, viewers_say
from live.stream.camera_link import CameraLink, camera_link, link_text, new_key
from live.stream.camera_page import add_camera
from live.stream.hub import Hub
from live.stream.mjpeg import Preview, add_preview
from live.stream.outputs import Outputs
from live.stream.provenance_signing import open_signer
from live.stream.provenance_statement import Statement
from live.stream.recorder import Signs
from live.stream.server import AddRoutes, ShowServer
from live.stream.sound import Sound
from live.stream.sound_settings import open_sound
from live.stream.stream_options import StreamOptions
from live.stream.takes import LateSigner, Takes
from live.stream.virtual_camera import VirtualCamera, open_virtual_device
from live.stream.whip import WhipPublisher


class Outlets:
    """What takes the show's pictures, from `start` to `close`."""

    def __init__(self, options: StreamOptions, hub: Hub) -> None:
        self._options = options
        self._signer = _signer(options)  # first: a certificate of no use is said before the show
        self._hub = hub
        self._opened = ExitStack()
        self._previewed: Latest[Picture] | None = Latest() if options.preview else None
        self._filmed: Latest[Picture] | None = Latest() if options.virtual_camera else None
        self.watched: Latest[Picture] = Latest()  # for the operator's console
        boxes = [box for box in (self._previewed, self._filmed) if box is not None]
        self._outputs = Outputs(hub, [*boxes, self.watched])
        self._opened.callback(self._outputs.close)
        access = options.server.access
        self._key = new_key() if access is None else access.tokens.camera
        self._takes_phone = False
        self._marks: Callable[[], Mapping[str, object]] = dict
        self._server: ShowServer | None = None
        self._whip: WhipPublisher | None = None
        self._takes: Takes | None = None

    @property
    def publish(self) -> Publish:
        """Where the show's pictures go."""
        return self._outputs

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the viewer's page."""
        assert self._server is not None, "it has not started"
        return self._server.url

    @property
    def takes(self) -> Takes:
        """What records."""
        assert self._takes is not None, "it is not prepared"
        return self._takes

    def links(self) -> dict[str, str]:
        """Where the audience's page is found, and the camera's: for the operator alone."""
        server = self._options.server
        access = server.access
        token = None if access is None or access.anybody else access.tokens.viewer
        found = {"viewers": access_link(self.url, server.host, token).url}
        if self._takes_phone:
            found["camera"] = self._link().url
        return found

    def prepare(self, desk: Desk, statement: Statement | None = None) -> None:
        """Before `start`: `desk` begins and ends recordings, `statement` is what they say."""
        options = self._options
        self._takes = Takes(options.takes, desk, options.recorder, statement, self._signer)

    def start(
        self,
        show: Show,
        inbox: Latest[Frame] | None = None,
        marks: Callable[[], Mapping[str, object]] = dict,
        more: Sequence[AddRoutes] = (),
    ) -> None:
        """Open all that was asked for; `inbox` takes a phone's pictures.

        `marks` is what /status says of them; `more` routes are served beside ours.

        Raises `UnderstudyError` with the remedy; `close` then frees what was opened.
        """
        options = self._options
        self._marks = marks
        sound = self._open_sound(show)
        self._takes_phone = inbox is not None
        routes = [*self._routes(inbox), *more]
        self._server = ShowServer(
            options.server, self._hub, lambda: self._tell(show), sound, routes
        )
        self._open(self._server.start, self._server.close)
        if options.virtual_camera is not None and self._filmed is not None:
            camera = VirtualCamera(self._filmed, open_virtual_device(options.virtual_camera))
            self._open(camera.start, camera.close)
        takes = self.takes
        self._open(lambda: takes.start(self._hub, sound), takes.close)
        if options.whip is not None:
            self._whip = WhipPublisher(self._hub, options.whip, options.server.network, sound)
            self._open(self._whip.start, self._whip.close)

    def says(self) -> str:
        """Lines for the person at the desk: where the show is to be seen, and by whom."""
        server, lines = self._options.server, [f"  Open {self.url} in a browser.\n"]
        if server.access is not None:
            lines.append(viewers_say(self.url, server.host, server.access))
            if is_local(server.host) and server.cors.origins:
                lines.append(proxied_say(server.access))
        lines.append(console_says(self.url, server.host, server.access))
        if self._takes_phone:
            lines.append(link_text(self._link()))
        return "\n".join(line for line in lines if line)

    def close(self) -> None:
        """Close all, the last opened first. From any state; may be called twice."""
        self._opened.close()
        if self._takes is not None:  # nothing else is open any more: signing may take its time
            self._takes.settle()

    def _open(self, start: Callable[[], object], close: Callable[[], object]) -> None:
        self._opened.callback(close)
        start()

    def _open_sound(self, show: Show) -> Sound | None:
        if self._options.sound is None:
            return None
        sound = open_sound(self._options.sound, lambda: show.delay_ms().p50 / 1e3)
        self._open(sound.start, sound.close)
        return sound

    def _routes(self, inbox: Latest[Frame] | None) -> list[AddRoutes]:
        options, routes = self._options, []
        if options.preview is not None and self._previewed is not None:
            preview = Preview(options.preview, self._previewed, options.server.cors)
            routes.append(lambda app: add_preview(app, preview))
        if inbox is not None:
            network = options.server.network

            def phone(app: web.Application) -> None:
                add_camera(app, inbox, self._key, link=self._link, network=network)

            routes.append(phone)
        return routes

    def _link(self) -> CameraLink:
        return camera_link(self.url, self._options.server.host, self._key)

    def _tell(self, show: Show) -> dict[str, object]:
        """What `GET /status` says beside the hub's counts."""
        told: dict[str, object] = {
            "fps": round(show.fps(), 1),
            "delay_ms": {"p50": round(show.delay_ms().p50, 1)},
            "source": asdict(show.source()),
            "restarts": show.restarts(),
            "marks": self._marks(),
        }
        if self._whip is not None:
            told["whip"] = self._whip.says
        if self._takes is not None:
            told["recording"] = self._takes.says
        return told


def _signer(options: StreamOptions) -> Signs | None:
    if options.signing is None:
        return None
    if options.recorder is None and not options.signing.asked:
        return LateSigner(options.signing)
    return open_signer(options.signing, datetime.datetime.now(datetime.UTC))
