from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from export.int8 import calibration_feeds, quantized
from live.engines.choose import FEEDBACK
from live.engines.cpu import OnCpu, figure_psnr_db, open_on_cpu
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.subject import Subject, load_subject
from tests.export.student_subject import SIZE, lively_student, write_student_subject
from tests.live.engines.nets import fading_generator

FRAME = {"label": np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), np.uint8)}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("cpu") / "bundle"
    return load_subject(write_student_subject(folder, lively_student()))


@pytest.fixture(scope="module")
def small(subject: Subject) -> bytes:
    """The same net with real 8-bit convolutions."""
    engine = OnnxRuntimeEngine(subject.generator, "generator")
    return quantized(subject.generator, [*calibration_feeds(subject, engine), _calibration()])


def _calibration() -> dict[str, np.ndarray]:
    return {**FRAME, "state": np.zeros((1, 4, *SIZE), np.float32)}


def taking(first_s: float, second_s: float) -> Callable[[], float]:
    """A clock by which the 8-bit net takes `first_s` a run and the other `second_s`."""
    times = iter(
        begun + taken
        for begun in count(0.0, 10.0)
        for taken in (0.0, first_s, first_s, first_s + second_s)
    )
    return lambda: next(times)


def opened(model: bytes, rival: bytes | None, clock: Callable[[], float]) -> OnCpu:
    engine = OnnxRuntimeEngine(model, "net", 1, FEEDBACK)
    return open_on_cpu(engine, rival, "net", 1, FEEDBACK, FRAME, clock)


def test_the_faster_net_is_taken_when_it_is_as_good(subject: Subject, small: bytes) -> None:
    chosen = opened(subject.generator, small, taking(0.01, 0.02))
    assert chosen.name == "cpu, 1 thread, 8 bits: 0.50 of the time of float32"
    alone = OnnxRuntimeEngine(small, "small", 1, FEEDBACK)
    for _ in range(3):  # the race has left no trace in the state
        assert np.array_equal(chosen.engine.run(FRAME)["rgba"], alone.run(FRAME)["rgba"])
    chosen.engine.close()


def test_a_gain_that_may_be_noise_is_none(subject: Subject, small: bytes) -> None:
    chosen = opened(subject.generator, small, taking(0.0195, 0.02))
    assert chosen.name.startswith("cpu, 1 thread, float32: 8 bits take 0.9")
    alone = OnnxRuntimeEngine(subject.generator, "whole", 1, FEEDBACK)
    assert np.array_equal(chosen.engine.run(FRAME)["rgba"], alone.run(FRAME)["rgba"])
    chosen.engine.close()


def test_another_picture_is_not_taken_however_fast(subject: Subject) -> None:
    chosen = opened(subject.generator, fading_generator(*SIZE), taking(0.001, 0.02))
    assert "float32: 8 bits are off by" in chosen.name
    chosen.engine.close()


def test_without_an_8_bit_net_there_is_no_race(subject: Subject) -> None:
    chosen = opened(subject.generator, None, taking(1, 1))
    assert chosen.name == "cpu, 1 thread, float32"
    chosen.engine.close()


def test_a_bundle_with_a_broken_8_bit_net_is_refused(subject: Subject) -> None:
    with pytest.raises(SubjectError, match="8-bit net cannot be loaded"):
        opened(subject.generator, b"no net", taking(1, 1))


def test_psnr_counts_where_the_figure_is() -> None:
    dark, light = np.zeros((4, 4), np.uint8), np.full((4, 4), 100, np.uint8)
    assert figure_psnr_db(dark, dark) == float("inf")
    half = dark.copy()
    half[0] = 100
    off = half.copy()
    off[0] += 10
    assert figure_psnr_db(off, half) == pytest.approx(20 * np.log10(255 / 10))
    assert figure_psnr_db(dark, light) == pytest.approx(20 * np.log10(255 / 100))
