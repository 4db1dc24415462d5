"""A bundle's net for a part against torch, on what the bundle's own generator makes of the part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from export.generator_graph import folded
from export.onnx_files import size_of
from export.part_graph import Square, part_levels
from export.precision import as_float32, stores_halves
from export.rebuild import part_from_onnx
from export.rehearsal import place_labels
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.generator import Generator
from live.parts import Part
from live.retouch import retouch_side, square_feeds
from live.subject import Subject
from training.face_net import FaceStudent
from training.face_run import load_part
from training.run import load_trained
from training.samples import psnr

ENGINE = "cpu-fp32"  # of `export.parity_engines.ENGINES`
POSES = 60  # of the codebook, the most different ones
BOUND = "1 level"  # of 255; one number in a thousand lies on the edge between two


def part_row(part: Part, subject: Subject, run: Path | None) -> dict[str, Any]:
    """A row as the generator's are; `subject` has a net for `part`.

    With `run` the reference has the run's weights, stored as the bundle's are: a bundle that holds
    another net than the run is beyond the bound. Raises SetupError where nothing can be compared,
    SubjectError for a bad bundle.
    """
    model = subject.parts[part.name]
    net = part_from_onnx(part, model) if run is None else _of_run(part, run, model)
    squares = part_squares(part, subject)
    gaps = np.stack(part_levels(part, net, as_float32(model), squares)).astype(np.float64)
    level = float(gaps.max())
    quality = psnr(float(np.square(gaps).mean()))
    return {
        "net": part.name,
        "name": f"{part.name} {ENGINE}",
        "engine": OnnxRuntimeEngine.name,
        "precision": "fp32",
        "bound": BOUND,
        "max_abs": level / 255,
        "mean_abs": float(gaps.mean()) / 255,
        "psnr_db": quality,
        "codebook_psnr_db": quality,
        "dance_psnr_db": None,
        "drift_db": None,
        "verdict": "within" if level <= 1 else "beyond",
    }


def _of_run(part: Part, run: Path, model: bytes) -> FaceStudent:
    """The run's net for the part, with its weights stored as `model`'s are."""
    found = load_part(run, part, load_trained(run))
    if found is None:
        raise SetupError(
            f"{run} has no {part.name} net and the bundle has: it came from another run"
        )
    if found.net.shape.side != (side := size_of(model)[0]):
        raise SetupError(
            f"the {part.name} net in {run} paints squares of {found.net.shape.side} pixels and the "
            f"bundle's of {side}: it came from another run"
        )
    return folded(found.net, "float16" if stores_halves(model) else "float32")


def part_squares(part: Part, subject: Subject) -> list[Square]:
    """Of the codebook's poses, as the generator makes them when it sees a label twice.

    Raises SetupError where the part is seen in no pose.
    """
    book = subject.codebook
    labels = place_labels(subject, (book.points[:POSES], book.scores[:POSES]), follows=False)
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "generator.onnx"))
    side, squares = retouch_side(part, subject), []
    for label in labels:
        corners = label.squares[part.name]
        if not corners:
            continue
        generator.reset()
        generator.generate(label)
        layer = generator.generate(label)
        for corner in corners:
            feeds = square_feeds(label, layer, corner, side)
            squares.append((feeds["label"][0], feeds["rgba"][0]))
    generator.close()
    if not squares:
        raise SetupError(
            f"no pose in the codebook of {subject.origin} shows {part.what}, for {part.file}; "
            f"export the subject without it"
        )
    return squares
