"""An act: one character on the stage, followed picture after picture as the look says.

pose -> normalize, smooth, place, guard, ladder -> draw -> generate -> retouch -> compose. Marks
come later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from live.background import Background, Pictures
from live.character import Character
from live.errors import UnderstudyError
from live.failing import Failing
from live.frames import Image, Label, Layer, Pose, Sighting
from live.generator import compose, soft_edged
from live.ladder import Ladder, LadderSettings, Rung
from live.look import Look
from live.parts import PARTS, find_squares
from live.placement import Placement, fade_layer, place_layer, place_pose
from live.retouch import Retouch
from live.skeleton import GROUPS
from live.timing import Timing
from live.window import into_window

_ERRORS = (UnderstudyError, RuntimeError, ValueError, MemoryError)
"""Of a net that is computed."""
_FACE = np.array(GROUPS["face"])
_JUMP = 0.02
"""Stage heights and shares of size. What is placed by hand and moves more than that from one
picture to the next has jumped, and the window jumps along: behind, it would cut the figure."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the generator made last."""

    layer: Layer
    foot: tuple[float, float]  # where the figure stood, pixels of the stage
    made_s: float


class Act:
    """For the picture's thread alone."""

    def __init__(
        self,
        character: Character,
        timing: Timing,
        ladder: LadderSettings | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """`pictures`: the operator's, to stand behind the figure."""
        self.character = character
        self.label: Label | None = None  # the newest, for the operator to see
        self.novelty = 0.0  # of the newest pose; 0 where nobody is followed
        self.rung: Rung = "neutral"
        self._generator_fails = Failing(
            timing, "generator", "the generator", "the plate is shown until it works"
        )
        self._net_fails = {
            part.name: Failing(
                timing,
                part.name,
                f"the {part.name} net of {character.name}",
                "the show goes on without it",
            )
            for part in PARTS
        }
        self._timing = timing
        self._ladder = Ladder(character.neutral, ladder)
        self._background = Background(character.plate, pictures)
        self._smoothing = character.smoother.settings
        # Only what differs from the look before is carried out: without a desk, a character moves
        # as it was made to.
        self._look = Look()
        self._last: _Shown | None = None

    @property
    def failing(self) -> bool:
        """Whether the generator did, the last time."""
        return self._generator_fails.now

    def follow_on(self, other: Act, now_s: float) -> None:
        """Take the performer over from the act before, which may go on."""
        self.character.normalizer.take_over(other.character.normalizer)
        if other.rung == "generated":
            self._ladder.join(now_s)

    def picture(self, sighting: Sighting, look: Look, now_s: float) -> tuple[Image, Rung]:
        """A new RGB uint8 (H, W, 3), without marks, and the rung that it stands on."""
        self._obey(look)
        pose, self.rung = self._follow(sighting, look, now_s)
        with self._timing.section("draw"):
            label = self.label = self._draw(pose, sighting.captured_s, look, now_s)
        shown, rung = self._shown(label, now_s)
        with self._timing.section("compose"):
            background = self._background.at(look)
            if shown is None or look.panic:
                return background.copy(), "plate"
            return compose(background, [self._layer(shown, look)]), rung

    def _obey(self, look: Look) -> None:
        """Carry out what has changed since the last picture."""
        before, self._look = self._look, look
        if look is before:
            return
        normalizer, smoother = self.character.normalizer, self.character.smoother
        if look.refine != before.refine:
            normalizer.refine = look.refine
        if (look.smoothing, look.lead_s) != (before.smoothing, before.lead_s):
            smoother.settings = self._smoothing.tuned(look.smoothing, look.lead_s)
        if look.mirror != before.mirror:
            normalizer.mirror = look.mirror
            smoother.reset()  # left and right change places; they do not travel there
        if look.mirror != before.mirror or _jumped(look, before):
            self.character.window.reset()

    def _follow(self, sighting: Sighting, look: Look, now_s: float) -> tuple[Pose, Rung]:
        """The pose to show."""
        with self._timing.section("normalize"):
            pose = self.character.normalizer.apply(sighting.pose) if sighting.pose else None
        with self._timing.section("smooth"):
            # A lost person is the ladder's to hold; the filter only sees who is there.
            pose = self.character.smoother.apply(pose, sighting.captured_s) if pose else None
            if pose is not None and not (pose.scores > 0).any():
                pose = None
        pose = self._within_limits(pose, look, now_s)
        shown, rung = self._ladder.step(pose, now_s)
        if rung == "neutral":
            self.character.smoother.reset()
        return shown, rung

    def _within_limits(self, pose: Pose | None, look: Look, now_s: float) -> Pose | None:
        """The pose as it is placed by hand, measured, and eased back where that is asked for."""
        if pose is None:
            self.novelty = 0.0
            return None
        pose = place_pose(pose, _by_hand(look))
        with self._timing.section("novelty"):
            self.novelty = self.character.novelty.measure(pose)
            return self.character.novelty.guard(pose, look.guard, now_s)

    def _draw(self, pose: Pose, captured_s: float, look: Look, now_s: float) -> Label:
        drawer = self.character.drawer
        region = self.character.window.follow(pose, now_s)
        scores = pose.scores.copy()
        scores[self.character.unknown] = 0
        if not look.face:
            scores[_FACE] = 0
        size = drawer.size
        points = into_window(pose.points, region, size)
        parts = (one.part for one in self.character.retouches)
        squares, strengths = find_squares(parts, points, scores, size)
        return Label(drawer.draw(points, scores), captured_s, region, squares, strengths)

    def _shown(self, label: Label, now_s: float) -> tuple[_Shown | None, Rung]:
        """What the generator makes of it; where it fails its last, for a while; then nothing."""
        layer = self._generate(label)
        if layer is not None:
            self._last = _Shown(layer, self.character.window.stands_at, now_s)
            return self._last, self.rung
        if self._last is not None and now_s - self._last.made_s <= self._ladder.settings.hold_s:
            return self._last, "held"
        return None, "plate"

    def _layer(self, shown: _Shown, look: Look) -> Layer:
        """As the operator wants the finished figure: the generator knows nothing of it."""
        place = Placement(look.figure_scale, look.figure_x, look.figure_y)
        layer = place_layer(shown.layer, place, shown.foot, self.character.stage)
        return fade_layer(layer, look.figure_opacity)

    def _generate(self, label: Label) -> Layer | None:
        try:
            with self._timing.section("generate"):
                layer = self.character.generator.generate(label)
        except _ERRORS as error:
            self._generator_fails.failed(error)
            self.character.generator.reset()
            return None
        self._generator_fails.worked()
        for retouch in self.character.retouches:
            self._correct(retouch, label, layer)
        return soft_edged(layer)

    def _correct(self, retouch: Retouch, label: Label, layer: Layer) -> None:
        """Make a part good, where the subject has a net for it; without it the show goes on."""
        name = retouch.part.name
        if not label.squares.get(name):
            return  # nothing is tried, so nothing is known of whether it works
        try:
            with self._timing.section(name):
                retouch.correct(label, layer)
        except _ERRORS as error:
            self._net_fails[name].failed(error)
        else:
            self._net_fails[name].worked()


def _by_hand(look: Look) -> Placement:
    return Placement(look.normalize_scale, look.normalize_x, look.normalize_y)


def _jumped(look: Look, before: Look) -> bool:
    """Whether the pose is placed elsewhere than just before."""
    now, then = _by_hand(look), _by_hand(before)
    moved = max(abs(now.x - then.x), abs(now.y - then.y), abs(now.scale - then.scale))
    return moved > _JUMP
