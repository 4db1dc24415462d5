"""8-bit engines: what they are built of, and when the show may prefer them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export import engine_options, engine_trial
from export.engine_options import EngineOptions
from export.engine_quantize import KINDS, LARGEST, to_8_bits
from export.engine_ranges import conv_ranges
from export.engine_sources import computes, pose_sources
from export.engines import build_engines, check_io, main
from export.int8 import calibration_feeds
from export.precision import as_float32
from export.race import Lap
from export.rehearsal import dance_labels
from export.to_onnx import ExportOptions, export
from live.engines.choose import FEEDBACK
from live.engines.cpu import figure_psnr_db
from live.engines.engine_cache import EngineCache
from live.engines.engine_verdict import Verdict, verdict_of
from live.engines.fake_cuda import GPU, FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.tensorrt_build import build_plan, capabilities
from live.engines.tensorrt_library import (
    TENSORRT,
    TENSORRT_RTX,
    Flavour,
    Library,
    library_of,
    load_library,
)
from live.engines.tensorrt_open import TensorRtOpener
from live.errors import EXIT_BAD_INPUT, SetupError
from live.subject import Subject, load_subject
from tests.export.student_subject import lively_student, write_student_subject
from tests.live.engines.fake_tensorrt import FakeTensorRt
from tests.live.engines.nets import fading_generator

DEMO = Path(__file__).parents[2] / "live" / "assets" / "demo" / "subject"
KIND = pytest.mark.parametrize("kind", KINDS)
FLOAT8 = helper.tensor_dtype_to_np_dtype(TensorProto.FLOAT8E4M3FN)
CODES = {"int8": TensorProto.INT8, "fp8": TensorProto.FLOAT8E4M3FN}


@pytest.fixture(scope="module")
def rtx() -> Library:
    if not any(importlib.util.find_spec(name) for name in TENSORRT_RTX.modules):
        pytest.skip(f"no TensorRT-RTX here: {TENSORRT_RTX.pip}")
    return load_library(TENSORRT_RTX)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_student_subject(tmp_path_factory.mktemp("q") / "bundle", lively_student())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return EngineCache()


def small_nets(subject: Subject) -> dict[str, bytes]:
    """The subject's generator in every kind of 8 bits, calibrated once."""
    whole = as_float32(subject.generator)
    engine = OnnxRuntimeEngine(whole, "whole")
    ranges = conv_ranges(whole, calibration_feeds(subject, engine))
    return {kind: to_8_bits(whole, ranges, kind, "net") for kind in KINDS}


@pytest.fixture(scope="module")
def demo() -> Subject:
    return load_subject(DEMO)


@pytest.fixture(scope="module")
def demo_nets(demo: Subject) -> dict[str, bytes]:
    return small_nets(demo)


@KIND
def test_the_shipped_generator_keeps_its_contract_and_its_picture(
    demo: Subject, demo_nets: dict[str, bytes], kind: str
) -> None:
    """The parity report's bound for 8 bits, 32 dB of the figure, on its own states."""
    whole = OnnxRuntimeEngine(demo.generator, "whole", feedback=FEEDBACK)
    small = OnnxRuntimeEngine(demo_nets[kind], "small", feedback=FEEDBACK)
    assert set(small.inputs) == set(whole.inputs) and set(small.outputs) == set(whole.outputs)
    for label in dance_labels(demo, 12):
        expected, found = (one.run({"label": label[None]})["rgba"] for one in (whole, small))
        assert 32 < figure_psnr_db(found, expected) < 60


@KIND
def test_the_shipped_generator_is_built_for_every_gpu_that_can(
    rtx: Library, demo_nets: dict[str, bytes], kind: str
) -> None:
    for capability in capabilities(rtx):
        if computes(kind, capability):
            plan = build_plan(rtx, demo_nets[kind], "net", capability)
            check_io(plan, demo_nets[kind], "net")
            assert len(plan.content) > 100_000
        else:  # we say so ourselves, and are right
            with pytest.raises(SetupError, match="fp8"):
                build_plan(rtx, demo_nets[kind], "net", capability)
    assert not computes("fp8", "sm_86") and computes("fp8", "sm_89") and computes("int8", "sm_75")


@KIND
def test_every_pair_is_what_tensorrt_takes(bundle: Path, kind: str) -> None:
    """Symmetric: every zero point 0; scales float16; weights int8 by channel, fp8 by tensor."""
    graph = onnx.load_from_string(small_nets(load_subject(bundle))[kind]).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    pairs = [n for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert pairs
    for node in pairs:
        scale, zero = (numpy_helper.to_array(stored[name]) for name in node.input[1:3])
        assert scale.dtype == np.float16 and (scale > 0).all() and np.isfinite(scale).all()
        assert stored[node.input[2]].data_type == CODES[kind]
        assert not zero.astype(np.float32).any()
        weight = stored.get(node.input[0])
        by_channel = weight is not None and kind == "int8"
        assert scale.shape == ((weight.dims[0],) if by_channel and weight is not None else ())
    made = {name: node.op_type for node in graph.node for name in node.output}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    small = [[made.get(name) == "DequantizeLinear" for name in c.input[:2]] for c in convs]
    assert all(one == other for one, other in small), "input and weight go together"
    count = sum(one for one, _ in small)
    if kind == "int8":
        assert count == len(convs)
    else:
        assert 0 < count < len(convs), "24 channels are no multiple of 16"


@KIND
def test_one_convolution_against_the_sum_by_hand(kind: str) -> None:
    """Codes times scales, convolved in float64, is what ONNX Runtime makes of the model.

    The largest numbers are such that every scale is a power of two: nothing else is rounded.
    """
    rng = np.random.default_rng(4)
    top = LARGEST[kind] / 128
    weight = peaked(rng.normal(size=(16, 16, 3, 3)), top)
    image = peaked(rng.normal(size=(1, 16, 8, 8)), top)
    model = one_conv(weight)
    small = to_8_bits(model, {"image": top}, kind, "net")
    found = OnnxRuntimeEngine(small, "net").run({"image": image})["made"]
    expected = convolved(rounded(image, kind), rounded(weight, kind))
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    whole = OnnxRuntimeEngine(model, "net").run({"image": image})["made"]
    error = np.abs(found - whole).mean() / np.abs(whole).mean()
    assert 0.001 < error < 0.05, "8 bits are 8 bits"


def peaked(numbers: np.ndarray, top: float) -> np.ndarray:
    """`numbers` as float16 holds them, `top` the largest of each first row."""
    scaled = numbers / np.abs(numbers).max(axis=(1, 2, 3), keepdims=True) * top
    return scaled.astype(np.float16).astype(np.float32)


def rounded(numbers: np.ndarray, kind: str) -> np.ndarray:
    """What `peaked` numbers are seen as: their scale is 1 / 128."""
    codes = numbers.astype(np.float64) * 128
    whole = np.rint(codes) if kind == "int8" else codes.astype(FLOAT8)
    return np.asarray(whole.astype(np.float64) / 128)


def one_conv(weight: np.ndarray) -> bytes:
    channels = weight.shape[1]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weight"], ["made"], "conv", pads=[1, 1, 1, 1])],
        "one",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, 8, 8])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, [1, len(weight), 8, 8])],
        [numpy_helper.from_array(weight, "weight")],
    )
    sets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def convolved(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    padded = np.pad(image[0], ((0, 0), (1, 1), (1, 1)))
    height, width = image.shape[2:]
    made = np.zeros((1, len(weight), height, width))
    for y in range(height):
        for x in range(width):
            made[0, :, y, x] = np.tensordot(weight, padded[:, y : y + 3, x : x + 3], 3)
    return made


def test_a_net_without_a_convolution_of_the_kind_is_refused() -> None:
    with pytest.raises(SetupError, match="net has no convolution that can be int8; use fp16"):
        to_8_bits(fading_generator(), {}, "int8", "net")
    narrow = one_conv(np.ones((12, 16, 3, 3), np.float32))
    with pytest.raises(SetupError, match="no convolution that can be fp8"):
        to_8_bits(narrow, {"image": 1.0}, "fp8", "net")
    assert to_8_bits(narrow, {"image": 1.0}, "int8", "net")


def test_a_silent_channel_gets_a_scale_that_float16_holds() -> None:
    weight = np.zeros((16, 16, 3, 3), np.float32)
    weight[1:] = 1e-7
    graph = onnx.load_from_string(to_8_bits(one_conv(weight), {"image": 0.0}, "int8", "net")).graph
    scales = [numpy_helper.to_array(t) for t in graph.initializer if t.name.endswith(".scale")]
    assert scales and all((scale >= np.finfo(np.float16).tiny).all() for scale in scales)


def test_no_feeds_are_no_calibration() -> None:
    with pytest.raises(ValueError, match="no feeds"):
        conv_ranges(one_conv(np.ones((16, 16, 3, 3), np.float32)), [])


@KIND
def test_what_is_built_without_a_gpu_is_kept_and_not_preferred(
    rtx: Library,
    bundle: Path,
    cache: EngineCache,
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(bundle), "--precision", kind, "--for", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    able = [one for one in capabilities(rtx) if computes(kind, one)]
    assert len(lines) == len(able) == len(list(cache.folder.iterdir()))
    for line, capability in zip(lines, able, strict=True):
        assert f" {kind} for {capability}: " in line
        assert "not preferred by the show: its quality was not measured (--data); " in line


def test_a_gpu_that_is_too_old_for_fp8_is_named(
    rtx: Library, bundle: Path, cache: EngineCache, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle), "--precision", "fp8", "--for", "sm_86", "sm_89"]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "sm_86 cannot compute fp8, GPUs from sm_89 on can; use int8 or fp16" in said
    assert not cache.folder.exists()


class Desk:
    """A machine with a GPU that is not one: its library, its show."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, flavour: Flavour, capability: str = "sm_89"
    ) -> None:
        self.cuda = FakeCuda(type(GPU)("Fake", capability, "1.0", 1 << 33, 1 << 33))
        self.library = library_of(flavour, FakeTensorRt(self.cuda))
        monkeypatch.setattr(engine_options, "open_cuda", lambda: self.cuda)
        monkeypatch.setattr(engine_options, "load_library", lambda flavour: self.library)
        self.share = 0.5
        monkeypatch.setattr(engine_trial, "race", self.race)

    def race(self, players: dict[str, object], seconds: float) -> dict[str, Lap]:
        assert set(players) == {"fp16", "small"}
        return {"fp16": Lap(2, 3, 9), "small": Lap(2 * self.share, 3, 9)}

    def prefers(self, bundle: Path, cache: EngineCache) -> str:
        """The engine that the show would take."""
        opener = TensorRtOpener(self.library, self.cuda, cache)
        engine = opener.open(load_subject(bundle).generator, "net", FEEDBACK)
        engine.close()
        return engine.name.split()[-1]


@pytest.fixture(scope="module")
def trained(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("trained") / "bundle"
    export(ExportOptions(tiny_run, bundle))
    return bundle


@pytest.mark.parametrize("flavour", [TENSORRT, TENSORRT_RTX], ids=lambda one: one.name)
def test_the_show_prefers_8_bits_only_where_they_were_measured(
    trained: Path,
    tiny_data: Path,
    cache: EngineCache,
    flavour: Flavour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, flavour)
    blind = EngineOptions(trained, "int8", flavour.name)
    seeing = EngineOptions(trained, "int8", flavour.name, data=tiny_data, frames=4)
    (built,) = build_engines(blind, quiet=True)
    assert built.started and built.remark.endswith("its quality was not measured (--data)")
    assert desk.prefers(trained, cache) == "fp32"
    (built,) = build_engines(seeing, quiet=True)
    assert built.remark == "the show prefers it: as good, and 0.50 of the time of float16"
    assert desk.prefers(trained, cache) == "int8"
    build_engines(EngineOptions(trained, "fp16", flavour.name), quiet=True)
    assert desk.prefers(trained, cache) == "int8", "it was faster than float16"
    desk.share = 0.95  # measured again, it does not pay any more
    (built,) = build_engines(seeing, quiet=True)
    assert built.remark == "not preferred by the show: it takes 0.95 of the time of float16"
    assert desk.prefers(trained, cache) == "fp16"
    assert desk.cuda.held() == 0


def test_the_faster_of_two_is_preferred_and_a_verdict_is_of_one_engine(
    trained: Path,
    tiny_data: Path,
    cache: EngineCache,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(monkeypatch, TENSORRT)
    for precision, desk.share in (("int8", 0.7), ("fp8", 0.6)):
        options = EngineOptions(trained, precision, "tensorrt", data=tiny_data, frames=4)
        (built,) = build_engines(options, quiet=True)
        assert "the show prefers it" in built.remark
    assert desk.prefers(trained, cache) == "fp8"
    assert built.place is not None
    cache.store(built.key, b"another engine")  # whole, but not the one that was measured
    assert desk.prefers(trained, cache) == "int8"
    assert "the fp8 engine that was measured here is not in the cache any more" in caplog.text


def test_what_loses_too_much_is_not_kept(
    trained: Path, tiny_data: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(monkeypatch, TENSORRT)
    options = EngineOptions(trained, "int8", "tensorrt", data=tiny_data, frames=4)
    build_engines(options, quiet=True)
    assert desk.prefers(trained, cache) == "int8"
    monkeypatch.setattr("export.quantize.MOST_PSNR_LOSS_DB", -50.0)
    (built,) = build_engines(options, quiet=True)
    assert built.place is None
    assert built.remark.startswith("not kept: it loses ") and "PSNR on the picture" in built.remark
    assert desk.prefers(trained, cache) == "fp32", "what was kept before is gone"


def test_this_machines_gpu_is_too_old_for_fp8(
    bundle: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    Desk(monkeypatch, TENSORRT, "sm_86")
    with pytest.raises(SetupError, match=r"Fake \(sm_86\) cannot compute fp8"):
        build_engines(EngineOptions(bundle, "fp8", "tensorrt"), quiet=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"engine_sha256": "a"}', b"\xff"])
def test_a_verdict_that_is_none_is_no_verdict(content: bytes) -> None:
    assert verdict_of(content) is None and verdict_of(None) is None
    verdict = Verdict("ab", 0.5)
    assert verdict_of(verdict.to_bytes()) == verdict
    assert json.loads(verdict.to_bytes())["time_share"] == 0.5


def test_pose_networks_have_no_8_bits() -> None:
    with pytest.raises(SetupError, match="--pose --precision int8: nothing tells"):
        pose_sources("int8")
