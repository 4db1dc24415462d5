"""What every engine does with a state that it keeps: one test, all engines that run here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from live.engines.base import RecurrentEngine, Tensor, check_feedback, check_feeds
from live.engines.carried import CarriedState, with_feedback
from live.engines.failover import FailoverEngine
from live.engines.fake_cuda import FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import HOST, OnnxRuntimeDeviceEngine
from live.engines.tensorrt_build import build_plan
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour, library_of
from live.engines.tensorrt_native import TensorRtEngine
from live.errors import SubjectError
from tests.live.engines.fake_tensorrt import FakeTensorRt
from tests.live.engines.nets import fading_generator, label

FEEDBACK = {"next_state": "state"}
Maker = Callable[[bytes], RecurrentEngine]


def on_cpu(model: bytes) -> RecurrentEngine:
    return OnnxRuntimeEngine(model, "net", feedback=FEEDBACK)


def on_bound_memory(model: bytes) -> RecurrentEngine:
    return OnnxRuntimeDeviceEngine(model, "net", HOST, FEEDBACK)


def on_tensorrt(model: bytes, flavour: Flavour = TENSORRT) -> RecurrentEngine:
    cuda = FakeCuda()
    library = library_of(flavour, FakeTensorRt(cuda))
    return TensorRtEngine(library, build_plan(library, model, "net").content, "net", cuda, FEEDBACK)


def on_rtx(model: bytes) -> RecurrentEngine:
    return on_tensorrt(model, TENSORRT_RTX)


def on_failover(model: bytes) -> RecurrentEngine:
    return FailoverEngine(on_bound_memory(model), on_cpu(model), "net")


def by_hand(model: bytes) -> RecurrentEngine:
    engine = with_feedback(OnnxRuntimeEngine(model, "net"), FEEDBACK, "net")
    assert isinstance(engine, CarriedState)
    return engine


MAKERS = [on_cpu, on_bound_memory, on_tensorrt, on_rtx, on_failover]


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
def make(request: pytest.FixtureRequest) -> Maker:
    return request.param


def fed_by_hand(model: bytes, labels: list[np.ndarray]) -> list[np.ndarray]:
    """The pictures where the caller carries the state."""
    engine = OnnxRuntimeEngine(model, "net")
    state, pictures = np.zeros(engine.inputs[1].shape, np.float32), []
    for one in labels:
        found = engine.run({"label": one, "state": state})
        state = found["next_state"]
        pictures.append(found["rgba"])
    return pictures


def test_the_state_is_fed_back_and_forgotten(make: Maker) -> None:
    model, labels = fading_generator(), [label(n) for n in range(5)]
    expected = fed_by_hand(model, labels)
    assert not np.array_equal(expected[1], fed_by_hand(model, labels[1:2])[0]), "the state matters"
    engine = make(model)
    for _ in range(2):
        found = [engine.run({"label": one}) for one in labels]
        # No later run overwrites an earlier result: they are looked at after all have run.
        assert [set(outputs) for outputs in found] == [{"rgba"}] * 5
        for outputs, picture in zip(found, expected, strict=True):
            assert np.array_equal(outputs["rgba"], picture)
        engine.reset()
    assert engine.feedback == FEEDBACK and engine.check_every >= 1 and engine.name
    assert {t.name for t in engine.inputs} == {"label", "state"}
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="net was closed"):
        engine.run({"label": labels[0]})


def test_a_state_carried_by_hand_is_the_same_state() -> None:
    model, labels = fading_generator(), [label(n) for n in range(5)]
    engine = by_hand(model)
    for _ in range(2):
        found = [engine.run({"label": one}) for one in labels]
        for outputs, picture in zip(found, fed_by_hand(model, labels), strict=True):
            assert set(outputs) == {"rgba"} and np.array_equal(outputs["rgba"], picture)
        engine.reset()
    engine.close()
    poisoned = by_hand(fading_generator(op="Div"))
    poisoned.run({"label": label(1)})
    assert not poisoned.sound()
    poisoned.reset()
    assert poisoned.sound()
    poisoned.close()


def test_an_engine_that_keeps_its_state_is_left_as_it_is() -> None:
    engine = on_bound_memory(fading_generator())
    assert with_feedback(engine, FEEDBACK, "net") is engine
    engine.close()
    with pytest.raises(SubjectError, match="net: nothing cannot become state"):
        with_feedback(OnnxRuntimeEngine(fading_generator(), "net"), {"nothing": "state"}, "net")


def test_a_label_that_is_no_contiguous_block_is_the_same_label(make: Maker) -> None:
    model, one = fading_generator(), label(1)
    mirrored = one[:, :, ::-1]
    engine = make(model)
    expected = fed_by_hand(model, [np.ascontiguousarray(mirrored)])[0]
    assert np.array_equal(engine.run({"label": mirrored})["rgba"], expected)
    engine.close()


def test_numbers_that_are_not_finite_are_noticed(make: Maker) -> None:
    """0.5 * state + label overflows nowhere; so a net that divides by the label is used."""
    engine = make(fading_generator(op="Div"))
    assert engine.sound()
    engine.run({"label": label(1)})  # something / 0, the state being zeros
    assert not engine.sound()
    engine.reset()
    assert engine.sound()
    engine.close()


@pytest.mark.parametrize(
    ("feeds", "says"),
    [
        ({}, "was given no label"),
        ({"label": label(1), "state": np.zeros((1, 4, 16, 24), np.float32)}, "takes no state"),
        ({"label": label(1, (24, 16))}, r"label is uint8 \(1, 24, 16, 3\), it takes label uint8"),
        ({"label": label(1).astype(np.int8)}, "label is int8"),
    ],
)
def test_wrong_feeds_are_refused(make: Maker, feeds: dict[str, np.ndarray], says: str) -> None:
    engine = make(fading_generator())
    with pytest.raises(ValueError, match=says):
        engine.run(feeds)
    engine.close()


@pytest.mark.parametrize(
    ("feedback", "says"),
    [
        ({"next": "state"}, "next cannot become state"),
        ({"next_state": "stat"}, "next_state cannot become stat"),
        ({"rgba": "label"}, r"rgba uint8 .* cannot become label uint8"),
    ],
)
def test_a_feedback_that_the_net_has_not_is_refused(feedback: dict[str, str], says: str) -> None:
    with pytest.raises(SubjectError, match=says):
        OnnxRuntimeEngine(fading_generator(), "net", feedback=feedback)
    with pytest.raises(SubjectError, match=says):
        OnnxRuntimeDeviceEngine(fading_generator(), "net", HOST, feedback)


def test_two_outputs_cannot_become_one_input() -> None:
    a, b, into = (Tensor(name, (1,), "float32") for name in ("a", "b", "into"))
    with pytest.raises(SubjectError, match="two outputs become one input"):
        check_feedback([into], [a, b], {"a": "into", "b": "into"}, "net")
    check_feeds({"into": np.zeros(1, np.float32)}, [into], "net")
