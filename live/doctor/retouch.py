"""The subject's net for a part, really run on what its generator makes: what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from live.character import neutral_label
from live.doctor.check import Plan
from live.doctor.engines import FRAME_MS, median_ms
from live.doctor.finding import Finding, careful, right
from live.engines.base import Feeds
from live.engines.choose import FEEDBACK, RETOUCH, Opener, open_engine
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.generator import Generator
from live.parts import Part
from live.retouch import Retouch, retouch_side, trial_feeds
from live.subject import Subject, load_subject

LIMIT_S = 8.0  # an engine may have to be built first
SLOW_MS = FRAME_MS / 3  # the generator takes its time before it, on the same thread


def look_at_net(
    plan: Plan, part: Part, openers: Mapping[str, Opener] | None = None
) -> Finding | None:
    """None where the subject has no net for the part, or is broken, which is said already.

    Raises SetupError and SubjectError where the show could not open it.
    """
    options = plan.options
    try:
        subject = load_subject(options.subject)
    except SubjectError:
        return None
    if part.name not in subject.parts:
        return None
    what, feeds = f"{part.name} net of {subject.origin}", _made(part, subject)
    model = subject.parts[part.name]
    chosen = open_engine(model, what, options.engine, options.threads, feeds, openers, role=RETOUCH)
    try:
        Retouch(part, subject, chosen.engine)  # asserts the contract
        ms = median_ms(chosen.engine, feeds) * part.most
    except RuntimeError as error:
        return careful(
            f"it fails while it runs ({error}); the show goes on without it",
            "leave out --engine, or give --engine cpu",
        )
    finally:
        chosen.engine.close()
    said = f"{ms:.1f} ms a picture more, for {part.what}; {chosen.why}"
    if ms > SLOW_MS:
        return careful(said, "give --threads 2 where cores are free, or take a machine with a GPU")
    return right(said)


def _made(part: Part, subject: Subject) -> Feeds:
    """The part as the generator makes it. Raises SubjectError where either net is none."""
    label = neutral_label(subject)
    engine = OnnxRuntimeEngine(subject.generator, f"generator of {subject.origin}", 1, FEEDBACK)
    try:
        layer = Generator(subject, engine).generate(label)
    finally:
        engine.close()
    return trial_feeds(part, label, layer, retouch_side(part, subject))
