"""What the window saves, and whether anybody could tell: `python -m benchmarks.sparse`.

The generator sees a window of the stage that follows the figure (`live.window`). Held against the
same net that sees more, over the subject's own poses:

    work    pixels, multiply-accumulates and milliseconds a frame on one CPU thread, the window's
            net and one for the whole stage in turns; the latter as large as it must be for the
            farthest figure to keep its pixels
    limbs   how far the outermost joint stays from the window's edge
    seams   what the composed picture differs from the room by: outside the window, and right at
            each of its edges, levels of 255
    whole   the figure against the one that the net paints in a window that is larger on every side
            and shows the same at the same scale: PSNR of the figure down to its shoes, and how
            opaque it gets where the window does not reach

Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.generator_graph import generator_onnx
from export.machine import machine_facts
from export.onnx_files import macs_of
from export.race import Lap, Player, race
from export.rebuild import student_from_onnx
from live.engines.choose import FEEDBACK
from live.engines.cpu import figure_psnr_db
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Image, Label, Pose, Region
from live.generator import Generator, compose, soft_edged
from live.options import DEMO
from live.skeleton import Drawer, LabelStyle
from live.subject import Subject, load_subject
from live.window import StageWindow, into_window

SUBJECT = DEMO / "subject"
STRIDE = 32  # the student's steps: sizes and shifts by multiples of it leave its grid as it is
ROOM = 64  # pixels that the larger window has more on every side
RUNS = 3  # on one label, each on the last one's state
FLOOR = 32  # rows at the window's lower edge, below the shoes, that the figure's PSNR leaves out
RACE_LABELS = 24
SIDES = ("top", "bottom", "left", "right")


@dataclass(frozen=True, slots=True)
class SparseOptions:
    """What the command line may set."""

    bundle: Path = SUBJECT
    poses: int = 300  # of the codebook, the most different first
    whole: int = 40  # of them, held against the larger window
    seconds: float = 6.0  # of the race

    def __post_init__(self) -> None:
        if self.poses < 1 or self.whole < 1:
            raise SetupError(f"--poses is {self.poses}, --whole is {self.whole}; give 1 or more")
        if not 0 <= self.seconds <= 3600:
            raise SetupError(f"--seconds is {self.seconds}; give 0 to 3600")


@dataclass(frozen=True, slots=True)
class Seams:
    """Over all poses; levels of 255."""

    outside: int  # the largest difference from the room outside of the window
    edges: dict[str, int]  # side -> the largest difference right inside of it, on the stage
    edges_p95: dict[str, float]
    joint_margin_px: float  # the least, in the generator's pixels


@dataclass(frozen=True, slots=True)
class AgainstWhole:
    """The window's figure and the larger window's."""

    psnr_db: float  # median over the poses, of the figure down to its shoes
    worst_psnr_db: float
    alpha_beyond: int  # the most opaque that the net gets where the window does not reach, of 255


@dataclass(frozen=True, slots=True)
class Work:
    """One net's frame."""

    size: tuple[int, int]  # (height, width)
    macs: int
    lap: Lap

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured."""

    window: Work
    stage: Work
    seams: Seams
    whole: AgainstWhole


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One pose in its window, the window having jumped to it."""

    region: Region
    points: NDArray[np.float32]  # (J, 2), pixels of the window's picture
    scores: NDArray[np.float32]


def measure(options: SparseOptions) -> Result:
    """Measure everything. Raises UnderstudyError."""
    subject = load_subject(options.bundle)
    views = views_of(subject, options.poses)
    return Result(
        *work_of(subject, views, options.seconds),
        seams_of(subject, views),
        against_whole(subject, views[: options.whole]),
    )


def views_of(subject: Subject, most: int) -> list[View]:
    """The codebook's poses as the stage's window shows them."""
    manifest, book = subject.manifest, subject.codebook
    stage, size = manifest.stage_size, manifest.generator_size
    window = StageWindow(manifest.body, stage, size, manifest.window)
    views = []
    for points, scores in zip(book.points[:most], book.scores[:most], strict=True):
        window.reset()
        region = window.follow(Pose(points, scores, 0.0, stage), 0.0)
        views.append(View(region, into_window(points, region, size), scores))
    return views


def seams_of(subject: Subject, views: Sequence[View]) -> Seams:
    """What the composed pictures differ from the room by, outside and at the edges."""
    manifest = subject.manifest
    drawer = Drawer(manifest.generator_size, manifest.style)
    engine = OnnxRuntimeEngine(subject.generator, "window", feedback=FEEDBACK)
    generator = Generator(subject, engine)
    outside, margin = 0, math.inf
    edges: dict[str, list[int]] = {side: [] for side in SIDES}
    for view in views:
        label = Label(drawer.draw(view.points, view.scores), 0.0, view.region)
        generator.reset()
        layer = [generator.generate(label) for _ in range(RUNS)][-1]
        picture = compose(subject.plate, [soft_edged(layer)])
        changed = np.abs(picture.astype(np.int16) - subject.plate).max(axis=2)
        inside = _inside(view.region, manifest.stage_size)
        for side, levels in _edges(changed[inside], view.region, manifest.stage_size).items():
            edges[side].append(levels)
        changed[inside] = 0
        outside = max(outside, int(changed.max()))
        margin = min(margin, _margin(view, manifest.generator_size, manifest.style))
    generator.close()
    return Seams(
        outside,
        {side: max(levels, default=0) for side, levels in edges.items()},
        {side: float(np.percentile(levels or [0], 95)) for side, levels in edges.items()},
        round(margin, 1),
    )


def against_whole(subject: Subject, views: Sequence[View]) -> AgainstWhole:
    """The same net with more room around the same figure at the same scale."""
    size, style = subject.manifest.generator_size, subject.manifest.style
    large = (size[0] + 2 * ROOM, size[1] + 2 * ROOM)
    drawers = Drawer(size, style), Drawer(large, _scaled(style, size[0] / large[0]))
    model = generator_onnx(student_from_onnx(subject.generator), large)
    engines = [
        OnnxRuntimeEngine(net, name, feedback=FEEDBACK)
        for name, net in (("window", subject.generator), ("whole", model))
    ]
    psnr_db, beyond = [], 0
    for view in views:
        shifted = (view.points + np.float32(ROOM)).astype(np.float32)
        small = _painted(engines[0], drawers[0].draw(view.points, view.scores))
        whole = _painted(engines[1], drawers[1].draw(shifted, view.scores))
        within = whole[ROOM:-ROOM, ROOM:-ROOM]
        psnr_db.append(figure_psnr_db(small[:-FLOOR], within[:-FLOOR]))
        around = whole[:, :, 3].copy()
        around[ROOM:-ROOM, ROOM:-ROOM] = 0
        beyond = max(beyond, int(around.max()))
    for engine in engines:
        engine.close()
    return AgainstWhole(float(np.median(psnr_db)), float(min(psnr_db)), beyond)


def work_of(subject: Subject, views: Sequence[View], seconds: float) -> tuple[Work, Work]:
    """(the window's, the whole stage's) for the same pixels on the farthest figure."""
    manifest = subject.manifest
    size, style = manifest.generator_size, manifest.style
    farthest = min(view.region.height for view in views)
    stage = tuple(
        math.ceil(side * size[0] / farthest / STRIDE) * STRIDE for side in manifest.stage_size
    )
    sizes = (size, (stage[0], stage[1]))
    models = (
        subject.generator,
        generator_onnx(student_from_onnx(subject.generator), sizes[1]),
    )
    grow = np.array([sizes[1][1], sizes[1][0]]) / manifest.stage_size[::-1]
    book = subject.codebook
    labels: list[list[Image]] = [[], []]
    drawers = [Drawer(size, style), Drawer(sizes[1], _scaled(style, farthest / stage[0]))]
    for number, view in enumerate(views[:RACE_LABELS]):
        on_stage = (book.points[number] * grow).astype(np.float32)
        labels[0].append(drawers[0].draw(view.points, view.scores).copy())
        labels[1].append(drawers[1].draw(on_stage, view.scores).copy())
    engines = [
        OnnxRuntimeEngine(model, name, feedback=FEEDBACK)
        for model, name in zip(models, ("window", "stage"), strict=True)
    ]
    laps = race({str(n): Player(engines[n], labels[n]) for n in range(2)}, seconds)
    for engine in engines:
        engine.close()
    window, whole = (Work(sizes[n], macs_of(models[n]), laps[str(n)]) for n in range(2))
    return window, whole


def _painted(engine: OnnxRuntimeEngine, label: Image) -> Image:
    """RGBA for a label that stands still, from an empty state."""
    engine.reset()
    for _ in range(RUNS):
        rgba: Image = engine.run({"label": label[None]})["rgba"][0]
    return rgba


def _scaled(style: LabelStyle, share: float) -> LabelStyle:
    """Limbs as wide in pixels as before, in a picture 1 / `share` times as high."""
    return replace(style, limb_width=style.limb_width * share)


def _inside(region: Region, stage: tuple[int, int]) -> tuple[slice, slice]:
    return (
        slice(max(region.y, 0), min(region.y + region.height, stage[0])),
        slice(max(region.x, 0), min(region.x + region.width, stage[1])),
    )


def _edges(changed: NDArray[np.int16], region: Region, stage: tuple[int, int]) -> dict[str, int]:
    """Side -> the largest change right inside of it, of the sides that are on the stage."""
    on_stage = {
        "top": region.y > 0,
        "bottom": region.y + region.height < stage[0],
        "left": region.x > 0,
        "right": region.x + region.width < stage[1],
    }
    lines = {
        "top": changed[0], "bottom": changed[-1], "left": changed[:, 0], "right": changed[:, -1],
    }  # fmt: skip
    return {side: int(lines[side].max()) for side in SIDES if on_stage[side]}


def _margin(view: View, size: tuple[int, int], style: LabelStyle) -> float:
    """From the outermost joint that is drawn to the nearest edge, pixels."""
    seen = view.points[view.scores > style.score_hidden]
    return float(min(seen.min(), size[1] - seen[:, 0].max(), size[0] - seen[:, 1].max()))


def table(result: Result) -> str:
    """For people."""
    window, stage, seams, whole = result.window, result.stage, result.seams, result.whole
    lines = [
        f"{'':<8}{'size':>10}{'pixels':>9}{'MMAC':>7}{'median ms':>11}{'p95 ms':>8}{'time':>7}"
    ]
    for name, work in (("window", window), ("stage", stage)):
        size = f"{work.size[0]}x{work.size[1]}"
        share = work.lap.median_ms / window.lap.median_ms
        lines.append(
            f"{name:<8}{size:>10}{work.pixels:>9}{work.macs / 1e6:>7.0f}"
            f"{work.lap.median_ms:>11.2f}{work.lap.p95_ms:>8.2f}{share:>7.2f}"
        )
    edges = ", ".join(
        f"{side} {seams.edges[side]} (p95 {seams.edges_p95[side]:.0f})" for side in SIDES
    )
    return "\n".join(
        [
            *lines,
            f"outermost joint: {seams.joint_margin_px} pixels from the window's edge, or more",
            f"outside the window: {seams.outside} levels; at its edges: {edges}",
            f"against a larger window: {whole.psnr_db:.1f} dB (worst {whole.worst_psnr_db:.1f}), "
            f"alpha beyond the window at most {whole.alpha_beyond}",
        ]
    )


def to_json(result: Result) -> dict[str, Any]:
    """All figures, and the machine."""
    window, stage = result.window, result.stage
    return asdict(result) | {
        "pixels_share": window.pixels / stage.pixels,
        "time_share": window.lap.median_ms / stage.lap.median_ms,
        "machine": machine_facts("onnxruntime", "torch"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where it cannot be done."""
    parser = argparse.ArgumentParser(description="What the window saves, and what it costs.")
    parser.add_argument("--bundle", type=Path, default=SUBJECT, help="default: the demo subject")
    parser.add_argument("--poses", type=int, default=300, help="of the codebook")
    parser.add_argument("--whole", type=int, default=40, help="of them, against a larger window")
    parser.add_argument("--seconds", type=float, default=6.0, help="of the race")
    try:
        result = measure(SparseOptions(**vars(parser.parse_args(arguments))))
    except UnderstudyError as error:
        print(f"benchmarks.sparse: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(result))
    print(json.dumps(to_json(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
