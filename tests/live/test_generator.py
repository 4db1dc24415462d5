from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from live.engines.base import Tensor
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.frames import Label, Layer, Region
from live.generator import FADE_PX, Generator, compose, soft_edged
from live.skeleton import draw
from live.subject import Subject, load_subject
from tests.tiny_subject import label_generator, standing, write_tiny_subject


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny"))


def test_a_label_becomes_a_layer_where_it_is_on_the_stage(subject: Subject) -> None:
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "tiny"))
    label = draw(*standing(64, 64), (64, 64))
    region = Region(12, 20, 96, 96)
    layer = generator.generate(Label(label, 0.0, region))
    assert layer.region == region
    assert layer.rgba.shape == (64, 64, 4)
    drawn = label.max(axis=2) > 0
    assert drawn.any() and not drawn.all()
    assert np.array_equal(layer.rgba[..., 3], np.where(drawn, 255, 0))
    assert np.array_equal(layer.rgba[..., :3], label)
    picture = compose(subject.plate, [layer])
    assert picture.shape == (128, 128, 3)
    changed = (picture != subject.plate).any(axis=2)
    assert changed[20:116, 12:108].any()
    changed[20:116, 12:108] = False
    assert not changed.any(), "the plate stands still"
    generator.close()
    generator.close()


def test_what_the_window_cuts_off_ends_softly() -> None:
    rgba = np.full((40, 60, 4), 200, np.uint8)
    assert soft_edged(Layer(rgba, Region(0, 0, 60, 40))).rgba is rgba
    assert (rgba[FADE_PX:-FADE_PX, FADE_PX:-FADE_PX] == 200).all()
    for line in (rgba[:, 30], rgba[::-1, 30], rgba[20], rgba[20, ::-1]):
        steps = np.diff(line[: FADE_PX + 1, 3].astype(int))
        assert line[0, 3] <= 200 / FADE_PX
        assert ((steps > 0) & (steps <= 200 / FADE_PX + 1)).all()


def test_a_generator_of_another_size_is_refused(subject: Subject) -> None:
    wrong = OnnxRuntimeEngine(label_generator(32, 64), "wrong")
    with pytest.raises(SubjectError, match=r"label is .*1, 32, 64, 3.* must be .*1, 64, 64, 3"):
        Generator(subject, wrong)


@pytest.mark.parametrize("model", [b"", b"no model at all", label_generator(64, 64)[:-200]])
def test_a_model_that_is_none_is_refused(model: bytes) -> None:
    with pytest.raises(SubjectError, match="generator of x cannot be loaded"):
        OnnxRuntimeEngine(model, "generator of x")


class PoisonedEngine:
    """Gives one state that is not finite, then sound ones: what a driver fault looks like."""

    def __init__(self, engine: OnnxRuntimeEngine) -> None:
        self.inputs: tuple[Tensor, ...] = engine.inputs
        self.outputs: tuple[Tensor, ...] = engine.outputs
        self.states: list[NDArray[Any]] = []
        self._engine = engine

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.states.append(feeds["state"])
        outputs = self._engine.run(feeds)
        if len(self.states) == 1:
            outputs["next_state"] = np.full_like(outputs["next_state"], np.nan)
        return outputs

    def close(self) -> None:
        self._engine.close()


def test_a_poisoned_state_is_thrown_away(subject: Subject) -> None:
    engine = PoisonedEngine(OnnxRuntimeEngine(subject.generator, "tiny"))
    generator = Generator(subject, engine)
    label = Label(draw(*standing(64, 64), (64, 64)), 0.0, Region(0, 0, 128, 128))
    with pytest.raises(RuntimeError, match="not finite"):
        generator.generate(label)
    for _ in range(2):
        generator.generate(label)
    assert not engine.states[1].any(), "after the fault it starts from nothing"
    assert engine.states[2].any(), "then the state is fed back again"


def premultiplied(colour: int, alpha: int) -> int:
    return (colour * alpha + 127) // 255


@given(
    st.integers(0, 255), st.integers(0, 255), st.integers(0, 255),
    st.integers(-5, 12), st.integers(-5, 12),
)  # fmt: skip
def test_composing_is_the_over_operator_and_stays_inside(
    behind: int, colour: int, alpha: int, x: int, y: int
) -> None:
    plate = np.full((8, 10, 3), behind, np.uint8)
    before = plate.copy()
    rgba = np.full((4, 4, 4), premultiplied(colour, alpha), np.uint8)
    rgba[..., 3] = alpha
    picture = compose(plate, [Layer(rgba, Region(x, y, 4, 4))])
    assert np.array_equal(plate, before)
    expected = (behind * (255 - alpha) + colour * alpha) / 255
    covered = np.zeros((8, 10), bool)
    covered[max(y, 0) : max(y + 4, 0), max(x, 0) : max(x + 4, 0)] = True
    assert np.abs(picture[covered].astype(float) - expected).max(initial=0) <= 1
    assert (picture[~covered] == behind).all()


def test_layers_stack_in_order() -> None:
    plate = np.zeros((16, 16, 3), np.uint8)
    back = np.full((16, 16, 4), 255, np.uint8)
    front = np.zeros((16, 16, 4), np.uint8)
    front[:, :8] = (255, 0, 0, 255)
    stage = Region(0, 0, 16, 16)
    picture = compose(plate, [Layer(back, stage), Layer(front, stage)])
    assert tuple(picture[0, 0]) == (255, 0, 0)
    assert tuple(picture[0, 15]) == (255, 255, 255)


def test_a_bundle_may_not_lie_about_its_size(subject: Subject) -> None:
    manifest = replace(subject.manifest, generator_size=(32, 32))
    lying = replace(subject, manifest=manifest)
    with pytest.raises(SubjectError, match="export the subject again"):
        Generator(lying, OnnxRuntimeEngine(subject.generator, "tiny"))
