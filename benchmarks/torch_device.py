"""A generator or any other net as torch's users run it on a GPU: mixed precision, state kept there.

The device is an argument, so that the tests hold it against our engines on a processor.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from export.generator_graph import GeneratorGraph
from live.engines.base import Feedback
from live.engines.choose import FEEDBACK
from live.errors import SetupError
from training.nets import STATE_CHANNELS, Student

Compiler = Callable[[Any], Any]


def cuda_device() -> torch.device:
    """torch's GPU. Raises SetupError where it has none."""
    if not torch.cuda.is_available():
        raise SetupError(
            f"torch {torch.__version__} finds no GPU: it needs an NVIDIA driver and the CUDA build "
            f"of torch, pip install torch"
        )
    return torch.device("cuda")


class TorchOnDevice:
    """A student that feeds itself; as `live.engines.base.RecurrentEngine` as far as a race goes."""

    feedback: Feedback = FEEDBACK

    def __init__(
        self, student: Student, size: tuple[int, int], device: torch.device, compiler: Compiler
    ) -> None:
        """size: (height, width) of the label; compiler: for example `torch.compile`."""
        self._device = device
        self._compute: Any = compiler(GeneratorGraph(student.eval()).eval().to(device))
        self._state = torch.zeros(1, STATE_CHANNELS, *size, device=device)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The picture, uint8 (1, h, w, 4). Raises RuntimeError after `close`."""
        if self._compute is None:
            raise RuntimeError("the torch engine was closed")
        with torch.inference_mode(), torch.autocast(self._device.type, torch.float16):
            label = torch.from_numpy(feeds["label"]).to(self._device)
            rgba, state = self._compute(label, self._state)
            self._state = state.float()
        return {"rgba": rgba.cpu().numpy()}

    def close(self) -> None:
        """Free the net. May be called twice."""
        self._compute = None


def on_device(
    module: torch.nn.Module,
    feeds: Sequence[NDArray[Any]],
    device: torch.device,
    compiler: Compiler,
) -> Callable[[], NDArray[np.float32]]:
    """`module` on the same `feeds` again and again, its result brought back each time."""
    compute = compiler(copy.deepcopy(module).to(device))
    given = [torch.from_numpy(array) for array in feeds]

    def run() -> NDArray[np.float32]:
        with torch.inference_mode(), torch.autocast(device.type, torch.float16):
            made = compute(*(tensor.to(device) for tensor in given))
        found: NDArray[np.float32] = made.float().cpu().numpy()
        return found

    return run
