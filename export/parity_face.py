"""The bundle's face net against torch, on heads that the bundle's own generator makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from export.face_graph import FACE, Square, face_levels
from export.generator_graph import folded
from export.onnx_files import size_of
from export.precision import as_float32, stores_halves
from export.rebuild import face_from_onnx
from export.rehearsal import place_labels
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.face import face_side, head_feeds
from live.generator import Generator
from live.subject import Subject
from training.face_net import FaceStudent
from training.face_run import load_face
from training.run import load_trained
from training.samples import psnr

ENGINE = "cpu-fp32"  # of `export.parity_engines.ENGINES`
POSES = 60  # of the codebook, the most different ones
BOUND = "1 level"  # of 255; one number in a thousand lies on the edge between two


def face_row(subject: Subject, run: Path | None) -> dict[str, Any]:
    """A row as the generator's are; `subject` has a face net.

    With `run` the reference has the run's weights, stored as the bundle's are: a bundle that holds
    another face than the run is beyond the bound. Raises SetupError where nothing can be compared,
    SubjectError for a bad bundle.
    """
    assert subject.face is not None
    net = face_from_onnx(subject.face) if run is None else _of_run(run, subject.face)
    squares = face_squares(subject)
    gaps = np.stack(face_levels(net, as_float32(subject.face), squares)).astype(np.float64)
    level = float(gaps.max())
    quality = psnr(float(np.square(gaps).mean()))
    return {
        "net": "face",
        "name": f"face {ENGINE}",
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


def _of_run(run: Path, model: bytes) -> FaceStudent:
    """The run's face net with its weights stored as `model`'s are."""
    face = load_face(run, load_trained(run))
    if face is None:
        raise SetupError(f"{run} has no face net and the bundle has: it came from another run")
    if face.net.shape.side != (side := size_of(model)[0]):
        raise SetupError(
            f"the face net in {run} paints squares of {face.net.shape.side} pixels and the "
            f"bundle's of {side}: it came from another run"
        )
    return folded(face.net, "float16" if stores_halves(model) else "float32")


def face_squares(subject: Subject) -> list[Square]:
    """Heads of the codebook's poses, as the generator makes them when it sees a label twice.

    Raises SetupError where no pose has a head.
    """
    book = subject.codebook
    labels = place_labels(subject, (book.points[:POSES], book.scores[:POSES]), follows=False)
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "generator.onnx"))
    squares = []
    for label in labels:
        if label.head is None:
            continue
        generator.reset()
        generator.generate(label)
        feeds = head_feeds(label, generator.generate(label), face_side(subject))
        squares.append((feeds["label"][0], feeds["rgba"][0]))
    generator.close()
    if not squares:
        raise SetupError(f"no pose in the codebook of {subject.origin} has a head for {FACE}")
    return squares
