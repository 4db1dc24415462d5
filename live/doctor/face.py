"""The subject's face net, really run on a head of the subject's own: what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from live.character import neutral_label
from live.doctor.check import Plan
from live.doctor.engines import FRAME_MS, median_ms
from live.doctor.finding import Finding, careful, right
from live.engines.base import Feeds
from live.engines.choose import FACE, FEEDBACK, Opener, open_engine
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.face import Face, face_side, head_feeds
from live.generator import Generator
from live.subject import Subject, load_subject

LIMIT_S = 8.0  # an engine may have to be built first
SLOW_MS = FRAME_MS / 3  # the generator takes its time before it, on the same thread


def look_at_face(plan: Plan, openers: Mapping[str, Opener] | None = None) -> Finding | None:
    """None where the subject has no face net, or is broken, which is said already.

    Raises SetupError and SubjectError where the show could not open it.
    """
    options = plan.options
    try:
        subject = load_subject(options.subject)
    except SubjectError:
        return None
    if subject.face is None:
        return None
    what, feeds = f"face net of {subject.origin}", _head(subject)
    chosen = open_engine(
        subject.face, what, options.engine, options.threads, feeds, openers, role=FACE
    )
    try:
        Face(subject, chosen.engine)  # asserts the contract
        ms = median_ms(chosen.engine, feeds)
    except RuntimeError as error:
        return careful(
            f"it fails while it runs ({error}); heads are shown without it",
            "leave out --engine, or give --engine cpu",
        )
    finally:
        chosen.engine.close()
    said = f"{ms:.1f} ms a picture more, for the head; {chosen.why}"
    if ms > SLOW_MS:
        return careful(said, "give --threads 2 where cores are free, or take a machine with a GPU")
    return right(said)


def _head(subject: Subject) -> Feeds:
    """A head as the generator makes it. Raises SubjectError where either net is none."""
    label = neutral_label(subject)
    engine = OnnxRuntimeEngine(subject.generator, f"generator of {subject.origin}", 1, FEEDBACK)
    try:
        layer = Generator(subject, engine).generate(label)
    finally:
        engine.close()
    return head_feeds(label, layer, face_side(subject))
