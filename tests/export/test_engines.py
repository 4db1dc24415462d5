"""Engines built ahead. TensorRT-RTX compiles without a GPU: where its wheel is, it really does."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from export.engine_options import EngineOptions, parse
from export.engine_precision import to_float16
from export.engines import build_engines, check_io, main
from export.generator_graph import generator_onnx
from live.engines.base import Tensor
from live.engines.choose import FEEDBACK
from live.engines.engine_cache import EngineCache
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.tensorrt_build import Plan, build_plan, capabilities
from live.engines.tensorrt_library import TENSORRT_RTX, Library, load_library
from live.engines.tensorrt_open import engine_key
from live.errors import EXIT_BAD_INPUT, SetupError, SubjectError
from live.parts import PARTS
from live.pose.blazepose_open import shipped_nets
from live.pose.weights import PoseWeights, fetch_pose_weights
from live.skeleton import draw
from live.subject import load_subject, write_subject
from tests.live.engines.nets import fading_generator
from tests.live.engines.plan_description import described
from tests.tiny_subject import standing, tiny_files, tiny_manifest
from tests.training.conftest import TINY
from training.nets import Student

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "live" / "assets" / "demo" / "subject"
SIZE = (64, 96)
STAGE = (128, 192)


@pytest.fixture(scope="module")
def library() -> Library:
    if not any(importlib.util.find_spec(name) for name in TENSORRT_RTX.modules):
        pytest.skip(f"no TensorRT-RTX here: {TENSORRT_RTX.pip}")
    return load_library(TENSORRT_RTX)


@pytest.fixture(scope="module")
def model() -> bytes:
    """Our own generator, small, with random weights and a lively output."""
    torch.manual_seed(3)
    net = Student(TINY)
    with torch.no_grad():
        net.head.weight.mul_(10)
    return generator_onnx(net.eval(), SIZE)


@pytest.fixture(scope="module")
def bundle(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "bundle"
    files = {**tiny_files(SIZE, STAGE), "generator.onnx": model}
    write_subject(folder, tiny_manifest(SIZE, STAGE), files)
    return folder


@pytest.fixture(scope="module")
def pose_weights() -> PoseWeights:
    """Fetched before the cache is put elsewhere."""
    return fetch_pose_weights(progress=False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return EngineCache()


def contract(size: tuple[int, int] = SIZE) -> tuple[set[Tensor], set[Tensor]]:
    height, width = size
    return (
        {
            Tensor("label", (1, height, width, 3), "uint8"),
            Tensor("state", (1, 4, height, width), "float32"),
        },
        {
            Tensor("rgba", (1, height, width, 4), "uint8"),
            Tensor("next_state", (1, 4, height, width), "float32"),
        },
    )


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_our_generator_is_built_without_a_gpu_and_kept_where_the_show_looks(
    library: Library, bundle: Path, cache: EngineCache, precision: str
) -> None:
    options = EngineOptions(bundle, precision, targets=("sm_89", "sm_86", "sm_89"))
    built = build_engines(options, quiet=True)
    assert [one.key.gpu for one in built] == ["sm_89", "sm_86"]
    for one in built:
        assert (set(one.inputs), set(one.outputs)) == contract()
        assert one.place is not None and one.place.parent == cache.folder and one.seconds > 0
        content = cache.load(
            engine_key(library, load_subject(bundle).generator, one.key.gpu, precision)
        )
        assert content is not None and len(content) == one.content_bytes > 10_000
        inputs, outputs = contract()
        assert described(content) == inputs | outputs, "as the engine's own description has it"


def test_a_float16_engine_is_smaller(library: Library, bundle: Path, cache: EngineCache) -> None:
    sizes = []
    for precision in ("fp32", "fp16"):
        options = EngineOptions(bundle, precision, targets=("sm_89",))
        sizes.append(build_engines(options, quiet=True)[0].content_bytes)
    assert sizes[1] < sizes[0]


def test_the_command_says_what_it_built(
    library: Library, bundle: Path, cache: EngineCache, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle), "--for", "sm_89"]) == 0
    said = capsys.readouterr()
    assert f"{library.version} fp32 for sm_89: " in said.out
    assert "not run: no GPU" in said.out and "tensorrt-rtx fp32 sm_89:" in said.err
    assert main([str(bundle), "--for", "sm_1"]) == EXIT_BAD_INPUT
    assert "--for sm_1: tensorrt-rtx" in capsys.readouterr().err


def test_a_description_tells_nets_apart(library: Library) -> None:
    """It is read from what was compiled, not remembered from what went in."""
    sizes = ((16, 24), (32, 8))
    one, other = (build_plan(library, fading_generator(*size), "net", "sm_89") for size in sizes)
    for plan, size in ((one, sizes[0]), (other, sizes[1])):
        inputs, outputs = contract(size)
        assert described(plan.content) == inputs | outputs
    with pytest.raises(ValueError, match="no tensor is described"):
        described(b"from elsewhere" * 100)


def test_an_operator_that_the_library_lacks_is_named_with_its_layer(library: Library) -> None:
    with pytest.raises(SetupError, match="does not take the operator Teleport in layer the_sum"):
        build_plan(library, fading_generator(op="Teleport"), "net", "sm_89")


@pytest.mark.parametrize("content", [b"\x08\x0a", fading_generator()[:400]])
def test_the_real_parser_refuses_what_is_no_model(library: Library, content: bytes) -> None:
    with pytest.raises(SubjectError, match="net cannot be loaded"):
        build_plan(library, content, "net", "sm_89")


def test_the_real_library_refuses_an_engine_from_elsewhere(library: Library) -> None:
    runtime = library.api.Runtime(library.logger)
    assert runtime.deserialize_cuda_engine(b"from elsewhere" * 100) is None
    assert library.messages.reason() != "it gave no reason"


def test_two_processes_that_build_at_once_do_not_harm_each_other(
    library: Library, bundle: Path, cache: EngineCache
) -> None:
    command = [sys.executable, "-W", "error", "-m", "export.engines", str(bundle), "--for", "sm_86"]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for one in both:
        said, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors
        assert "fp32 for sm_86" in said
    key = engine_key(library, load_subject(bundle).generator, "sm_86", "fp32")
    assert cache.load(key) is not None
    assert [path.name for path in cache.folder.iterdir()] == [key.file_name()]


FULL = """
import resource, sys
from export.engines import main
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_is_one_sentence(library: Library, bundle: Path, cache: EngineCache) -> None:
    command = [sys.executable, "-W", "error", "-c", FULL, str(bundle), "--for", "sm_89"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_BAD_INPUT
    assert f"cannot be kept in {cache.folder} ({os.strerror(errno.EFBIG)})" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(cache.folder.iterdir()) == []


def test_float16_keeps_the_contract_and_the_picture(model: bytes) -> None:
    """ONNX Runtime's CPU rounds to float16 between operators; a GPU rounds within them, too."""
    whole = OnnxRuntimeEngine(model, "whole", feedback=FEEDBACK)
    half = OnnxRuntimeEngine(to_float16(model, "half"), "half", feedback=FEEDBACK)
    assert set(half.inputs) == set(whole.inputs) and set(half.outputs) == set(whole.outputs)
    label = draw(*standing(*SIZE), SIZE)[None]
    for _ in range(8):  # each on its own state
        expected = whole.run({"label": label})["rgba"].astype(np.float64)
        found = half.run({"label": label})["rgba"].astype(np.float64)
        assert np.ptp(expected) > 50, "there is something to see"
        assert 10 * np.log10(255**2 / max(((found - expected) ** 2).mean(), 1e-9)) > 40
    converted = onnx.load_from_string(to_float16(model, "half"))
    kinds = {tensor.name: tensor.data_type for tensor in converted.graph.initializer}
    for node in converted.graph.node:  # scales stay float32: ONNX takes no others
        kinds.pop(node.input[2] if node.op_type == "Resize" else "", None)
    assert TensorProto.FLOAT16 in kinds.values() and TensorProto.FLOAT not in kinds.values()


def test_numbers_too_large_for_float16_are_named() -> None:
    changed = onnx.load_from_string(fading_generator())
    changed.graph.initializer.append(numpy_helper.from_array(np.array([1e5], np.float32), "big"))
    with pytest.raises(SubjectError, match="net: big holds 100000, too large for float16"):
        to_float16(changed.SerializeToString(), "net")


def test_what_cannot_be_made_float16_is_refused() -> None:
    with pytest.raises(SubjectError, match="net cannot be loaded"):
        to_float16(b"no model", "net")
    inner = helper.make_graph([], "inner", [], [])
    branch = helper.make_node("If", ["c"], [], "a_branch", then_branch=inner, else_branch=inner)
    graph = helper.make_graph(
        [branch], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, [1])], []
    )
    sets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=10).SerializeToString()
    with pytest.raises(SubjectError, match=r"branch or loop, a_branch|cannot be loaded"):
        to_float16(model, "net")


def test_an_engine_with_other_inputs_is_refused(model: bytes) -> None:
    engine = OnnxRuntimeEngine(model, "net")
    plan = Plan(b"", b"", engine.inputs, engine.outputs)
    check_io(plan, model, "net")
    with pytest.raises(SetupError, match="the built engine has the inputs state float32"):
        check_io(replace(plan, inputs=engine.inputs[1:]), model, "net")
    other = replace(engine.outputs[0], shape=(1, 64, 64, 4))
    with pytest.raises(
        SetupError, match=r"the built engine has the outputs rgba uint8 \(1, 64, 64"
    ):
        check_io(replace(plan, outputs=(other, engine.outputs[1])), model, "net")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--precision", "fp4"], "--precision is 'fp4'; known are fp32, fp16, int8, fp8"),
        (["--engine", "cuda"], "--engine is 'cuda'; known are tensorrt, tensorrt-rtx"),
        (["--engine", "tensorrt", "--for", "sm_89"], "builds only on the GPU that it runs on"),
        (["--data", "somewhere"], "name --precision int8 or fp8, too"),
        (["--frames", "1"], "--frames is 1"),
        (["--seconds", "-1"], "--seconds is -1"),
    ],
)
def test_options_that_cannot_work(arguments: list[str], says: str) -> None:
    with pytest.raises(SetupError, match=says):
        parse(["bundle", *arguments], "")


def test_nothing_to_build_is_said() -> None:
    with pytest.raises(SetupError, match="name a BUNDLE, or --pose"):
        parse([], "")


def test_a_missing_library_and_a_missing_bundle(
    bundle: Path,
    cache: EngineCache,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in TENSORRT_RTX.modules:
        monkeypatch.setitem(sys.modules, name, None)
    assert main([str(bundle), "--for", "sm_89"]) == EXIT_BAD_INPUT
    assert TENSORRT_RTX.pip in capsys.readouterr().err
    assert main([str(bundle / "nothing")]) == EXIT_BAD_INPUT
    assert "does not exist" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    assert main([str(bundle)]) == EXIT_BAD_INPUT
    assert "name the kind to build for, as in --for sm_89" in capsys.readouterr().err


def test_the_pose_networks_are_built_for_every_gpu_and_kept_where_the_tracker_looks(
    library: Library,
    pose_weights: PoseWeights,
    cache: EngineCache,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nets, folder = shipped_nets(pose_weights), pose_weights.detector.parent
    able = capabilities(library)
    for precision in ("fp32", "fp16"):
        built = build_engines(
            EngineOptions(precision=precision, targets=("all",), pose=True, weights=folder),
            cache,
            quiet=True,
        )
        assert [one.key.gpu for one in built] == able * 2
        for one in built:
            content = cache.load(one.key)
            assert content is not None and described(content) == {*one.inputs, *one.outputs}
            assert [str(tensor) for tensor in one.inputs] in (
                ["image float32 (1, 3, 224, 224)"], ["image float32 (1, 3, 256, 256)"],
            )  # fmt: skip
            cache.drop(one.key)  # some are 50 MB
    assert main(["--pose", "--for", "sm_89", "--precision", "fp16", "--weights", str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in said] == [
        "BlazePose's detector", "BlazePose's landmark network",
    ]  # fmt: skip
    for model in (nets.detector, nets.landmarks):
        assert cache.load(engine_key(library, model, "sm_89", "fp16")) is not None


def test_the_shipped_generator_is_built_for_every_gpu(library: Library, cache: EngineCache) -> None:
    for precision in ("fp32", "fp16"):  # 8 bits: tests/export/test_engine_quantize.py
        built = build_engines(EngineOptions(DEMO, precision, targets=("all",)), cache, quiet=True)
        for part in PARTS:
            nets = [one for one in built if one.what.startswith(f"{part.name} net")]
            assert [one.key.gpu for one in nets] == capabilities(library)
            assert {tensor.name for tensor in nets[0].outputs} == {part.name}
            built = [one for one in built if one not in nets]
        assert [one.key.gpu for one in built] == capabilities(library)
        inputs, outputs = contract(load_subject(DEMO).manifest.generator_size)
        for one in built:
            assert (set(one.inputs), set(one.outputs)) == (inputs, outputs)
            content = cache.load(one.key)
            assert content is not None and described(content) == inputs | outputs
