"""The picture stage: pose -> normalize, smooth, ladder -> draw -> generate -> compose -> mark."""

from __future__ import annotations

import logging

from live.errors import UnderstudyError
from live.frames import Image, Label, Layer, Picture, Pose, Sighting
from live.generator import Generator, compose
from live.ladder import Ladder, LadderSettings, Rung
from live.marks import Marks
from live.normalize import Normalizer
from live.skeleton import Drawer
from live.smooth import Smoother
from live.subject import Subject
from live.timing import Timing
from live.window import StageWindow, into_window

log = logging.getLogger(__name__)


def neutral_pose(subject: Subject) -> Pose:
    """The bundle's calm stance, as a pose on the stage."""
    book = subject.codebook
    return Pose(book.neutral_points, book.neutral_scores, 0.0, subject.manifest.stage_size)


def neutral_label(subject: Subject) -> Label:
    """The calm stance as the generator sees it: a real label to try an engine on."""
    manifest, pose = subject.manifest, neutral_pose(subject)
    size = manifest.generator_size
    window = StageWindow(manifest.body, manifest.stage_size, size, manifest.window)
    region = window.follow(pose, 0.0)
    drawn = Drawer(size, manifest.style).draw(into_window(pose.points, region, size), pose.scores)
    return Label(drawn, 0.0, region)


class PictureMaker:
    """Turns what the pose stage found into what the audience sees, one after another."""

    def __init__(
        self,
        subject: Subject,
        generator: Generator,
        normalizer: Normalizer,
        smoother: Smoother,
        timing: Timing,
        ladder: LadderSettings | None = None,
        marks: Marks | None = None,
    ) -> None:
        """`marks` go onto every picture; None leaves them bare, as tests and training need."""
        self.normalizer = normalizer
        self.label: Label | None = None  # the newest, for the operator to see
        self._plate = subject.plate
        self._marks = marks
        self._generator = generator
        self._smoother = smoother
        self._ladder = Ladder(neutral_pose(subject), ladder)
        manifest = subject.manifest
        self._window = StageWindow(
            manifest.body, manifest.stage_size, generator.size, manifest.window
        )
        self._drawer = Drawer(generator.size, manifest.style)
        self._timing = timing
        self._empty = self._marked(subject.plate.copy())  # what is shown with nobody on it
        self._sequence = 0
        self._failing = False
        self._last: Image | None = None
        self._last_s = -1e9
        self._hold_s = self._ladder.settings.hold_s

    def make(self, sighting: Sighting, now_s: float) -> Picture:
        """The picture that answers `sighting` at `now_s`. Never fails: there is the plate."""
        self.label, rung = self._label(sighting, now_s)
        image, rung = self._image(self.label, rung, now_s)
        picture = Picture(image, sighting.captured_s, self._sequence, rung)
        self._sequence += 1
        self._timing.count(f"picture.{rung}")
        return picture

    def _label(self, sighting: Sighting, now_s: float) -> tuple[Label, Rung]:
        with self._timing.section("normalize"):
            pose = self.normalizer.apply(sighting.pose) if sighting.pose else None
        with self._timing.section("smooth"):
            # A lost person is the ladder's to hold; the filter only sees who is there.
            pose = self._smoother.apply(pose, sighting.captured_s) if pose else None
            if pose is not None and not (pose.scores > 0).any():
                pose = None
            shown, rung = self._ladder.step(pose, now_s)
            if rung == "neutral":
                self._smoother.reset()
        with self._timing.section("draw"):
            region = self._window.follow(shown, now_s)
            points = into_window(shown.points, region, self._drawer.size)
            drawn = self._drawer.draw(points, shown.scores)
        return Label(drawn, sighting.captured_s, region), rung

    def _image(self, label: Label, rung: Rung, now_s: float) -> tuple[Image, Rung]:
        layer = self._layer(label)
        if layer is None:
            if self._last is not None and now_s - self._last_s <= self._hold_s:
                return self._last, "held"
            return self._empty, "plate"
        with self._timing.section("compose"):
            composed = compose(self._plate, [layer])
        self._last = self._marked(composed)  # once: what is held is shown as it is
        self._last_s = now_s
        return self._last, rung

    def _marked(self, picture: Image) -> Image:
        """The picture, marked in place."""
        if self._marks is not None:
            with self._timing.section("mark"):
                self._marks.add_to(picture)
        return picture

    def _layer(self, label: Label) -> Layer | None:
        try:
            with self._timing.section("generate"):
                layer = self._generator.generate(label)
        except (UnderstudyError, RuntimeError, ValueError, MemoryError) as error:
            self._timing.count("generator.failed")
            if not self._failing:
                log.error("the generator failed (%s); the plate is shown until it works", error)
            self._failing = True
            self._generator.reset()
            return None
        if self._failing:
            log.warning("the generator works again")
        self._failing = False
        return layer
