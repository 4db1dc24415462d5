"""A console's server for tests and for trying the page: a real desk behind real sockets.

    python -m tests.live.desk.console_server [PORT]

The show is played: the demo's clip is the camera, poses come from the demo subject's codebook, and
the output is the plate with the label on it. Figures move as a show's do.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from live import consent
from live.desk.desk import Desk
from live.desk.events import EventLog
from live.desk.parameters import Value
from live.desk.seen import Picked
from live.desk.telemetry import Telemetry, TelemetryParts
from live.desk.views import Views
from live.desk.web import FOLDER, add_console
from live.desk.web_parts import ConsoleParts
from live.desk.web_subject import SubjectTeller
from live.errors import SubjectError
from live.stream.access import AccessSettings
from live.stream.access_tokens import Tokens
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.subject import Subject, load_subject
from tests.live.desk.played_cues import CUES as CUES  # its users ask here
from tests.live.desk.played_cues import PlayedCues
from tests.live.desk.played_show import DEMO, PlayedShow

NO_RECORD = "stranger"
"""A subject without a consent record: setting it is refused until somebody answers for it."""
BROKEN = "broken"
"""A subject that fails to load."""


@dataclass(frozen=True)
class Console:
    """What a test holds in its hands."""

    server: ShowServer
    desk: Desk
    show: PlayedShow
    cues: PlayedCues
    events: EventLog
    views: Views
    tokens: Tokens
    parts: ConsoleParts

    @property
    def url(self) -> str:
        """Of the page."""
        return self.server.url + "console"


@contextlib.contextmanager
def serving(
    port: int = 0,
    tokens: Tokens | None = None,
    desk: Desk | None = None,
    host: str = "127.0.0.1",
    folder: Path = FOLDER,
    more: Callable[[Desk], object] = lambda desk: None,
    playing: bool = True,
) -> Iterator[Console]:
    """A console's server on a free port, or on `port`; `more` may add to the desk.

    Without `tokens` whoever sits at the machine may operate, as with a show that has none.
    Without `playing` the show has no picture yet.
    """
    access = None if tokens is None else AccessSettings(tokens)
    tokens, subject = tokens or Tokens(), load_subject(DEMO / "subject")
    subjects = {"demo": subject, NO_RECORD: _stranger(subject)}
    desk = desk or Desk({"subject": "demo"})
    show = PlayedShow(subject, desk)
    cues = PlayedCues(desk)
    able = _take_part(desk, cues, subjects)
    more(desk)
    hub = Hub()

    def shown() -> tuple[str, Subject | None]:
        name = str(desk.value("subject"))
        return name, subjects.get(name)

    teller = SubjectTeller(shown, subjects.get)
    telemetry = TelemetryParts(
        desk, show, show, lambda: hub.counts, show.seen, Picked(desk),
        teller.acknowledged,
    )  # fmt: skip
    views = Views(show.seen, lambda: show.label, show.pictures)
    with EventLog([tokens.viewer, tokens.camera, tokens.operator]) as events:
        events.follow(desk)
        parts = ConsoleParts(
            desk, events, Telemetry(telemetry), views, teller, able.__contains__, cues.tell,
            cues.presets, lambda: {"viewers": "http://stage.local:8080/#key"},
        )  # fmt: skip

        def routes(app: web.Application) -> None:
            add_console(app, parts, folder)

        settings = ServerSettings(host, port, access=access)
        server = ShowServer(settings, hub, dict, more=[routes])
        if playing:
            show.start()
        try:
            with server:
                yield Console(server, desk, show, cues, events, views, tokens, parts)
        finally:
            show.close()
            hub.close()


def _take_part(desk: Desk, cues: PlayedCues, subjects: Mapping[str, Subject]) -> set[str]:
    """Handlers for all actions; what they are of."""

    def resume() -> None:
        desk.set_many({"panic": False, "freeze": False}, "console")

    def use(name: Value) -> None:
        subject = subjects.get(str(name))
        if subject is None:
            raise SubjectError(f"{name} does not load: generator.onnx is missing; copy it again")
        if not consent.acknowledged(subject):
            raise SubjectError(f"{name} has no consent record; answer for it first")

    handlers: dict[str, Callable[..., None]] = {
        "resume": resume,
        "go": cues.go,
        "back": cues.back,
        "cue.jump": cues.jump,
        "cues.reload": lambda: None,
        "preset.save": cues.save,
        "preset.delete": cues.delete,
        "preset.recall": cues.recall,
        "tap": lambda: None,
        "reset": lambda: None,
        "person.follow": lambda x, y: None,
        "person.any": lambda: None,
        "normalize.calibrate": lambda seconds=8: None,
        "normalize.forget": lambda: None,
    }
    for name, handler in handlers.items():
        desk.on_do(name, handler)
    desk.on_set("subject", use)
    desk.on_set("record", lambda on: desk.report({"recording": "takes/one.mkv" if on else ""}))
    desk.offer("subject", ("demo", NO_RECORD, BROKEN))
    desk.offer("background.picture", ("forest.jpg", "night.png"))
    return set(handlers)


def _stranger(subject: Subject) -> Subject:
    manifest = replace(subject.manifest, name=NO_RECORD, consent=None)
    return replace(subject, manifest=manifest, sha256="0" * 64)


def main() -> None:
    """Serve until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(message)s")
    with serving(int(sys.argv[1]) if len(sys.argv) > 1 else 8090) as console:
        print(f"\n  Open {console.url}   Ctrl-C ends it.\n", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
