from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from live.engines.base import RecurrentEngine
from live.engines.choose import ENGINES, FEEDBACK, ORDER, gpu_openers, open_engine
from live.engines.failover import FailoverEngine
from live.engines.fake_cuda import FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError, SubjectError
from tests.live.engines.machines import missing, on
from tests.live.engines.nets import SIZE, fading_generator, label

MODEL = fading_generator()
FRAME = {"label": label(7)}


class Wrong(OnnxRuntimeEngine):
    """An engine whose results somebody spoils."""

    spoil: Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]
    closed = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self.spoil(super().run(feeds))

    def close(self) -> None:
        self.closed = True
        super().close()


def test_the_table_has_every_name() -> None:
    assert ENGINES == ("auto", "cpu", "cuda", "tensorrt", "tensorrt-rtx")
    assert set(gpu_openers()) == set(ORDER) == set(gpu_openers({}))


def test_the_cpu_where_it_is_asked_for() -> None:
    chosen = open_engine(MODEL, "net", "cpu", 2, FRAME, {})
    assert chosen.engine.name == "onnxruntime-cpu"
    assert chosen.why == "engine cpu, 2 threads, float32"
    chosen.engine.close()


def test_auto_takes_the_best_that_works_and_says_why_not_the_others() -> None:
    openers = {"tensorrt": missing, "tensorrt-rtx": on(FakeCuda()), "cuda": on(FakeCuda())}
    chosen = open_engine(MODEL, "net", "auto", 1, FRAME, openers)
    assert chosen.why == (
        "engine tensorrt, the best that works here (tensorrt: it is not here; pip install it)"
    )
    reference = OnnxRuntimeEngine(MODEL, "net", feedback=FEEDBACK)
    for n in range(3):  # the rehearsal has left no trace in the state
        one = {"label": label(n)}
        assert np.array_equal(chosen.engine.run(one)["rgba"], reference.run(one)["rgba"])
    chosen.engine.close()


def test_auto_on_this_machine_says_what_it_took_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The real openers: what is missing here is really missing, and logged for who asks."""
    caplog.set_level("DEBUG")
    chosen = open_engine(MODEL, "net", "auto", 1, FRAME)
    assert "\n" not in chosen.why
    for name in ORDER:
        if isinstance(chosen.engine, FailoverEngine):
            pytest.skip(f"this machine has a GPU: {chosen.why}")
        assert any(record.message.startswith(f"{name}: ") for record in caplog.records)
    assert chosen.why.startswith(
        "engine cpu, 1 thread, float32; no GPU engine works here (--doctor says why)"
    )
    chosen.engine.close()


def test_a_named_engine_that_cannot_run_is_an_error() -> None:
    with pytest.raises(SetupError, match="--engine cuda cannot run here: it is not here; pip inst"):
        open_engine(MODEL, "net", "cuda", 1, FRAME, {"cuda": missing})
    with pytest.raises(SetupError, match="--engine is 'quick'; known: auto, cpu"):
        open_engine(MODEL, "net", "quick", 1, FRAME)


def test_a_bad_model_is_no_reason_to_look_for_another_engine() -> None:
    with pytest.raises(SubjectError, match="net cannot be loaded"):
        open_engine(b"no model", "net", "auto", 1, FRAME)
    with pytest.raises(SubjectError, match=r"label is uint8 .* export the subject again"):
        open_engine(fading_generator(32, 16), "net", "auto", 1, FRAME)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda found: {"rgba": 255 - found["rgba"]}, "computes another result than the CPU"),
        (lambda found: {"rgba": found["rgba"] * 0}, "computes another result than the CPU"),
        (lambda found: {"rgba": found["nothing"]}, None),
    ],
)
def test_an_engine_that_opens_but_does_not_work_is_passed_over(
    spoil: Callable[..., Any], says: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    opened: list[Wrong] = []

    def opener(model: bytes, what: str) -> RecurrentEngine:
        opened.append(Wrong(model, what, feedback=FEEDBACK))
        opened[-1].spoil = spoil
        return opened[-1]

    if says is None:  # a fault of our own is not taken for a machine that lacks something
        with pytest.raises(KeyError):
            open_engine(MODEL, "net", "cuda", 1, FRAME, {"cuda": opener})
    else:
        with pytest.raises(SetupError, match=says):
            open_engine(MODEL, "net", "cuda", 1, FRAME, {"cuda": opener})
        others = {"tensorrt": missing, "tensorrt-rtx": missing, "cuda": opener}
        chosen = open_engine(MODEL, "net", "auto", 1, FRAME, others)
        assert chosen.engine.name == "onnxruntime-cpu"
        assert any(says in record.message for record in caplog.records)
        chosen.engine.close()
    assert all(engine.closed for engine in opened)


def test_a_state_that_is_not_finite_is_not_a_working_engine() -> None:
    with pytest.raises(SetupError, match="onnxruntime-cpu gives numbers that are not finite"):
        open_engine(fading_generator(op="Div"), "net", "cpu", 1, FRAME)


def test_a_dark_picture_is_the_same_dark_picture() -> None:
    """Where neither side shows anything there is nothing to compare."""
    dark = {"label": np.zeros((1, *SIZE, 3), np.uint8)}
    chosen = open_engine(MODEL, "net", "tensorrt", 1, dark, {"tensorrt": on(FakeCuda())})
    assert chosen.why == "engine tensorrt, as asked"
    chosen.engine.close()


@pytest.mark.parametrize("noticed_by", ["run", "reset", "sound"])
def test_when_the_gpu_vanishes_the_cpu_takes_over_with_a_fresh_state(
    noticed_by: str, caplog: pytest.LogCaptureFixture
) -> None:
    cuda = FakeCuda()
    engine = open_engine(MODEL, "net", "tensorrt", 1, FRAME, {"tensorrt": on(cuda)}).engine
    assert isinstance(engine, FailoverEngine) and engine.name == "tensorrt"
    for n in range(3):
        engine.run({"label": label(n)})
    assert [engine.failed_over, *caplog.records] == [False]
    cuda.gone = True
    if noticed_by == "reset":
        engine.reset()
    elif noticed_by == "sound":
        assert engine.sound()
    reference = OnnxRuntimeEngine(MODEL, "net", feedback=FEEDBACK)
    for n in range(5, 9):
        one = {"label": label(n)}
        assert np.array_equal(engine.run(one)["rgba"], reference.run(one)["rgba"])
    assert engine.failed_over and engine.name == "onnxruntime-cpu" and engine.check_every == 1
    said = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(said) == 1, "aloud, and once"
    assert "tensorrt failed in the show" in said[0].getMessage()
    assert "net goes on with onnxruntime-cpu" in said[0].getMessage()
    engine.reset()
    assert engine.sound()
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="net was closed"):
        engine.run(FRAME)
