"""On which line of a TOML file something stands: tomlkit tells that only of what it cannot read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Header = tuple[str, str]
"""Its brackets and its name: ("[[", "cues")."""

_HEADER = re.compile(r"\s*(\[\[?)\s*(.*?)\s*\]\]?\s*(#.*)?$")


@dataclass(frozen=True, slots=True)
class Lines:
    """A file's text, by lines; the first is 1."""

    lines: tuple[str, ...]
    headers: tuple[tuple[int, Header], ...]  # of every section: where, from 0, and which

    @classmethod
    def of(cls, text: str) -> Lines:
        """Of a whole file."""
        lines = tuple(text.splitlines())
        return cls(lines, tuple(_headers(lines)))

    def of_cue(self, number: int, key: str = "") -> int | None:
        """Where the cue of this number begins, or where `key` stands in it."""
        return self._under("[[", "cues", number, key)

    def of_preset(self, name: str, key: str = "") -> int | None:
        """Where the preset of this name begins, or where `key` stands in it."""
        for spelled in (name, f'"{name}"', f"'{name}'"):
            if (found := self._under("[", f"presets.{spelled}", 1, key)) is not None:
                return found
        return self.of_key(name)

    def of_key(self, key: str) -> int | None:
        """Where `key` is set for the first time, wherever that is."""
        return self._first(key, 0, len(self.lines))

    def _under(self, brackets: str, header: str, number: int, key: str) -> int | None:
        """Of the `number`th section of that header."""
        found = [at for at, one in self.headers if one == (brackets, header)]
        if len(found) < number:
            return self.of_key(key) if key else None
        begins = found[number - 1]
        after = bisect_right(self.headers, begins, key=lambda one: one[0])
        ends = self.headers[after][0] if after < len(self.headers) else len(self.lines)
        inside = self._first(key, begins + 1, ends) if key else None
        return inside or begins + 1

    def _first(self, key: str, begins: int, ends: int) -> int | None:
        """A dotted key may be spelled in one piece, or its end alone, in a table of its own."""
        for spelled in (key, key.rpartition(".")[2]):
            named = re.compile(rf"""(^|[\s{{,."'\[])["']?{re.escape(spelled)}["']?\s*[=\].]""")
            for at in range(begins, ends):
                if named.search(self.lines[at]):
                    return at + 1
        return None


def _headers(lines: Sequence[str]) -> Iterator[tuple[int, Header]]:
    for at, line in enumerate(lines):
        if one := _HEADER.match(line):
            yield at, (one[1], _plain(one[2]))


def _plain(header: str) -> str:
    """`presets . dawn` as `presets.dawn`."""
    return re.sub(r"\s*\.\s*", ".", header, count=1)
