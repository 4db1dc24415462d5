"""The demo subject's pictures as the stage makes them, bare, and the marks that the show gives."""

from __future__ import annotations

import datetime

from export.rehearsal import dance
from live.engines.choose import FEEDBACK
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.frames import Image, Label, Pose
from live.generator import Generator, compose, soft_edged
from live.mark_settings import MarkSettings
from live.marks import Marks
from live.options import DEMO
from live.skeleton import Drawer
from live.subject import load_subject
from live.watermark_payload import Payload
from live.window import StageWindow, into_window

SUBJECT = DEMO / "subject"
DAY = datetime.date(2026, 1, 1)


def bare_pictures(count: int) -> list[Image]:
    """RGB uint8 (H, W, 3), 30 a second, without any mark."""
    subject = load_subject(SUBJECT)
    manifest = subject.manifest
    stage, size = manifest.stage_size, manifest.generator_size
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "demo", feedback=FEEDBACK))
    window = StageWindow(manifest.body, stage, size, manifest.window)
    drawer = Drawer(size, manifest.style)
    pictures = []
    for number, (points, scores) in enumerate(zip(*dance(subject.codebook, count), strict=True)):
        region = window.follow(Pose(points, scores, number / 30, stage), number / 30)
        drawn = drawer.draw(into_window(points, region, size), scores)
        layer = generator.generate(Label(drawn, number / 30, region))
        pictures.append(compose(subject.plate, [soft_edged(layer)]))
    generator.close()
    return pictures


def marks_of(size: tuple[int, int], settings: MarkSettings | None = None) -> Marks:
    """As the show puts them onto the demo's pictures."""
    return Marks(settings or MarkSettings(), load_subject(SUBJECT).sha256, size, DAY)


def payload() -> Payload:
    """What `marks_of` writes."""
    return Payload.of(load_subject(SUBJECT).sha256, DAY)


def marked(picture: Image, marks: Marks) -> Image:
    """A marked copy."""
    copy = picture.copy()
    marks.add_to(copy)
    return copy
