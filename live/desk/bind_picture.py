"""The picture stage at the desk: who is shown, before what, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable

from live.backdrops import Backdrops
from live.cast import Cast
from live.desk.desk import Desk
from live.desk.parameters import Value
from live.errors import DeskError
from live.picture import PictureMaker


def bind(
    desk: Desk, painter: PictureMaker, cast: Cast, backdrops: Backdrops
) -> Callable[[], dict[str, Value]]:
    """Let the desk's orders reach the picture stage.

    What the look holds needs nothing: the stage reads it. Returns the stage's readings, to be
    reported a few times a second.
    """
    _bind_subject(desk, cast)
    _bind_backdrops(desk, backdrops)
    desk.on_do("normalize.forget", painter.forget_performer)
    desk.on_do("resume", lambda: desk.set_many({"panic": False, "freeze": False}, "resume"))

    def readings() -> dict[str, Value]:
        _agree(desk, cast)
        return {
            "novelty": round(painter.novelty, 2),
            "rung": painter.rung,
            "subject.loading": cast.loading,
        }

    return readings


def _bind_subject(desk: Desk, cast: Cast) -> None:
    desk.offer("subject", cast.names)
    desk.follow("subject", cast.running)

    def change(name: Value) -> None:
        cast.require_consent(str(name))
        cast.change(str(name))

    def back(stays: str, why: str) -> None:
        desk.follow("subject", stays)

    cast.fade_s = lambda: float(desk.value("subject.fade"))
    cast.on_failed = back
    desk.on_set("subject", change)


def _agree(desk: Desk, cast: Cast) -> None:
    """One that failed at once may have been noted before the order to show it was."""
    if not cast.loading and desk.value("subject") != cast.running:
        desk.follow("subject", cast.running)


def _bind_backdrops(desk: Desk, backdrops: Backdrops) -> None:
    names = backdrops.names()
    desk.offer("background.picture", names)
    chosen = str(desk.value("background.picture"))
    if chosen not in names:
        chosen = names[0] if names else ""
        desk.follow("background.picture", chosen)
    shown = [chosen]  # the last that could be, to go back to

    def choose(name: Value) -> None:
        desk.offer("background.picture", backdrops.names())
        backdrops.check(str(name))
        shown.append(str(name))
        del shown[:-2]

    def back(name: str, why: str) -> None:
        if desk.value("background.picture") == name:
            desk.follow("background.picture", shown[0])

    def allow(background: Value) -> None:
        if background == "picture" and not backdrops.names():
            raise DeskError("there is no picture; start the show with --backdrops FOLDER")

    backdrops.on_trouble = back
    desk.on_set("background.picture", choose)
    desk.on_set("background", allow)
