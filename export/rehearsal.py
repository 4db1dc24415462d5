"""The subject's own poses as the labels its generator will see: one by one, and as a dance.

Parity is measured and int8 is calibrated on these; no footage is needed, the bundle is enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.frames import Image, Label, Pose
from live.parts import PARTS, find_squares
from live.skeleton import Drawer
from live.subject import Codebook, Subject
from live.window import StageWindow, into_window

FPS = 30.0
FRAMES_A_POSE = 10  # of the dance, from one pose of the codebook to the next

Poses = tuple[NDArray[np.float32], NDArray[np.float32]]
"""points (N, J, 2) in stage pixels and scores (N, J)."""


def draw_labels(subject: Subject, poses: Poses, follows: bool) -> list[Image]:
    """The pictures of `place_labels`: RGB uint8 (h, w, 3) at the generator's size."""
    return [label.image for label in place_labels(subject, poses, follows)]


def place_labels(subject: Subject, poses: Poses, follows: bool) -> list[Label]:
    """Each pose as the stage would draw it.

    follows: the poses are one movement at `FPS`, and the stage's window follows it; otherwise the
    window jumps to each. The one place of export/ that turns a bundle's poses into labels.
    """
    manifest = subject.manifest
    size, stage = manifest.generator_size, manifest.stage_size
    drawer = Drawer(size, manifest.style)
    window = StageWindow(manifest.body, stage, size, manifest.window)
    labels = []
    for number, (points, scores) in enumerate(zip(*poses, strict=True)):
        if not follows:
            window.reset()
        now_s = number / FPS
        region = window.follow(Pose(points, scores, now_s, stage), now_s)
        placed = into_window(points, region, size)
        squares = find_squares(PARTS, placed, scores, size)
        labels.append(Label(drawer.draw(placed, scores).copy(), now_s, region, *squares))
    return labels


def codebook_labels(subject: Subject, most: int | None = None) -> list[Image]:
    """A label for every pose of the codebook, or for the `most` that are spread the widest."""
    book = subject.codebook  # farthest-point sampling put the most different poses first
    return draw_labels(subject, (book.points[:most], book.scores[:most]), follows=False)


def dance_labels(subject: Subject, frames: int) -> list[Image]:
    """`frames` labels of a smooth movement through the codebook, from the neutral stance."""
    return draw_labels(subject, dance(subject.codebook, frames), follows=True)


def dance(book: Codebook, frames: int) -> Poses:
    """A movement through the codebook's poses, each the nearest to the last that is still unused.

    Between two poses it eases in and out (3u^2 - 2u^3). A joint that only one of them sees stays
    where that one has it, and its score fades.
    """
    points = np.concatenate([book.neutral_points[None], book.points])
    scores = np.concatenate([book.neutral_scores[None], book.scores])
    way = _way(points, scores)
    found_points = np.empty((frames, *points.shape[1:]), np.float32)
    found_scores = np.empty((frames, points.shape[1]), np.float32)
    for frame in range(frames):
        step, place = divmod(frame, FRAMES_A_POSE)
        one, other = way[step % len(way)], way[(step + 1) % len(way)]
        u = place / FRAMES_A_POSE
        share = np.full(points.shape[1], u * u * (3 - 2 * u), np.float32)
        found_scores[frame] = (1 - share) * scores[one] + share * scores[other]
        share = np.where(scores[one] <= 0, 1, np.where(scores[other] <= 0, 0, share))[:, None]
        found_points[frame] = (1 - share) * points[one] + share * points[other]
    return found_points, found_scores


def _way(points: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Every pose once, from the first on: always the nearest that was not visited yet."""
    way, left = [0], set(range(1, len(points)))
    while left:
        candidates = np.array(sorted(left))
        seen = (scores[candidates] > 0) & (scores[way[-1]] > 0)
        gaps = np.linalg.norm(points[candidates] - points[way[-1]], axis=2)
        common = np.maximum(seen.sum(1), 1)
        # Poses that share no joint have no distance; they come last.
        distance = np.where(seen.any(1), (gaps * seen).sum(1) / common, np.inf)
        nearest = int(candidates[int(distance.argmin())])
        way.append(nearest)
        left.remove(nearest)
    return way
