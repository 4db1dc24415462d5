"""Bundles and machines that cannot be: from the files on disk to the engine, each in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from live.engines.choose import ENGINES, gpu_openers, open_engine
from live.engines.fake_cuda import FakeCuda
from live.errors import SetupError, SubjectError, UnderstudyError
from live.generator import Generator
from live.subject import load_subject, write_subject
from tests.live.engines.fake_tensorrt import FakeTensorRt
from tests.live.engines.machines import on
from tests.live.engines.nets import fading_generator, weights_elsewhere
from tests.live.engines.test_cuda_memory import Code, Runtime
from tests.tiny_subject import tiny_files, tiny_manifest

SIZE, STAGE = (64, 64), (128, 128)
FRAME = {"label": np.zeros((1, *SIZE, 3), np.uint8)}


def renamed(name: str, other: str) -> bytes:
    """A sound net, one of whose inputs or outputs has another name."""
    model = onnx.load_from_string(fading_generator(*SIZE))
    for value in (*model.graph.input, *model.graph.output):
        value.name = other if value.name == name else value.name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [other if one == name else one for one in names]
    return bytes(model.SerializeToString())


def more_inputs() -> bytes:
    model = onnx.load_from_string(fading_generator(*SIZE))
    extra = model.graph.input.add()
    extra.CopyFrom(model.graph.input[0])
    extra.name = "secret"
    return bytes(model.SerializeToString())


def bundle(folder: Path, generator: bytes) -> Path:
    """Whole and hashed, as somebody else might have made it."""
    write_subject(
        folder, tiny_manifest(SIZE, STAGE), {**tiny_files(SIZE, STAGE), "generator.onnx": generator}
    )
    return folder


def opened(folder: Path, engine: str) -> None:
    subject = load_subject(folder)
    openers = dict.fromkeys(gpu_openers(), on(FakeCuda()))
    what = f"generator of {subject.origin}"
    chosen = open_engine(subject.generator, what, engine, 1, FRAME, openers)
    try:
        Generator(subject, chosen.engine)
    finally:
        chosen.engine.close()


def test_the_bundle_of_these_tests_is_sound(tmp_path: Path) -> None:
    for engine in ENGINES:
        opened(bundle(tmp_path / engine, fading_generator(*SIZE)), engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("net", "says"),
    [
        (renamed("label", "picture"), "label"),
        (renamed("state", "memory"), "next_state cannot become state"),
        (renamed("next_state", "next"), "next_state cannot become state"),
        (renamed("rgba", "rgb"), "rgb"),
        (more_inputs(), "secret"),
        (fading_generator(32, 64), "it takes label uint8"),
        (weights_elsewhere("initializer"), "'weight' lies in another file"),
        (fading_generator(*SIZE, op="Teleport"), "Teleport"),
    ],
    ids=["label", "state", "next_state", "rgba", "more", "size", "outside", "operator"],
)
def test_a_net_that_is_no_generator_is_refused_whatever_the_engine(
    tmp_path: Path, engine: str, net: bytes, says: str
) -> None:
    folder = bundle(tmp_path / "bundle", net)
    with pytest.raises(SubjectError) as found:
        opened(folder, engine)
    assert says in str(found.value) and str(folder) in str(found.value)
    assert "export" in str(found.value) or "cannot be loaded" in str(found.value)
    assert "\n" not in str(found.value)


@pytest.fixture
def too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries are installed, and the driver is last year's."""
    for name in ("cuda", "cuda.bindings"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    runtime = Runtime(12040, (Code.cudaErrorInsufficientDriver, None))
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", runtime)
    for name in ("tensorrt", "tensorrt_rtx_bindings"):
        monkeypatch.setitem(sys.modules, name, FakeTensorRt(FakeCuda()))


@pytest.mark.usefixtures("too_old")
@pytest.mark.parametrize("engine", ["tensorrt", "tensorrt-rtx"])
def test_a_driver_that_is_too_old_is_an_error_where_its_engine_was_named(engine: str) -> None:
    with pytest.raises(
        SetupError, match=rf"--engine {engine} cannot run here: .*too old: it knows"
    ):
        open_engine(fading_generator(*SIZE), "net", engine, 1, FRAME)


@pytest.mark.usefixtures("too_old")
def test_with_a_driver_that_is_too_old_auto_runs_on_the_cpu_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    chosen = open_engine(fading_generator(*SIZE), "net", "auto", 1, FRAME)
    chosen.engine.close()
    assert chosen.why.startswith("engine cpu, ") and "no GPU engine works here" in chosen.why
    assert "driver is too old: it knows CUDA 12.4, needed is 13.4; install a newer" in caplog.text


def test_a_full_gpu_is_an_error_where_it_was_named_and_passed_over_by_auto(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    full = FakeCuda(memory_bytes=1000)
    openers = dict.fromkeys(gpu_openers(), on(full))
    with pytest.raises(UnderstudyError, match=r"out of memory; .* close other programs"):
        open_engine(fading_generator(*SIZE), "net", "tensorrt", 1, FRAME, openers)
    chosen = open_engine(fading_generator(*SIZE), "net", "auto", 1, FRAME, openers)
    chosen.engine.close()
    assert chosen.why.startswith("engine cpu, ") and "out of memory" in caplog.text
    assert full.held() == 0
