"""What the console is made of: everything of a show that it tells of and passes orders to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from live.desk.desk import Desk
from live.desk.events import EventLog
from live.desk.telemetry import Telemetry
from live.desk.views import Views
from live.desk.web_subject import SubjectTeller


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """Callables are asked on threads beside the event loop, and may not raise."""

    desk: Desk
    events: EventLog
    telemetry: Telemetry
    views: Views
    subject: SubjectTeller
    can: Callable[[str], bool] = lambda name: True  # whether this show can do that action
    cues: Callable[[], Mapping[str, object]] = dict  # {"file", "cues", "last", "next", "trouble"}
    presets: Callable[[], Sequence[str]] = tuple  # their names
    links: Callable[[], Mapping[str, str]] = field(default=dict)  # {"viewers": URL, "camera": URL}
