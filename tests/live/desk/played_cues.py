"""A cue list and presets that only pretend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from live.desk.desk import Desk
from live.errors import DeskError

CUES: tuple[dict[str, object], ...] = (
    {"number": 1, "name": "House opens", "fade_s": 0.0},
    {"number": 2, "name": "Enter", "fade_s": 3.0},
    {"number": 3, "name": "Duet with the shadow", "fade_s": 5.0},
    {"number": 4, "name": "Blackout", "fade_s": 1.0},
)


@dataclass
class PlayedCues:
    """A cue list and presets that only pretend."""

    desk: Desk
    last: int | None = None
    trouble: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: ["Rehearsal", "Act one"])

    def tell(self) -> Mapping[str, object]:
        following = (self.last or 0) + 1
        return {
            "file": "cues.toml",
            "cues": CUES,
            "last": self.last,
            "next": following if following <= len(CUES) else None,
            "trouble": self.trouble,
        }

    def presets(self) -> Sequence[str]:
        return list(self.names)

    def go(self) -> None:
        self.jump(min((self.last or 0) + 1, len(CUES)))

    def back(self) -> None:
        self.jump(max((self.last or 1) - 1, 1))

    def jump(self, number: object) -> None:
        if number not in range(1, len(CUES) + 1):
            raise DeskError(f"there is no cue {number}; give 1 to {len(CUES)}")
        self.last = int(str(number))
        name = str(CUES[self.last - 1]["name"])
        self.desk.report({"cue": name})
        self.desk.set_many({"figure.opacity": 0.2 * self.last}, f"cue {name}", 2.0)

    def save(self, name: object) -> None:
        self.names = sorted({*self.names, str(name)})

    def delete(self, name: object) -> None:
        self.names = [one for one in self.names if one != name]

    def recall(self, name: object, fade_s: object = 0.0) -> None:
        if name not in self.names:
            raise DeskError(f"there is no preset {name!r}; there is {', '.join(self.names)}")
