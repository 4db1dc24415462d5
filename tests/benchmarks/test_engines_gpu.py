"""`benchmarks.engines` on a machine with a GPU: a fake one, on which ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from benchmarks import devices, engines, peers, probe
from benchmarks.ceiling import Ceiling, best
from benchmarks.ceiling_gpu import CHAIN, COPY_COLUMNS, measure_gpu_ceiling, products, turned
from benchmarks.contest_nets import Net, generators, teachers
from benchmarks.devices import NAMES, open_on_gpu
from benchmarks.engines import EnginesOptions, measure
from benchmarks.engines_report import Result, table, to_json
from benchmarks.peers import GPU
from benchmarks.torch_device import TorchOnDevice, on_device
from export.race import Player
from export.rebuild import student_from_onnx
from live.engines.base import Feedback, RecurrentEngine
from live.engines.fake_cuda import FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import HOST, OnnxRuntimeDeviceEngine
from live.engines.tensorrt_library import TENSORRT, Flavour, Library, library_of
from live.errors import SetupError
from tests.benchmarks.test_engines import SMALL_TEACHER
from tests.live.engines.fake_tensorrt import FakeTensorRt
from tests.live.engines.machines import missing

SIZE = (64, 96)
CPU = torch.device("cpu")


def on_bound_memory(model: bytes, what: str, feedback: Feedback) -> RecurrentEngine:
    return OnnxRuntimeDeviceEngine(model, what, HOST, feedback)


def breaks(model: bytes, what: str, feedback: Feedback) -> RecurrentEngine:
    engine = on_bound_memory(model, what, feedback)
    engine.close()  # every run fails
    return engine


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """TensorRT and a card for it."""
    cuda = FakeCuda()

    def load(flavour: Flavour) -> Library:
        if flavour is not TENSORRT:
            raise SetupError(f"{flavour.title} is not here")
        return library_of(flavour, FakeTensorRt(cuda))

    monkeypatch.setattr(devices, "load_library", load)
    for module in (devices, peers):
        monkeypatch.setattr(module, "open_cuda", lambda: cuda)
    return cuda


@pytest.fixture(scope="module")
def student() -> Net:
    return generators([SIZE])[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_chain_of_products_is_what_it_is_counted_as(
    dtype: type[np.float32] | type[np.float16],
) -> None:
    side = 64
    engine = OnnxRuntimeEngine(products(side, dtype), "chain")
    state = np.eye(side, dtype=dtype)
    first = engine.run({"state": state})["next_state"].astype(np.float64)
    zero = engine.run({"state": np.zeros_like(state)})["next_state"].astype(np.float64)
    again = engine.run({"state": first.astype(dtype)})["next_state"].astype(np.float64)
    power = first - zero  # w to the power of CHAIN
    np.testing.assert_allclose(again, first @ power + zero, atol=0.05)
    assert zero.std() > 0.5, "what is fed back is never nothing"
    assert 0 < np.abs(power).max() < 1, "and never grows beyond a half's numbers"
    engine.close()
    graph = onnx.load_from_string(products(side, dtype)).graph
    assert [node.op_type for node in graph.node].count("MatMul") == CHAIN


def test_a_gpus_ceiling_is_measured_on_the_engines_that_work() -> None:
    openers = {"absent": lambda model, what, _: missing(model, what), "broken": breaks}
    assert measure_gpu_ceiling(openers, 0, side=16, rows=4) is None
    found = measure_gpu_ceiling({**openers, "bound": on_bound_memory}, 0.01, side=128, rows=512)
    assert found is not None and found.threads == 0
    for value in (found.fp32_gflops, found.operations("fp16"), found.copy_gbps):
        assert value is not None and 0.01 < value < 1e6
    assert found.operations("fp8") is None and found.operations("int8") is None
    engine = OnnxRuntimeEngine(turned(4), "copy")
    state = np.ones((4, COPY_COLUMNS), np.float32)
    np.testing.assert_array_equal(engine.run({"state": state})["next_state"], -state)


def test_the_better_of_two_where_one_was_not_measured() -> None:
    one = Ceiling(0, None, None, None, 3.0, 5.0)
    assert best(one, Ceiling(0, 2.0, None, None, 4.0)) == Ceiling(0, 2.0, None, None, 4.0, 5.0)


def test_a_gpus_rows_have_their_share_of_its_ceiling_and_their_time_to_build(
    gpu: FakeCuda, student: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    ceiling = Ceiling(0, 100.0, None, None, 10.0, 200.0)
    monkeypatch.setattr(engines, "_gpu_ceiling", lambda seconds: ceiling)
    # The processor's own is measured in test_engines.py, and takes its time.
    monkeypatch.setattr(engines, "measure_ceiling", lambda n, seconds: Ceiling(n, 50, 1, 1, 1))
    result = measure(
        EnginesOptions(
            seconds_per_row=0.01,
            nets=("student",),
            sizes=(SIZE,),
            tiers=(),
            threads=1,
            engines=("tensorrt",),
            probes=False,
            progress=False,
        )
    )
    rows = {(row.engine, row.precision): row for row in result.rows}
    row = rows["tensorrt", "fp16"]
    assert row.why_not is None and row.threads == 0
    assert row.gflops is not None and row.build_s is not None and row.build_s > 0
    assert row.share_of_ceiling == pytest.approx(row.gflops / 200, abs=0.001)
    assert rows["tensorrt", "int8"].share_of_ceiling is None, "no such ceiling was measured"
    assert result.ceilings[-1] == ceiling
    assert result.machine["gpu"] == "Fake RTX sm_89" and result.machine["driver"] == "1.0"
    assert "GPU: fp32 100 GFLOP/s, fp16 200 GFLOP/s, copy 10 GB/s" in table(result)
    assert to_json(result)["ceiling_gflops"] == 50, "that of all cores"
    assert gpu.held() == 0


def test_without_a_gpu_the_machines_facts_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise SetupError("no NVIDIA driver is installed")

    monkeypatch.setattr(devices, "open_cuda", absent)
    assert devices.gpu_facts() == {"gpu": None, "why_no_gpu": "no NVIDIA driver is installed"}
    assert devices.free_gpu_mb() is None


def test_a_race_leaves_nothing_in_the_users_cache(
    gpu: FakeCuda, student: Net, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    place = NAMES.index("tensorrt")
    runner = GPU[place].build(student, 0)
    runner.run()
    runner.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SetupError, match="has no CUDAExecutionProvider"):
        open_on_gpu("cuda", student.model, "net", {})


def test_a_probe_of_a_gpus_engine_takes_the_gpus_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([1000.0, 960.0])
    monkeypatch.setattr(probe, "free_gpu_mb", lambda: next(left))
    monkeypatch.setattr(
        probe, "contenders",
        lambda net, threads: [peers.Contender("x", "fp16", 0, "numpy", lambda net, threads: idle)],
    )  # fmt: skip
    idle = peers.Runner(lambda: None, lambda: None)

    class Answers:
        def put(self, found: probe.Probe) -> None:
            self.found = found

    answers = Answers()
    probe._work(Net("x", (1, 1)), 0, 1, answers)  # type: ignore[arg-type]  # as its queue
    assert answers.found.memory_mb == 40 and answers.found.build_s is not None


def test_torchs_own_way_on_a_device_paints_the_same_picture(student: Net) -> None:
    """On this machine's processor; what is the GPU's own is where the tensors are."""
    ours = Player(OnnxRuntimeEngine(student.model, "net"), student.labels)
    engine = TorchOnDevice(student_from_onnx(student.model), SIZE, CPU, lambda graph: graph)
    theirs = Player(engine, student.labels)
    for _ in range(3):
        expected, found = ours().astype(float), theirs().astype(float)
        assert expected.std() > 1 and np.abs(found - expected).max() <= 4
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        theirs()
    (net,) = teachers(SMALL_TEACHER, (32, 64), ["teacher, global"])
    assert net.module is not None and net.feeds is not None
    run = on_device(net.module, list(net.feeds.values()), CPU, lambda graph: graph)
    made = OnnxRuntimeEngine(net.model, "net").run(net.feeds)["picture"]
    assert 0 < np.abs(run() - made).max() < 0.02


def test_a_table_of_nothing_is_no_error() -> None:
    assert table(Result((), (), {})) == ""
