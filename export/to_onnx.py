"""Trained student -> subject bundle.

    python -m export.to_onnx RUN --out BUNDLE [--name NAME] [--consent FILE] [--weights float16]

Folds the net, writes it as ONNX with every conversion inside the graph, asserts that ONNX Runtime
computes what torch does, and writes the bundle that the stage loads.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export.codebook import make_codebook, neutral_frame
from export.generator_graph import OPSET, WEIGHT_TYPES, folded, generator_onnx
from export.parity import Parity, check_parity
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Image
from live.skeleton import Drawer
from live.subject import Consent, SubjectManifest, encode_codebook, write_subject
from live.window import into_window
from training.consent import dataset_consent, in_words
from training.dataset import Dataset, encode_jpeg
from training.masks import person_box
from training.run import Trained, load_trained

MAX_GAP = 1e-3  # of next_state in [0, 1], torch against ONNX Runtime
THUMB_HEIGHT = 192


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the command line may set."""

    run: Path
    out: Path
    name: str = "subject"
    consent: Path | None = None  # JSON with `live.subject.Consent`'s fields; None: the dataset's
    weights: str = "float16"  # how weights are stored; they are computed with as float32
    data: Path | None = None  # where the dataset is now, if it was moved

    def __post_init__(self) -> None:
        if self.weights not in WEIGHT_TYPES:
            raise SetupError(f"--weights is {self.weights!r}; known: {', '.join(WEIGHT_TYPES)}")
        if not self.name.strip():
            raise SetupError("--name is empty; give the subject a name")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    consent: Consent | None
    onnx_bytes: int
    parity: Parity


def export(options: ExportOptions) -> Exported:
    """Write the bundle. Raises SetupError and SubjectError."""
    consent = read_consent(options.consent) if options.consent else None
    trained = load_trained(options.run)
    data = Dataset(options.data or trained.record.data)
    consent = consent or dataset_consent(data.folder)
    model = generator_onnx(trained.net, data.size, options.weights)
    exported = folded(trained.net, options.weights)
    parity = check_parity(exported, model, _labels(data, trained), MAX_GAP)
    book = make_codebook(data)
    manifest = SubjectManifest(
        name=options.name,
        generator_size=data.size,
        stage_size=data.stage,
        style=trained.record.style,
        body=data.body,
        window=data.window,
        consent=consent,
        footage=_footage(data),
        training={**trained.facts, "weights": options.weights, "size": list(data.size)},
        quality=_quality(options.run),
    )
    files = {
        "generator.onnx": model,
        "plate.png": _plate_png(data),
        "poses.npz": encode_codebook(book),
        "thumb.jpg": _thumb(data),
    }
    write_subject(options.out, manifest, files)
    return Exported(consent, len(model), parity)


def read_consent(path: Path) -> Consent:
    """A consent record from JSON. Raises SetupError that says what is wrong with it."""
    try:
        return Consent(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        fields = ", ".join(Consent.__dataclass_fields__)
        raise SetupError(
            f"consent file {path} cannot be used ({error}); it is JSON with {fields}"
        ) from error


def _labels(data: Dataset, trained: Trained) -> list[Image]:
    drawer = Drawer(data.size, trained.record.style)
    tail = data.held_out[:8] if len(data.held_out) >= 8 else data.train[:8]
    return [
        drawer.draw(into_window(data.points[n], data.regions[n], data.size), data.scores[n])
        for n in tail
    ]


def _footage(data: Dataset) -> dict[str, Any]:
    names = ("frames", "train_frames", "seconds", "seen_share", "unseen_background_share", "pose")
    facts = {name: data.facts[name] for name in names}
    return {**facts, "videos": data.facts["videos"]}


def _quality(run: Path) -> dict[str, Any]:
    """The sheet of `training.evaluate`, where there is one."""
    path = run / "sheet.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _plate_png(data: Dataset) -> bytes:
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(data.plate[:, :, ::-1]), options)
    assert done
    return encoded.tobytes()


def _thumb(data: Dataset) -> bytes:
    """The person in the neutral stance, cut out of the footage."""
    frame = neutral_frame(data)
    image = data.frame(frame)
    box = person_box(data.points[frame], data.scores[frame], data.stage)
    assert box is not None  # a neutral frame shows the person
    cut = image[box.top : box.bottom, box.left : box.right]
    width = max(round(cut.shape[1] * THUMB_HEIGHT / cut.shape[0]), 1)
    scaled = cv2.resize(cut, (width, THUMB_HEIGHT), interpolation=cv2.INTER_CUBIC)
    return encode_jpeg(np.asarray(scaled, np.uint8))


def parse(arguments: list[str] | None = None) -> ExportOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m export.to_onnx", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE")
    parser.add_argument("--name", default="subject", help="the subject's name")
    parser.add_argument("--consent", type=Path, help="JSON, if not the dataset's record")
    parser.add_argument("--weights", default="float16", help="stored as float16 or float32")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    given = parser.parse_args(arguments)
    return ExportOptions(**vars(given))


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        options = parse(arguments)
        exported = export(options)
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    parity = exported.parity
    print(
        f"{options.out}: generator.onnx {exported.onnx_bytes / 1e6:.1f} MB, opset {OPSET}; torch "
        f"and ONNX Runtime differ by at most {parity.max_abs:.1e}, {parity.max_levels} of 255 "
        f"levels, {parity.drift_abs:.1e} after several pictures"
    )
    print(f"consent: {in_words(exported.consent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
