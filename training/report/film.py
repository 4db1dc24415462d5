"""Film strips: what was asked for, what is real, what was painted and where they differ."""

from __future__ import annotations

import html
from collections.abc import Sequence

import cv2
import numpy as np

from live.frames import Image
from training.coach.pictures import data_url
from training.contest import Contest
from training.masks import Box
from training.metrics import cut

MOMENTS = 8
TALL_PX = 260  # of a cell
CLOSE_PX = 132
GAIN = 3  # by which differences are made visible


def moments(contest: Contest, count: int = MOMENTS) -> list[int]:
    """Frames from beginning to end, evenly spread over those that show the person."""
    seen = [n for n, box in enumerate(_persons(contest)) if box is not None]
    return _spread(seen or list(range(len(contest.truths))), count)


def film(contest: Contest, names: Sequence[str], label: bool = True) -> str:
    """One column a moment, one row for what is real and for each of `names`, then difference."""
    frames = moments(contest)
    boxes = close_boxes(contest, frames)
    rows = [_row("label", [contest.label(n) for n in frames], boxes)] if label else []
    rows.append(_row("real", [contest.truths[n] for n in frames], boxes))
    for name in names:
        rows.append(_row(name, [contest.pictures[name][n] for n in frames], boxes))
    gaps = [difference(contest.pictures[names[0]][n], contest.truths[n]) for n in frames]
    rows.append(_row(f"difference ×\u00a0{GAIN}", gaps, boxes))
    return f'<div class="film">{"".join(rows)}</div>'


def close_ups(contest: Contest, region: str, names: Sequence[str]) -> str:
    """A region enlarged, real over those of `names`; nothing where no frame shows it."""
    boxes = contest.regions().get(region)
    if boxes is None:
        return ""
    # Of a frame's two hands now the first, now the last.
    frames = _spread([n for n, several in enumerate(boxes) if several], MOMENTS)
    places = [(n, boxes[n][-(turn % 2)]) for turn, n in enumerate(frames)]
    rows = []
    for words, pictures in [("real", contest.truths), *((n, contest.pictures[n]) for n in names)]:
        cells = "".join(_cell(_square(cut(pictures[n], box))) for n, box in places)
        rows.append(f'<div class="row"><b>{html.escape(words)}</b>{cells}</div>')
    return f'<div class="film">{"".join(rows)}</div>'


def side_by_side(contest: Contest, name: str, frame: int) -> str:
    """Label, real, painted and difference of one frame."""
    (box,) = close_boxes(contest, [frame])
    truth, picture = contest.truths[frame], contest.pictures[name][frame]
    shown = (contest.label(frame), truth, picture, difference(picture, truth))
    return "".join(_cell(_tall(cut(image, box), 170)) for image in shown)


def difference(found: Image, truth: Image) -> Image:
    """Where they differ: black where equal, through violet and orange to white. RGB uint8."""
    gap = cv2.absdiff(found, truth).max(axis=2).astype(np.int32) * GAIN
    bgr = cv2.applyColorMap(gap.clip(0, 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])


def close_boxes(contest: Contest, frames: Sequence[int]) -> list[Box]:
    """Cuts of one size around the person, so that one scale holds for all of them."""
    height, width = contest.truths[0].shape[:2]
    persons = _persons(contest)
    known = [box for n in frames if (box := persons[n]) is not None]
    if not known:
        return [Box(0, 0, width, height)] * len(frames)
    tall = min(max(box.bottom - box.top for box in known), height)
    wide = min(max(max(box.right - box.left for box in known), tall // 2), width)
    middle = [_middle(persons[n]) or (width / 2, height / 2) for n in frames]
    found = []
    for x, y in middle:
        left = int(np.clip(x - wide / 2, 0, width - wide))
        top = int(np.clip(y - tall / 2, 0, height - tall))
        found.append(Box(left, top, left + wide, top + tall))
    return found


def _persons(contest: Contest) -> list[Box | None]:
    nobody: list[Box | None] = [None] * len(contest.truths)
    found = contest.regions().get("person")
    return [boxes[0] if boxes else None for boxes in found] if found else nobody


def _middle(box: Box | None) -> tuple[float, float] | None:
    return None if box is None else ((box.left + box.right) / 2, (box.top + box.bottom) / 2)


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of them, evenly, each once."""
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round()
    return [numbers[int(place)] for place in places.tolist()]


def _row(name: str, images: Sequence[Image], boxes: Sequence[Box]) -> str:
    cells = [_cell(_tall(cut(i, box), TALL_PX)) for i, box in zip(images, boxes, strict=True)]
    return f'<div class="row"><b>{html.escape(name)}</b>{"".join(cells)}</div>'


def _cell(image: Image) -> str:
    return f'<img src="{data_url(image, 85)}" alt="">'


def _tall(image: Image, height: int) -> Image:
    width = max(round(image.shape[1] * height / image.shape[0]), 1)
    return _resized(image, (width, height))


def _square(image: Image) -> Image:
    return _resized(image, (CLOSE_PX, CLOSE_PX))


def _resized(image: Image, size: tuple[int, int]) -> Image:
    how = cv2.INTER_AREA if size[1] < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
