"""The operator's booth: cues, other desks and the console, opened and closed together.

With run_live.py the composition root: here the desk's concrete classes are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from live.cast import Cast
from live.desk.cue_book import CueBook
from live.desk.cue_stack import CueStack
from live.desk.desk import Desk
from live.desk.desk_options import DeskOptions
from live.desk.events import EventLog
from live.desk.midi import Midi
from live.desk.osc import Osc
from live.desk.presets import Presets
from live.desk.seen import Picked, Seen
from live.desk.telemetry import Telemetry, TelemetryParts
from live.desk.tempo import Tempo
from live.desk.views import Views
from live.desk.web import add_console
from live.desk.web_parts import ConsoleParts
from live.desk.web_subject import SubjectTeller
from live.frames import Picture
from live.latest import Latest
from live.picture import PictureMaker
from live.show import Show
from live.stream.hub import Hub
from live.stream.server import AddRoutes
from live.subject import load_subject
from live.timing import Timing


@dataclass(frozen=True, slots=True)
class Played:
    """The show that the console tells of."""

    show: Show
    hub: Hub
    timing: Timing
    painter: PictureMaker
    cast: Cast
    pictures: Latest[Picture]  # what the audience sees, for the operator
    unmarked: Sequence[str]  # marks that are off: "the visible mark is"
    recordings: Path  # the folder that they go to
    links: Callable[[], Mapping[str, str]]  # of the viewers' page and the camera's


class Booth:
    """From `start` to `close`, whatever an operator sets reaches the desk."""

    def __init__(self, options: DeskOptions, desk: Desk, secrets: Iterable[str] = ()) -> None:
        """Reads the cues and opens the ports. `secrets` are struck out of the console's log.

        Raises SetupError for cues that are wrong, and for a port or a device that there is not.
        """
        self.desk = desk
        with ExitStack() as opened:
            self.events = opened.enter_context(EventLog(secrets))
            self.events.follow(desk)
            book = CueBook(desk, options.cues)
            self.presets = Presets(desk, book)
            self._tempo = Tempo(desk)
            self.stack = CueStack(desk, book, self._tempo)
            opened.callback(self.stack.close)
            self._others: list[Osc | Midi] = []
            if options.osc is not None:
                self._others.append(Osc(options.osc, desk))
                opened.callback(self._others[-1].close)
            if options.midi is not None:
                self._others.append(Midi(options.midi, desk))
                opened.callback(self._others[-1].close)
            self._opened = opened.pop_all()

    def start(self) -> None:
        """Take orders. Once only."""
        self.stack.start()
        for other in self._others:
            other.start()

    def close(self) -> None:
        """From any state; may be called twice."""
        self._opened.close()

    def console(self, played: Played) -> AddRoutes:
        """The console of this show, for its server."""
        desk, show, painter, cast = self.desk, played.show, played.painter, played.cast
        seen = Seen()
        show.inspect = seen
        subject = SubjectTeller(
            lambda: (cast.running, painter.character.subject),
            lambda name: load_subject(cast.path(name)),
        )
        telemetry = Telemetry(
            TelemetryParts(
                desk,
                show,
                played.timing,
                lambda: played.hub.counts,
                seen,
                Picked(desk),
                subject.acknowledged,
                played.unmarked,
                played.recordings,
                self._tempo.beats,
            )
        )
        parts = ConsoleParts(
            desk,
            self.events,
            telemetry,
            Views(seen, lambda: painter.label, played.pictures),
            subject,
            desk.can,
            self.stack.told,
            self.presets.names,
            played.links,
        )
        return partial(add_console, parts=parts)
