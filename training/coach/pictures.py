"""The report's pictures, as data URLs: the report is one file."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from live.frames import Image
from training.assemble import Assembled
from training.coach.coverage import Covered
from training.flags import REASONS, Flag
from training.masks import person_box

TALL_PX, WIDE_PX = 168, 420
_HATCH = 9  # pixels from one line to the next
SHOWN = (Flag.BLUR, Flag.CAMERA, Flag.SETTING, Flag.LIGHT, Flag.PEOPLE, Flag.LOST)


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture and its caption."""

    url: str
    caption: str


def data_url(rgb: Image, quality: int = 82) -> str:
    """RGB uint8 (h, w, 3) as a JPEG in a URL."""
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def pose_pictures(found: Assembled, covered: tuple[Covered, ...]) -> dict[str, str]:
    """For each line of the reference set that the footage shows, the person doing it."""
    return {
        line.name: data_url(_person(found, line.example)) for line in covered if line.example >= 0
    }


def plate_picture(found: Assembled) -> str:
    """The plate, hatched where the background was never seen."""
    image = found.plate.image.copy()
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    lines = ((x + y) % _HATCH < 2) & found.plate.unseen
    image[found.plate.unseen] = image[found.plate.unseen] // 2 + np.array([90, 20, 60], np.uint8)
    image[lines] = (255, 120, 190)
    return data_url(_fit(image, WIDE_PX))


def sharp_and_soft(found: Assembled) -> list[Shown]:
    """The sharpest and the softest usable picture of the person, close."""
    sharpness = np.concatenate([shard.sharpness for shard in found.shards])
    numbers = np.flatnonzero(found.usable & np.isfinite(sharpness))
    if len(numbers) < 2:
        return []
    order = numbers[np.argsort(sharpness[numbers])]
    # Not the very ends: those are the odd ones.
    soft, sharp = order[len(order) // 50], order[-1 - len(order) // 50]
    return [
        Shown(data_url(_person(found, int(sharp))), "among the sharpest"),
        Shown(data_url(_person(found, int(soft))), "among the softest that are used"),
    ]


def flagged(found: Assembled) -> list[Shown]:
    """One whole picture for each thing that is wrong with some."""
    shown = []
    for flag in SHOWN:
        numbers = np.flatnonzero(found.flags.has(flag))
        if len(numbers):
            number = int(numbers[len(numbers) // 2])
            clip = found.clips[int(found.video[number])].path.name
            caption = f"{REASONS[flag]}: {clip} at {found.times_s[number]:.1f} s"
            shown.append(Shown(data_url(_fit(found.frame(number), WIDE_PX // 2)), caption))
    return shown


def _person(found: Assembled, number: int) -> Image:
    image = found.frame(number)
    box = person_box(found.points[number], found.scores[number], found.stage)
    if box is not None:
        image = image[box.top : box.bottom, box.left : box.right]
    width = max(round(image.shape[1] * TALL_PX / image.shape[0]), 1)
    how = cv2.INTER_AREA if image.shape[0] > TALL_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, TALL_PX), interpolation=how), np.uint8)


def _fit(image: Image, side: int) -> Image:
    """Smaller, so that neither side is over `side`."""
    scale = min(side / max(image.shape[:2]), 1.0)
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
