"""Openers on machines that are not there: TensorRT on a GPU that may be full, or lost."""

from __future__ import annotations

from live.engines.base import Feedback, RecurrentEngine
from live.engines.choose import FEEDBACK, Opener
from live.engines.cuda_memory import CudaError
from live.engines.fake_cuda import FakeCuda
from live.engines.tensorrt_build import build_plan
from live.engines.tensorrt_library import TENSORRT, library_of
from live.engines.tensorrt_native import TensorRtEngine
from live.errors import SetupError
from tests.live.engines.fake_tensorrt import FakeTensorRt


class FullLater(FakeCuda):
    """A GPU whose memory another program takes while the show runs: `full` from then on."""

    full = False

    def launch(self, graph: int, stream: int) -> None:
        if self.full:
            raise CudaError("cudaErrorMemoryAllocation", "cudaGraphLaunch: out of memory")
        super().launch(graph, stream)


def on(cuda: FakeCuda, feedback: Feedback = FEEDBACK) -> Opener:
    """TensorRT on `cuda`."""

    def opener(model: bytes, what: str) -> RecurrentEngine:
        library = library_of(TENSORRT, FakeTensorRt(cuda))
        plan = build_plan(library, model, what).content
        return TensorRtEngine(library, plan, what, cuda, feedback)

    return opener


def missing(model: bytes, what: str) -> RecurrentEngine:
    """What a machine without the library gives."""
    raise SetupError("it is not here; pip install it")
