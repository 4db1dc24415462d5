from __future__ import annotations

import numpy as np
import pytest

from live.engines.cuda_memory import Pinned
from live.engines.fake_cuda import GPU, FakeCuda
from live.engines.tensorrt_build import BuildShare, build_plan, capabilities
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour, Library, library_of
from live.engines.tensorrt_native import TensorRtEngine
from live.errors import SetupError, SubjectError
from tests.live.engines.fake_tensorrt import FakeTensorRt, Logger
from tests.live.engines.nets import SIZE, fading_generator, label, weights_elsewhere

FEEDBACK = {"next_state": "state"}
PIXELS = SIZE[0] * SIZE[1]
LABEL_BYTES, RGBA_BYTES, STATE_BYTES = 3 * PIXELS, 4 * PIXELS, 16 * PIXELS

FLAVOURS = pytest.mark.parametrize("flavour", [TENSORRT, TENSORRT_RTX], ids=lambda f: f.name)


def library_on(cuda: FakeCuda, flavour: Flavour = TENSORRT) -> tuple[Library, FakeTensorRt]:
    api = FakeTensorRt(cuda)
    return library_of(flavour, api), api


def opened(cuda: FakeCuda, flavour: Flavour = TENSORRT) -> TensorRtEngine:
    library, _ = library_on(cuda, flavour)
    plan = build_plan(library, fading_generator(), "net").content
    return TensorRtEngine(library, plan, "net", cuda, FEEDBACK)


@FLAVOURS
def test_the_state_never_leaves_the_device(flavour: Flavour) -> None:
    cuda = FakeCuda()
    engine = opened(cuda, flavour)
    held = cuda.held()
    cuda.uploaded_bytes = cuda.downloaded_bytes = 0
    for n in range(6):
        engine.run({"label": label(n)})
    assert cuda.uploaded_bytes == 6 * LABEL_BYTES
    assert cuda.downloaded_bytes == 6 * RGBA_BYTES
    assert cuda.launches == 6, "one graph is the whole step"
    assert len(cuda.graphs) == 2, "one for each order of the two state buffers"
    assert cuda.held() == held, "nothing is allocated while the show runs"
    assert engine.sound()
    assert cuda.downloaded_bytes == 6 * RGBA_BYTES + STATE_BYTES
    engine.close()
    assert cuda.held() == 0


def test_without_feedback_there_is_one_graph() -> None:
    cuda = FakeCuda()
    library, _ = library_on(cuda)
    plan = build_plan(library, fading_generator(), "net").content
    engine = TensorRtEngine(library, plan, "net", cuda)
    state = np.ones((1, 4, *SIZE), np.float32)
    assert set(engine.run({"label": label(1), "state": state})) == {"rgba", "next_state"}
    assert len(cuda.graphs) == 1
    engine.close()


@pytest.mark.parametrize("room", [0, LABEL_BYTES, RGBA_BYTES + LABEL_BYTES + STATE_BYTES])
def test_a_full_device_is_said_so_and_nothing_leaks(room: int) -> None:
    cuda = FakeCuda(memory_bytes=room)
    with pytest.raises(
        SetupError, match=r"out of memory; of its 8192 MB 6144 were free: close oth"
    ):
        opened(cuda)
    assert cuda.held() == 0


def test_a_net_that_cannot_be_recorded_is_refused_and_nothing_leaks() -> None:
    cuda = FakeCuda()
    library, api = library_on(cuda, TENSORRT_RTX)
    api.capturable = False
    plan = build_plan(library, fading_generator(), "net").content
    with pytest.raises(SetupError, match="cannot be recorded as a CUDA graph"):
        TensorRtEngine(library, plan, "net", cuda, FEEDBACK)
    assert cuda.held() == 0


@FLAVOURS
def test_an_engine_of_another_card_is_refused(flavour: Flavour) -> None:
    library, _ = library_on(FakeCuda(), flavour)
    plan = build_plan(library, fading_generator(), "net").content
    other = FakeCuda(gpu=type(GPU)("Other", "sm_86", "1.0", 1 << 30, 1 << 30))
    there, _ = library_on(other, flavour)
    with pytest.raises(SetupError, match=f"cannot run on Other with {flavour.name}.*does not fit"):
        TensorRtEngine(there, plan, "net", other)


def test_a_gpu_that_is_gone_is_a_runtime_error_and_can_be_closed() -> None:
    cuda = FakeCuda()
    engine = opened(cuda)
    cuda.gone = True
    with pytest.raises(RuntimeError, match="net on tensorrt: the device is gone"):
        engine.run({"label": label(1)})
    with pytest.raises(RuntimeError, match="gone"):
        engine.reset()
    engine.close()
    engine.close()


def test_rtx_hands_in_and_out_what_it_has_compiled() -> None:
    cuda = FakeCuda()
    library, api = library_on(cuda, TENSORRT_RTX)
    plan = build_plan(library, fading_generator(), "net").content
    engine = TensorRtEngine(library, plan, "net", cuda, FEEDBACK, jit=b"from the last start")
    assert api.loaded_jit == [b"from the last start"] and engine.jit_cache() == b"jitted"
    engine.close()
    classic = opened(FakeCuda())
    assert classic.jit_cache() == b""
    classic.close()


def test_float32_means_float32() -> None:
    library, api = library_on(FakeCuda())
    plan = build_plan(library, fading_generator(), "net", timing=b"mine")
    assert api.BuilderFlag.TF32 in api.configs[0].cleared
    assert api.configs[0].timing.content == b"mine" and plan.timing == b"timed"
    assert str(plan.inputs[0]) == "label uint8 (1, 16, 24, 3)"


def test_a_timing_cache_of_another_card_is_thrown_away() -> None:
    library, api = library_on(FakeCuda())
    build_plan(library, fading_generator(), "net", timing=b"foreign")
    assert api.configs[0].timing.content == b""


def test_rtx_is_told_which_card_and_refuses_one_that_it_does_not_know() -> None:
    library, api = library_on(FakeCuda(), TENSORRT_RTX)
    assert capabilities(library) == ["sm_86", "sm_89"]
    build_plan(library, fading_generator(), "net", "sm_89")
    assert api.configs[0].capability == api.ComputeCapability.SM89
    with pytest.raises(SetupError, match="builds for sm_86, sm_89, not for sm_90"):
        build_plan(library, fading_generator(), "net", "sm_90")


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("Requested amount of GPU memory: out of memory", "close other programs"),
        ("CUDA driver version is insufficient", "install a newer NVIDIA driver"),
        ("something else", "use --engine cuda or cpu"),
    ],
)
def test_a_build_that_fails_says_why(reason: str, remedy: str) -> None:
    library, api = library_on(FakeCuda())
    api.refused = reason
    with pytest.raises(SetupError, match=f"net cannot be built .*{reason}.*{remedy}"):
        build_plan(library, fading_generator(), "net")


@FLAVOURS
@pytest.mark.parametrize("part", ["Builder", "Runtime"])
def test_a_library_that_does_not_start_is_a_sentence(
    flavour: Flavour, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where CUDA cannot be initialized: their bindings raise pybind11's TypeError."""
    cuda = FakeCuda()
    library, api = library_on(cuda, flavour)
    plan = build_plan(library, fading_generator(), "net").content

    def fails(logger: Logger) -> None:
        logger.log(api.ILogger.Severity.ERROR, "CUDA initialization failure with error: 46")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    def begin() -> None:
        if part == "Builder":
            build_plan(library, fading_generator(), "net")
        else:
            TensorRtEngine(library, plan, "net", cuda, FEEDBACK)

    monkeypatch.setattr(api, part, fails)
    with pytest.raises(SetupError, match=r"net .*: CUDA initialization failure .* 46; use"):
        begin()
    assert cuda.held() == 0


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (b"\xff" * 9, "it is no ONNX model"),
        (weights_elsewhere("initializer"), "'weight' lies in another file .*export it again"),
    ],
)
def test_no_model_and_external_data_never_reach_the_library(model: bytes, says: str) -> None:
    library, api = library_on(FakeCuda())
    with pytest.raises(SubjectError, match=f"net cannot be loaded: .*{says}"):
        build_plan(library, model, "net")
    assert api.builds == 0


def test_the_share_of_a_build_only_grows_and_ends_at_one() -> None:
    shares: list[float] = []
    tree = BuildShare(shares.append)
    tree.start("all", None, 2)
    for phase in ("first", "second"):
        tree.start(phase, "all", 4)
        tree.step(phase, 0)
        tree.step(phase, 2)
        tree.finish(phase)
        tree.step("all", 0 if phase == "first" else 1)
    tree.start("afterthought", "all", 1)  # RTX begins phases in the last step again
    tree.step("afterthought", 0)
    tree.finish("afterthought")
    tree.finish("all")
    assert shares == [0.125, 0.375, 0.5, 0.625, 0.875, 1.0, 1.0, 1.0]


class Noting(FakeCuda):
    """A GPU that notes what it is asked for, while a graph is recorded and afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def upload(self, device: int, host: Pinned, stream: int) -> None:
        self.asked.append("upload")
        super().upload(device, host, stream)

    def download(self, host: Pinned, device: int, size: int, stream: int) -> None:
        self.asked.append("download")
        super().download(host, device, size, stream)

    def clear(self, device: int, size: int, stream: int) -> None:
        self.asked.append("clear")
        super().clear(device, size, stream)

    def launch(self, graph: int, stream: int) -> None:
        self.asked.append("launch")
        super().launch(graph, stream)

    def wait(self, stream: int) -> None:
        self.asked.append("wait")
        super().wait(stream)


def test_a_run_is_one_launch_and_one_wait() -> None:
    """Copies are inside the graph: no other call stands between a label and its picture."""
    cuda = Noting()
    engine = opened(cuda)
    assert cuda.asked == [
        "clear",
        # For each order of the state once for real, which finishes the kernels; then recorded.
        *["upload", "download", "wait", "upload", "download"] * 2,
        "clear",
    ]  # fmt: skip
    cuda.asked.clear()
    for n in range(3):
        engine.run({"label": label(n)})
    assert cuda.asked == ["launch", "wait"] * 3
    engine.close()
