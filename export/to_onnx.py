"""Trained student -> subject bundle.

    python -m export.to_onnx RUN --out BUNDLE [--name NAME] [--consent FILE] [--weights float16]
        [--variants FOLDER]

Folds the net, writes it as ONNX with every conversion inside the graph, asserts that ONNX Runtime
computes what torch does, and writes the bundle that the stage loads. Where training.face has added
nets for the face or the hands to RUN, they are a part of the bundle.
With --variants every net is also written in float32 throughout and computing in float16, as
`export.precision` does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from export.codebook import make_codebook, neutral_frame
from export.generator_graph import OPSET, WEIGHT_TYPES, GeneratorGraph, folded, generator_onnx
from export.parity import Parity, check_parity
from export.part_graph import Square, check_part, part_onnx
from export.precision import GENERATOR, variants_of, write_variants
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Label, Layer
from live.parts import PARTS, Part, find_squares
from live.retouch import trial_feeds
from live.skeleton import Drawer
from live.subject import Consent, SubjectManifest, encode_codebook, write_subject
from live.window import into_window
from training.consent import dataset_consent, in_words
from training.dataset import Dataset, encode_jpeg
from training.face_run import PartNet, load_part
from training.masks import person_box
from training.nets import Student
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
    variants: Path | None = None  # folder for every net in float32 and in float16

    def __post_init__(self) -> None:
        if self.weights not in WEIGHT_TYPES:
            raise SetupError(f"--weights is {self.weights!r}; known: {', '.join(WEIGHT_TYPES)}")
        if not self.name.strip():
            raise SetupError("--name is empty; give the subject a name")
        if self.variants is not None and _inside(self.variants, self.out):
            raise SetupError(
                f"--variants {self.variants} is inside the bundle {self.out}, which holds the "
                f"stage's files alone; name another folder"
            )


@dataclass(frozen=True, slots=True)
class ExportedPart:
    """What was written of a part's net."""

    onnx_bytes: int
    max_levels: int  # torch against ONNX Runtime, in 8-bit levels


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    consent: Consent | None
    onnx_bytes: int
    parity: Parity
    parts: Mapping[str, ExportedPart] = field(default_factory=dict)  # by file; those the run has
    variants: tuple[str, ...] = ()  # a line about each file of --variants


def export(options: ExportOptions) -> Exported:
    """Write the bundle. Raises SetupError and SubjectError."""
    consent = read_consent(options.consent) if options.consent else None
    trained = load_trained(options.run)
    data = Dataset(options.data or trained.record.data)
    consent = consent or dataset_consent(data.folder)
    nets = _nets(options.run, trained)
    model = generator_onnx(trained.net, data.size, options.weights)
    exported = folded(trained.net, options.weights)
    labels = _labels(data, trained)
    parity = check_parity(exported, model, [label.image for label in labels], MAX_GAP)
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
        training={
            **trained.facts,
            **{part.name: net.facts for part, net in nets.items()},
            "weights": options.weights,
            "size": list(data.size),
        },
        quality=_quality(options.run),
    )
    files = {
        GENERATOR: model,
        "plate.png": _plate_png(data),
        "poses.npz": encode_codebook(book),
        "thumb.jpg": _thumb(data),
    }
    written: dict[str, ExportedPart] = {}
    for part, found in nets.items():
        files[part.file] = part_onnx(part, found.net, options.weights)
        squares = _squares(exported, labels, part, found.net.shape.side)
        same = folded(found.net, options.weights)
        levels = check_part(part, same, files[part.file], squares)
        written[part.file] = ExportedPart(len(files[part.file]), levels)
    made = _variants(options, files)  # before the bundle is there: a net may not fit into halves
    write_subject(options.out, manifest, files)
    lines = write_variants(made, options.variants) if options.variants else []
    return Exported(consent, len(model), parity, written, tuple(lines))


def read_consent(path: Path) -> Consent:
    """A consent record from JSON. Raises SetupError that says what is wrong with it."""
    try:
        return Consent(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        fields = ", ".join(Consent.__dataclass_fields__)
        raise SetupError(
            f"consent file {path} cannot be used ({error}); it is JSON with {fields}"
        ) from error


def _inside(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())


def _nets(run: Path, trained: Trained) -> dict[Part, PartNet]:
    found = {part: load_part(run, part, trained) for part in PARTS}
    return {part: net for part, net in found.items() if net is not None}


def _variants(options: ExportOptions, files: Mapping[str, bytes]) -> dict[str, bytes]:
    nets = {name: content for name, content in files.items() if name.endswith(".onnx")}
    return variants_of(nets) if options.variants else {}


def _labels(data: Dataset, trained: Trained) -> list[Label]:
    drawer = Drawer(data.size, trained.record.style)
    tail = data.held_out[:8] if len(data.held_out) >= 8 else data.train[:8]
    labels = []
    for number in tail:
        region, scores = data.regions[number], data.scores[number]
        points = into_window(data.points[number], region, data.size)
        squares = find_squares(PARTS, points, scores, data.size)
        labels.append(Label(drawer.draw(points, scores), float(number), region, *squares))
    return labels


def _squares(student: Student, labels: Sequence[Label], part: Part, side: int) -> list[Square]:
    """The part, or what is in its place, as the student paints it when it begins."""
    graph = GeneratorGraph(student).eval()
    squares = []
    for label in labels:
        state = torch.zeros(1, 4, *label.image.shape[:2])
        with torch.no_grad():
            rgba, _ = graph(torch.from_numpy(label.image[None].copy()), state)
        feeds = trial_feeds(part, label, Layer(rgba[0].numpy(), label.region), side)
        squares.append((feeds["label"][0], feeds["rgba"][0]))
    return squares


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
    parser.add_argument(
        "--variants", type=Path, metavar="FOLDER",
        help="also write every net in float32 throughout and in float16, for other engines",
    )  # fmt: skip
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
    for name, part in exported.parts.items():
        print(
            f"{options.out}: {name} {part.onnx_bytes / 1e6:.1f} MB; torch and ONNX Runtime differ "
            f"by at most {part.max_levels} of 255 levels"
        )
    for line in exported.variants:
        print(line)
    print(f"consent: {in_words(exported.consent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
