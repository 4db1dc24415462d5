"""Whether a picture or video bears this program's invisible mark, and what the mark says.

python -m live.marking FILE [--subject BUNDLE] [--json]

FILE is a video, PNG or JPEG: as it was recorded, scaled, cut, or taken from a screen. Ends with 0
where a mark is found, 1 where none is, 2 where the file cannot be read. No mark found does not
prove that a picture is real: marks can be removed. A mark found does not prove who made it: how
marks are made is public.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from live.errors import EXIT_BAD_INPUT, SourceError, UnderstudyError
from live.frames import Image
from live.sources.file import read_through
from live.subject import load_subject
from live.watermark_detect import Detector, Finding
from live.watermark_pattern import Plane
from live.watermark_payload import Payload

THRESHOLD = 8.0
"""The least score of a mark. `benchmarks.marking` says how often a clean picture reaches it."""
USUAL_SCORE, SPREAD = 4.89, 0.222
"""Clean pictures' scores follow Gumbel's law of largest values with this mode and this scale."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
EVERY = 5  # of a video's pictures: neighbours tell the same
TOGETHER = 24  # pictures whose residuals are averaged
PASSES = 10  # times that; then a video was looked at long enough


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one file."""

    marked: bool
    score: float  # the highest; 0 where the file's pictures are too small to look at
    payload: Payload | None  # None where there is no mark, or it could not be read
    pictures: int  # that were looked at

    @property
    def chance(self) -> float:
        """That a file without a mark, of so many pictures, gives as much as this or more."""
        looks = max(-(-self.pictures // TOGETHER), 1)
        beyond = math.exp(min((USUAL_SCORE - self.score) / SPREAD, 700.0))
        score = min(-math.expm1(-beyond) * looks, 1.0)
        return score if self.payload is None else score * 2.0**-24


def judge(finding: Finding | None, pictures: int) -> Verdict:
    """The verdict on one finding."""
    if finding is None:
        return Verdict(False, 0.0, None, pictures)
    # A text that holds together says no less than a high score: chance writes one in 2**24.
    marked = finding.score >= THRESHOLD or finding.payload is not None
    return Verdict(marked, finding.score, finding.payload, pictures)


def look(pictures: Iterable[Image]) -> Verdict:
    """Look at pictures, BGR uint8 (H, W, 3), in lots of `TOGETHER`, until one can be read."""
    best = Verdict(False, 0.0, None, 0)
    seen = 0
    for lot in _lots(pictures):
        detector = Detector()
        for picture in lot:
            detector.see(luma_of(picture))
        seen += len(lot)
        found = judge(detector.find(), seen)
        best = max(best, found, key=lambda verdict: (verdict.payload is not None, verdict.score))
        if best.payload is not None:
            break
    return Verdict(best.marked, best.score, best.payload, seen)


def look_at_file(path: Path) -> Verdict:
    """Look at a video or picture. Raises `UnderstudyError`."""
    if path.suffix.lower() in PICTURES:
        return look([_read_picture(path)])
    return look(frame.image for frame in read_through(path) if frame.sequence % EVERY == 0)


def luma_of(picture: Image) -> Plane:
    """BGR uint8 (H, W, 3) -> float32 (H, W)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32)


def _lots(pictures: Iterable[Image]) -> Iterator[list[Image]]:
    """Up to `PASSES` lots of up to `TOGETHER` pictures of one size."""
    lot: list[Image] = []
    passes = 0
    for picture in pictures:
        if lot and (len(lot) == TOGETHER or picture.shape != lot[0].shape):
            yield lot
            lot, passes = [], passes + 1
            if passes == PASSES:
                return
        lot.append(picture)
    if lot:
        yield lot


def _read_picture(path: Path) -> Image:
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SourceError(f"{path} cannot be opened ({error.strerror}); check the path") from error
    try:
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:  # it is empty, or says that it is absurdly large
        picture = None
    if picture is None:
        raise SourceError(f"{path} is no picture that can be read; give a PNG or JPEG")
    return np.asarray(picture, np.uint8)


def in_words(path: Path, verdict: Verdict, bundle: str | None = None) -> str:
    """Sentences for people; `bundle` is the SHA-256 of the one it may be of."""
    looked = f"{verdict.pictures} picture{'s' * (verdict.pictures != 1)} looked at"
    if not verdict.marked:
        return (
            f"{path}: no mark found (score {verdict.score:.1f}, a mark has {THRESHOLD:g} or more; "
            f"{looked}). That does not prove that it is real: a mark can be removed."
        )
    sure = f"score {verdict.score:.1f}, by chance {_power(verdict.chance)}; {looked}"
    if verdict.payload is None:
        return f"{path}: marked as generated ({sure}); what else the mark says cannot be read."
    payload = verdict.payload
    words = (
        f"{path}: marked as generated ({sure}). It shows subject {payload.subject}, in a show of "
        f"{payload.day.isoformat()}."
    )
    if bundle is not None:
        same = bundle.startswith(payload.subject)
        words += f" That is {'' if same else 'not '}the subject given."
    return words


def _power(chance: float) -> str:
    if chance < 1e-12:
        return "less than 1e-12"
    return f"{chance:.0e}"


def to_json(verdict: Verdict, bundle: str | None = None) -> dict[str, object]:
    """All of it, for machines."""
    payload = verdict.payload
    told: dict[str, object] = {
        "marked": verdict.marked,
        "score": round(verdict.score, 2),
        "threshold": THRESHOLD,
        "chance": verdict.chance,
        "pictures": verdict.pictures,
        "payload": None,
    }
    if payload is not None:
        told["payload"] = {
            "version": payload.version,
            "kind": "generated",
            "subject": payload.subject,
            "day": payload.day.isoformat(),
        }
        if bundle is not None:
            told["subject_given"] = bundle.startswith(payload.subject)
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at a file and say what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m live.marking", description="Is it marked as generated, and by which show?"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a video, PNG or JPEG")
    parser.add_argument(
        "--subject", type=Path, metavar="BUNDLE", help="say whether it is this subject's"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of words")
    given = parser.parse_args(arguments)
    try:
        bundle = load_subject(given.subject).sha256 if given.subject is not None else None
        if not os.path.exists(given.file):  # Path.exists raises on a name that is too long
            raise SourceError(f"{given.file} does not exist; check the path")
        verdict = look_at_file(given.file)
    except UnderstudyError as error:
        print(f"understudy: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    if given.json:
        print(json.dumps(to_json(verdict, bundle)))
    else:
        print(in_words(given.file, verdict, bundle))
    return 0 if verdict.marked else 1


if __name__ == "__main__":
    sys.exit(main())
