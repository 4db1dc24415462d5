"""Everybody in a picture, and where their bodies are: for the plate, and to notice a second person.

Poses are found with BlazePose's detector, which sees several bodies, and every body is confirmed by
the landmark network, whose segmentation output (Bazarevsky et al., "BlazePose", 2020; the model
card's third output) is its mask.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from live.engines.base import Engine
from live.frames import Frame, Image
from live.pose.blazepose_crop import Roi
from live.pose.blazepose_detect import Detector
from live.pose.blazepose_landmarks import Landmarker
from live.pose.blazepose_map import canonical_pose
from live.pose.openpose_json import read_people
from training.framing import Framing

MIN_DETECTION = 0.5
MIN_PRESENCE = 0.6  # more than the tracker's: a poster or a mirror shall not count so easily
SEEN = 0.3  # a joint that scores more is seen
SAME = 0.18  # of the body's diagonal, between its joints as found twice
BODY = 0.3  # the segmentation from here on is body: rather too much than too little
ROUNDS = 3
_NUMBERED = re.compile(r"(\d+)_keypoints\.json")


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One body in one picture of the stage."""

    points: NDArray[np.float32]  # (J, 2), pixels of the stage
    scores: NDArray[np.float32]  # (J,)
    mask: NDArray[np.uint8] | None  # (H, W) of the stage, 255 on the body; None where not known
    presence: float = 1.0  # how sure it is that this is a person at all, in [0, 1]


class Crowd(Protocol):
    """Finds everybody in single pictures."""

    def look(self, frame: Frame, framing: Framing) -> list[Person]:
        """All bodies in `frame`, in pixels of the stage, the surest first."""

    def close(self) -> None:
        """Free what is held. May be called twice."""


class NoCrowd:
    """Sees nobody: for estimators that come without their networks, as in tests."""

    def look(self, frame: Frame, framing: Framing) -> list[Person]:
        return []

    def close(self) -> None:
        pass


class OpenPoseCrowd:
    """Everybody that OpenPose found; it gives no masks."""

    def __init__(self, folder: Path) -> None:
        found = ((_NUMBERED.search(path.name), path) for path in folder.iterdir())
        self._files = {int(match[1]): path for match, path in found if match}

    def look(self, frame: Frame, framing: Framing) -> list[Person]:
        path = self._files.get(frame.sequence)
        if path is None:
            return []
        try:
            people = read_people(path.read_bytes(), frame.size, frame.captured_s)
        except (OSError, ValueError):  # the estimator has already said so
            return []
        return [Person(framing.points(pose.points), pose.scores, None) for pose in people]

    def close(self) -> None:
        pass


class BlazePoseCrowd:
    """Bodies and their masks by BlazePose's two networks."""

    def __init__(self, detector: Engine, landmarks: Engine) -> None:
        """Takes both engines over. `landmarks` has the outputs "segmentation" and "heatmaps"."""
        self._engines = (detector, landmarks)
        self._net = _Remembering(landmarks)
        self._detector, self._landmarker = Detector(detector), Landmarker(self._net)

    def look(self, frame: Frame, framing: Framing) -> list[Person]:
        image = framing.image(np.ascontiguousarray(frame.image))
        people: list[Person] = []
        shown = image
        for _ in range(ROUNDS):
            found = self._newcomers(image, shown, people)
            if not found:
                break
            people += found
            # The detector's answers crowd around the clearest body: hide it, and the next comes up.
            shown = _without(shown, found)
        return people

    def _newcomers(self, image: Image, shown: Image, known: list[Person]) -> list[Person]:
        found: list[Person] = []
        for roi in self._rois(shown):
            person = self._confirmed(image, roi)
            if person and not any(same_body(person, other) for other in known + found):
                found.append(person)
        return found

    def _rois(self, image: Image) -> list[Roi]:
        """Where bodies may be: in the whole picture, and in its parts, for those far away."""
        rois: list[Roi] = []
        for left, top, side in _parts((image.shape[0], image.shape[1])):
            part = np.ascontiguousarray(image[top : top + side, left : left + side])
            for roi in self._detector.find(part, MIN_DETECTION)[:2]:
                rois.append(replace(roi, x=roi.x + left, y=roi.y + top))
        return rois

    def close(self) -> None:
        for engine in self._engines:
            engine.close()

    def _confirmed(self, image: Image, roi: Roi) -> Person | None:
        if not roi.usable():
            return None
        found = self._landmarker.place(image, roi)
        if found.presence < MIN_PRESENCE:
            return None
        size = (image.shape[0], image.shape[1])
        shares = found.landmarks / np.array([size[1], size[0], 1, 1], np.float32)
        pose = canonical_pose(np.asarray(shares, np.float32), size, 0.0)
        logits = self._net.last["segmentation"][0, 0]
        return Person(pose.points, pose.scores, _in_picture(logits, roi, size), found.presence)


class _Remembering:
    """An engine that remembers its last outputs, so that the mask need not be computed twice."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.last: dict[str, NDArray[Any]] = {}

    def run(self, feeds: Any) -> dict[str, NDArray[Any]]:
        self.last = dict(self._engine.run(feeds))
        return self.last

    def close(self) -> None:
        self._engine.close()


def open_blazepose_crowd() -> BlazePoseCrowd:
    """On the CPU, one thread, with the weights store's networks. Raises WeightsError."""
    from live.engines.onnx_runtime import OnnxRuntimeEngine
    from live.pose.blazepose_nets import pose_nets
    from live.pose.weights import fetch_pose_weights

    outputs = ("landmarks", "presence", "segmentation", "heatmaps")
    nets = pose_nets(fetch_pose_weights(), outputs)
    detector = OnnxRuntimeEngine(nets.detector, "BlazePose's detector")
    return BlazePoseCrowd(detector, OnnxRuntimeEngine(nets.landmarks, "BlazePose's landmarks"))


def same_body(one: Person, other: Person) -> bool:
    """Whether two findings of one picture are one body: their joints lie together.

    A detector that finds one body twice, or its legs alone, gives such pairs.
    """
    both = (one.scores[:15] > SEEN) & (other.scores[:15] > SEEN)
    if both.sum() < 4:
        return True  # too little of one of them to call it a person
    gaps = np.hypot(*(one.points[:15][both] - other.points[:15][both]).T)
    return float(np.median(gaps)) < SAME * max(min(body_size(one), body_size(other)), 1.0)


def body_size(person: Person) -> float:
    """Diagonal of the seen joints' box, pixels."""
    seen = person.points[:25][person.scores[:25] > SEEN]
    return float(np.hypot(*np.ptp(seen, axis=0))) if len(seen) else 0.0


def _parts(size: tuple[int, int]) -> list[tuple[int, int, int]]:
    """(left, top, side) of the whole and of squares along its longer side, which overlap."""
    height, width = size
    short, spare = min(size), max(size) - min(size)
    count = 1 if spare < 0.15 * short else int(np.ceil(spare / (0.6 * short))) + 1
    starts = np.linspace(0, spare, count).astype(int).tolist() if count > 1 else []
    squares = [(start, 0, short) if width > height else (0, start, short) for start in starts]
    return [(0, 0, max(size)), *squares]


def _without(image: Image, people: list[Person]) -> Image:
    """The picture with `people` painted over in its mean colour."""
    image = image.copy()
    colour = image.reshape(-1, 3).mean(0)
    for person in people:
        if person.mask is not None:
            image[cv2.dilate(person.mask, np.ones((15, 15), np.uint8)) > 0] = colour
    return image


def _in_picture(logits: NDArray[np.float32], roi: Roi, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The mask (S, S) of a region, laid into a picture of `size`: the inverse of `Cropper.crop`."""
    side = logits.shape[0]
    step = roi.side / side
    across, down = math.cos(roi.angle) * step, math.sin(roi.angle) * step
    middle = (side - 1) / 2
    to_picture = np.array(
        [
            [across, -down, roi.x - 0.5 - (across - down) * middle],
            [down, across, roi.y - 0.5 - (down + across) * middle],
        ]
    )
    body = np.clip(logits, -20, 20)
    sure = (1 / (1 + np.exp(-body))).astype(np.float32)
    whole = cv2.warpAffine(sure, to_picture, size[::-1], flags=cv2.INTER_LINEAR)
    return np.asarray((whole > BODY) * np.uint8(255), np.uint8)
