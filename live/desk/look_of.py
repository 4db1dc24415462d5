"""From the desk's values to the picture stage's `Look`."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from live.desk.desk import Desk
from live.look import Look


class DeskLook:
    """A `live.look.LookAt`: made anew only where something was set, or glides."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._made_for: Mapping[str, object] = {}
        self._look = Look()

    def __call__(self, now_s: float) -> Look:
        values = self._desk.values(now_s)
        with self._lock:
            if values != self._made_for:
                self._made_for = values  # ours alone
                self._look = look_of(values)
            return self._look


def look_of(values: Mapping[str, object]) -> Look:
    """The look that these values of the whole table ask for."""

    def number(name: str) -> float:
        value = values[name]
        assert isinstance(value, int | float)
        return float(value)

    def text(name: str) -> str:
        return str(values[name])

    colour = text("background.colour")
    return Look(
        mirror=bool(values["mirror"]),
        smoothing=number("smoothing"),
        lead_s=number("lead") / 1e3,
        guard=number("guard"),
        refine=bool(values["normalize.refine"]),
        normalize_scale=number("normalize.scale"),
        normalize_x=number("normalize.x"),
        normalize_y=number("normalize.y"),
        face=bool(values["face"]),
        figure_opacity=number("figure.opacity"),
        figure_scale=number("figure.scale"),
        figure_x=number("figure.x"),
        figure_y=number("figure.y"),
        background=text("background"),
        colour=(int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)),
        backdrop=text("background.picture"),
        master=number("master"),
        freeze=bool(values["freeze"]),
        panic=bool(values["panic"]),
    )
