"""A character: everything of one subject that the picture stage needs, loaded and ready."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.frames import Label, Pose
from live.generator import Generator
from live.marks import Marks
from live.normalize import Normalizer
from live.novelty import Novelty
from live.parts import PARTS, find_squares
from live.retouch import Retouch
from live.skeleton import Drawer
from live.smooth import Smoother
from live.subject import Subject
from live.window import StageWindow, into_window


class Character:
    """Made off the picture's thread; from then on for that thread alone. Who opens it closes it."""

    def __init__(
        self,
        subject: Subject,
        generator: Generator,
        normalizer: Normalizer,
        smoother: Smoother,
        marks: Marks | None = None,
        retouches: tuple[Retouch, ...] = (),
    ) -> None:
        """`marks` go onto every picture; None leaves them bare, as tests and training need.

        `retouches` correct parts of what `generator` makes, in this order; a subject may have none.
        """
        manifest = subject.manifest
        self.subject = subject
        self.generator = generator
        self.retouches = retouches
        self.normalizer = normalizer
        self.smoother = smoother
        self.marks = marks
        self.plate = subject.plate
        self.stage = manifest.stage_size
        self.neutral = neutral_pose(subject)
        self.unknown = unknown_joints(subject)
        self.window = StageWindow(manifest.body, self.stage, generator.size, manifest.window)
        self.drawer = Drawer(generator.size, manifest.style)
        self.novelty = Novelty(subject.codebook, manifest.body, self.stage)

    @property
    def name(self) -> str:
        """As the bundle calls it."""
        return self.subject.manifest.name

    def reset(self) -> None:
        """As if nothing had been shown yet; what a calibration gave stays."""
        for part in (self.normalizer, self.smoother, self.window, self.generator):
            part.reset()
        self.novelty.guard(self.neutral, 0.0, 0.0)  # no strength: it forgets

    def close(self) -> None:
        """Free the nets. May be called twice."""
        self.generator.close()
        for retouch in self.retouches:
            retouch.close()


def unknown_joints(subject: Subject) -> NDArray[np.intp]:
    """Joints that training never drew, by number: a net does not know strokes of other backends.

    OpenPose sees every finger; a subject whose footage was seen by BlazePose has three knuckles.
    """
    book, hidden = subject.codebook, subject.manifest.style.score_hidden
    drawn = (book.scores > hidden).any(axis=0) | (book.neutral_scores > hidden)
    return np.flatnonzero(~drawn)


def neutral_pose(subject: Subject) -> Pose:
    """The bundle's calm stance, as a pose on the stage."""
    book = subject.codebook
    return Pose(book.neutral_points, book.neutral_scores, 0.0, subject.manifest.stage_size)


def neutral_label(subject: Subject) -> Label:
    """The calm stance as the generator sees it, with its parts: to try engines on."""
    manifest, pose = subject.manifest, neutral_pose(subject)
    size = manifest.generator_size
    window = StageWindow(manifest.body, manifest.stage_size, size, manifest.window)
    region = window.follow(pose, 0.0)
    points = into_window(pose.points, region, size)
    drawn = Drawer(size, manifest.style).draw(points, pose.scores)
    return Label(drawn, 0.0, region, *find_squares(PARTS, points, pose.scores, size))
