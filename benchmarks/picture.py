"""README's picture: performer, stick figure, subject: `python -m benchmarks.picture OUT.jpg`.

Runs the demo's stages over its clip, every frame in turn, and keeps a few moments of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

import run_live
from live.errors import EXIT_BAD_INPUT, UnderstudyError
from live.frames import Image, Sighting
from live.options import DEMO, parse
from live.performer import performer_of
from live.pose.blazepose import BlazePoseSettings
from live.pose.blazepose_open import open_blazepose
from live.pose.weights import fetch_pose_weights
from live.sources.file import read_through
from live.subject import load_subject
from live.timing import Timing

GAP_PX = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture; 2 when the demo is not all there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.jpg")
    parser.add_argument("--at", type=float, nargs="+", default=[3.0, 9.0, 15.0], help="seconds")
    parser.add_argument("--height", type=int, default=300, help="of one picture, pixels")
    given = parser.parse_args(arguments)
    try:
        strips = [np.hstack([_fit(p, given.height) for p in m]) for m in moments(given.at)]
    except UnderstudyError as error:
        print(f"benchmarks.picture: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    sheet = np.vstack(strips)[:-GAP_PX, :-GAP_PX, ::-1]
    cv2.imwrite(str(given.out), np.ascontiguousarray(sheet), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return 0


def moments(at_s: Sequence[float]) -> list[tuple[Image, Image, Image]]:
    """(performer, label, picture), RGB, at each of the given times of the demo's clip."""
    options = parse(["--demo"])
    subject = load_subject(options.subject)
    painter = run_live.build_painter(options, subject, Timing(), performer=performer_of(options))
    wanted = {round(time_s * 30) for time_s in at_s}
    found = []
    estimator = open_blazepose(fetch_pose_weights(), BlazePoseSettings(search_every_s=0.0))
    try:
        for frame in read_through(DEMO / "performer.mp4"):
            sighting = Sighting(estimator.estimate(frame), frame.captured_s, frame.sequence)
            picture = painter.make(sighting, frame.captured_s)
            if frame.sequence in wanted and painter.label is not None:
                found.append((frame.image[:, :, ::-1], painter.label.image, picture.image))
    finally:
        estimator.close()
    return found


def _fit(picture: Image, height: int) -> Image:
    """Scaled to `height`, with a white gap to the right and below."""
    width = round(picture.shape[1] * height / picture.shape[0])
    scaled = cv2.resize(
        np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA
    )
    white = (255, 255, 255)
    framed = cv2.copyMakeBorder(scaled, 0, GAP_PX, 0, GAP_PX, cv2.BORDER_CONSTANT, value=white)
    return np.asarray(framed, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
