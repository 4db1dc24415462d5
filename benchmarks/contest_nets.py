"""The nets that `benchmarks.engines` races: generators of every size, and the pose nets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.figure import dancer
from export.generator_graph import generator_onnx
from export.onnx_files import macs_of
from export.parity_part import part_squares
from export.part_graph import PartGraph
from export.rebuild import part_from_onnx
from export.rehearsal import dance_labels
from export.teacher_graph import teacher_onnx
from live.frames import Frame, Image
from live.parts import PARTS
from live.pose.blazepose_nets import pose_nets
from live.pose.weights import PoseWeights, fetch_pose_weights
from live.skeleton import Drawer, LabelStyle
from live.sources.file import read_through
from live.subject import Subject, load_subject
from training.nets import Student, StudentShape
from training.teacher.nets import GlobalGenerator, LocalEnhancer, Teacher, TeacherShape
from training.tiers import shape_of

SIZES = ((256, 256), (256, 224), (288, 512), (512, 512), (512, 1024))
"""(height, width) in pixels: what DESIGN and issue call 512x288 and 1024x512 lie down."""

TIER_SIZES = (("512", (512, 512)), ("gpu", (512, 1024)))
"""The larger students (`training.tiers`), each at the size that it is meant for."""

TEACHER_SIZE = (256, 512)
"""Of the global one, as in the paper; the local one's is twice as large."""

TEACHERS = ("teacher, global", "teacher, local")

LABELS = 24
FRAMES = 90  # of the clip that trackers see, again and again
CLIP = Path(__file__).parents[1] / "live" / "assets" / "demo" / "performer.mp4"

Feeds = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """One net at one size, and what it is fed."""

    name: str
    size: tuple[int, int]  # (height, width) of its input, pixels
    model: bytes = b""  # ONNX; empty where there is none: a tracker, a net that is not written yet
    labels: tuple[Image, ...] = ()  # a generator's
    feeds: Feeds | None = None  # any other net's
    frames: tuple[Frame, ...] = ()  # a tracker's
    weights: PoseWeights | None = None  # a tracker's
    module: torch.nn.Module | None = None  # the same net in torch, where it takes `feeds` in order
    missing: str = ""  # why there is nothing to run

    def macs(self) -> int | None:
        """Multiply-accumulates of a run; None where the net is not known from the inside."""
        return macs_of(self.model) if self.model else None


def generators(sizes: Sequence[tuple[int, int]], bundle: Path | None = None) -> list[Net]:
    """Students with random weights, and that of `bundle` at its own size, with its parts' nets."""
    nets = [_student(size) for size in sizes]
    if bundle is not None:
        subject = load_subject(bundle)
        labels = tuple(dance_labels(subject, LABELS))
        size = subject.manifest.generator_size
        own = Net(f"student of {subject.manifest.name}", size, subject.generator, labels)
        nets = [own, *_parts(subject), *nets]
    return nets


def _parts(subject: Subject) -> list[Net]:
    """The nets of parts that the bundle has, each on a square that the generator makes."""
    nets = []
    for part in PARTS:
        if part.name not in subject.parts:
            continue
        model = subject.parts[part.name]
        label, rgba = part_squares(part, subject)[0]
        name, side = f"student's {part.name} of {subject.manifest.name}", len(label)
        feeds: Feeds = {"label": label[None], "rgba": rgba[None]}
        module = PartGraph(part, part_from_onnx(part, model)).eval()
        nets.append(Net(name, (side, side), model, feeds=feeds, module=module))
    return nets


def tier_name(tier: str) -> str:
    """What its net is called."""
    return f"student, tier {tier}"


def tiers(sizes: Sequence[tuple[str, tuple[int, int]]] = TIER_SIZES) -> list[Net]:
    """Students of larger tiers with random weights; sizes: (tier, (height, width)) of each."""
    return [_student(size, shape_of(tier), tier_name(tier)) for tier, size in sizes]


def teachers(
    shape: TeacherShape | None = None,
    size: tuple[int, int] = TEACHER_SIZE,
    names: Sequence[str] = TEACHERS,
) -> list[Net]:
    """pix2pixHD's nets (Wang et al. 2018), with random weights.

    size: (height, width) of the global one's pictures; the local one's are twice as large.
    names: those of `TEACHERS` to make; each takes half a minute and 1.5 GB at its full size.
    """
    torch.manual_seed(0)
    twice = 2 * size[0], 2 * size[1]
    whole, local = TEACHERS
    nets: list[Net] = []
    if whole in names:
        nets.append(_teacher(whole, GlobalGenerator(shape), size))
    if local in names:
        nets.append(_teacher(local, LocalEnhancer(GlobalGenerator(shape)), twice))
    return nets


def _teacher(name: str, net: Teacher, size: tuple[int, int]) -> Net:
    label = np.random.default_rng(0).uniform(-1, 1, (1, 3, *size)).astype(np.float32)
    feeds = {"label": label, "before": np.zeros_like(label)}
    return Net(name, size, teacher_onnx(net, size), feeds=feeds, module=net.eval())


def pose_networks() -> list[Net]:
    """BlazePose's two networks, and whole trackers on a real clip."""
    weights = fetch_pose_weights(progress=False)
    nets = pose_nets(weights)
    rng = np.random.default_rng(0)

    def image(side: int, low: float) -> Feeds:
        return {"image": rng.uniform(low, 1, (1, 3, side, side)).astype(np.float32)}

    return [
        Net("pose detector", (224, 224), nets.detector, feeds=image(224, -1)),
        Net("pose landmarks", (256, 256), nets.landmarks, feeds=image(256, 0)),
        tracker(weights),
    ]


def tracker(weights: PoseWeights) -> Net:
    """Finding and following a person, frame in, pose out."""
    frames = tuple(itertools.islice(read_through(CLIP), FRAMES))
    return Net("pose tracker", frames[0].size, frames=frames, weights=weights)


def _student(
    size: tuple[int, int], shape: StudentShape | None = None, name: str = "student"
) -> Net:
    torch.manual_seed(0)
    model = generator_onnx(Student(shape), size, "float32")
    return Net(name, size, model, labels=tuple(_labels(size)))


def _labels(size: tuple[int, int]) -> list[Image]:
    drawer = Drawer(size, LabelStyle())
    poses = [dancer(number / 10, size) for number in range(LABELS)]
    return [drawer.draw(pose.points, pose.scores) for pose in poses]


def in_turn(frames: Sequence[Frame], estimate: Callable[[Frame], object]) -> Callable[[], object]:
    """A runner that gives one frame after the other, and time never runs back."""
    number = 0

    def run() -> object:
        nonlocal number
        frame = frames[number % len(frames)]
        # The clock goes on by one frame's time a run, past the clip's end, too.
        now_s = number * (frames[1].captured_s - frames[0].captured_s)
        number += 1
        return estimate(Frame(frame.image, now_s, number))

    return run
