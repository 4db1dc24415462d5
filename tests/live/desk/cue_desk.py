"""A desk with cues, on a clock that the test moves by hand."""

from __future__ import annotations

from pathlib import Path

from live.desk.cue_book import CueBook
from live.desk.cue_stack import CueStack
from live.desk.cues import CueSettings
from live.desk.desk import Change, Desk
from live.desk.parameters import Value
from live.desk.presets import Presets
from live.desk.tempo import Tempo


class CueDesk:
    """Everything that cues need, but for the show."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.now_s = 1000.0
        self.path = path
        if text is not None:
            path.write_text(text, encoding="utf-8")
        self.desk = Desk(clock=lambda: self.now_s)
        self.done: list[str] = []
        for action in ("reset", "person.any"):
            self.desk.on_do(action, lambda action=action: self.done.append(action))
        self.changes: list[Change] = []
        self.desk.listen(self.changes.append)
        self.book = CueBook(self.desk, CueSettings(path, asked=text is not None))
        self.presets = Presets(self.desk, self.book)
        self.tempo = Tempo(self.desk, lambda: self.now_s)
        self.stack = CueStack(self.desk, self.book, self.tempo, lambda: self.now_s)

    def do(self, name: str, *arguments: object, by: str = "console") -> None:
        self.desk.do(name, *arguments, by=by)

    def later(self, seconds: float) -> None:
        """Time passes, and what is due happens when it is due."""
        until_s = self.now_s + seconds
        while (left_s := self.stack.tick()) is not None and self.now_s + left_s <= until_s:
            self.now_s += left_s
        self.now_s = until_s

    def value(self, name: str) -> Value:
        return self.desk.value(name)

    def at(self) -> tuple[Value, Value]:
        """The cue that went last, and the next one."""
        return self.value("cue"), self.value("cue.next")
