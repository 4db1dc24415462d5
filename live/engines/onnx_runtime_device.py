"""ONNX Runtime on a GPU: I/O binding, buffers on the device, the state never leaving it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Tensor, check_feedback, check_feeds
from live.engines.onnx_runtime import (
    first_line,
    load_onnxruntime,
    open_session,
    session_options,
    tensors_of,
)
from live.errors import SetupError, SubjectError

CHECK_EVERY = 30  # runs; about once a second


@dataclass(frozen=True, slots=True)
class Provider:
    """One of ONNX Runtime's execution providers, and where its buffers are."""

    name: str  # ONNX Runtime's: "CUDAExecutionProvider"
    short: str  # ours
    device: str  # "cuda" or "cpu", as OrtValue names it
    remedy: str  # what to install where it is absent
    options: tuple[tuple[str, str], ...] = ()
    then: tuple[str, ...] = ()  # providers for the nodes that this one leaves; all on the GPU

    def session_providers(self) -> list[Any]:
        """As InferenceSession takes them."""
        return [(self.name, dict(self.options)), *self.then]


_CUDA_REMEDY = "pip install 'onnxruntime-gpu[cuda,cudnn]' in place of onnxruntime"
# TF32 has float16's ten bits of mantissa: it would break the promise of float32.
CUDA = Provider(
    "CUDAExecutionProvider", "cuda", "cuda", _CUDA_REMEDY,
    options=(("use_tf32", "0"), ("cudnn_conv_algo_search", "EXHAUSTIVE")),
)  # fmt: skip
TENSORRT = Provider(
    "TensorrtExecutionProvider", "onnxruntime-tensorrt", "cuda",
    _CUDA_REMEDY + " and pip install tensorrt",
    then=("CUDAExecutionProvider",),
)  # fmt: skip
HOST = Provider("CPUExecutionProvider", "onnxruntime-bound", "cpu", "pip install onnxruntime")
"""The same path over the computer's own memory: slower than OnnxRuntimeEngine, but testable."""


class OnnxRuntimeDeviceEngine:
    """A net on a GPU by ONNX Runtime; see `live.engines.base.RecurrentEngine`.

    What is fed back lives in two buffers that change places after every run, so nothing is copied.
    """

    check_every = CHECK_EVERY

    def __init__(
        self, model: bytes, what: str, provider: Provider, feedback: Feedback | None = None
    ) -> None:
        """Load `model` and allocate its buffers; `what` names it in errors.

        Raises SetupError where `provider` is absent or would leave a part of the net to the CPU,
        SubjectError for a model that is none.
        """
        self.name = provider.short
        self._what = what
        self._session: Any = _open(model, what, provider)
        self.inputs, self.outputs = tensors_of(self._session, what)
        self.feedback = dict(feedback or {})
        check_feedback(self.inputs, self.outputs, self.feedback, what)
        taken, given = set(self.feedback.values()), set(self.feedback)
        self._fed = tuple(tensor for tensor in self.inputs if tensor.name not in taken)
        self._kept = tuple(tensor for tensor in self.outputs if tensor.name not in given)
        try:
            self._allocate(provider.device)
        except Exception as error:  # its exception classes live in a private module
            raise _no_setup(what, self.name, first_line(error)) from error

    def _allocate(self, device: str) -> None:
        ort = load_onnxruntime()

        def buffer(tensor: Tensor) -> Any:
            shape, dtype = list(tensor.shape), np.dtype(tensor.dtype)
            return ort.OrtValue.ortvalue_from_shape_and_type(shape, dtype, device, 0)

        self._buffers = {tensor.name: buffer(tensor) for tensor in (*self._fed, *self._kept)}
        shapes = {tensor.name: tensor for tensor in self.inputs}
        self._pairs = {
            source: (buffer(shapes[target]), buffer(shapes[target]))
            for source, target in self.feedback.items()
        }
        self._bindings = [self._bind(0), self._bind(1)]
        self.reset()

    def _bind(self, turn: int) -> Any:
        """The bindings of a run that reads buffer `turn` of each pair and writes the other."""
        binding = self._session.io_binding()
        for tensor in self._fed:
            binding.bind_ortvalue_input(tensor.name, self._buffers[tensor.name])
        for tensor in self._kept:
            binding.bind_ortvalue_output(tensor.name, self._buffers[tensor.name])
        for source, target in self.feedback.items():
            binding.bind_ortvalue_input(target, self._pairs[source][turn])
            binding.bind_ortvalue_output(source, self._pairs[source][1 - turn])
        return binding

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run.

        Raises RuntimeError where the GPU is gone.
        """
        self._turn = 0
        with self._told():
            for tensor in self.outputs:
                if tensor.name in self._pairs:
                    self._pairs[tensor.name][0].update_inplace(np.zeros(tensor.shape, tensor.dtype))

    def sound(self) -> bool:
        """Whether every number that the next run is fed back is finite. Downloads them.

        Raises RuntimeError where the GPU is gone.
        """
        with self._told():
            return all(np.isfinite(pair[self._turn].numpy()).all() for pair in self._pairs.values())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute the outputs that are not fed back; new arrays each time.

        Raises RuntimeError when the net cannot be computed or the GPU is gone, ValueError for feeds
        of another shape or type.
        """
        if self._session is None:
            raise RuntimeError(f"{self._what} was closed")
        check_feeds(feeds, self._fed, self._what)
        binding = self._bindings[self._turn]
        with self._told():
            for tensor in self._fed:
                # update_inplace copies the bytes as they lie in memory.
                array = np.ascontiguousarray(feeds[tensor.name])
                self._buffers[tensor.name].update_inplace(array)
            binding.synchronize_inputs()
            self._session.run_with_iobinding(binding)
            binding.synchronize_outputs()
            # A copy: over the computer's own memory numpy() only lends the buffer.
            found = {t.name: np.array(self._buffers[t.name].numpy()) for t in self._kept}
        self._turn = 1 - self._turn if self._pairs else 0
        return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        """ONNX Runtime's errors as the RuntimeError that a standby takes over at.

        Its own classes live in a private module, and none of them is a RuntimeError.
        """
        try:
            yield
        except Exception as error:
            raise RuntimeError(f"{self._what} on {self.name}: {first_line(error)}") from error

    def close(self) -> None:
        """Free the net and its buffers. May be called twice."""
        self._bindings = []
        self._buffers, self._pairs = {}, {}
        self._session = None


_OF_THE_MACHINE = re.compile(
    r"out of memory|failed to allocate|cuda|cudnn|cublas|driver", re.IGNORECASE
)
"""What a session says where the GPU, its memory or its driver is at fault, and not the model."""


def _no_setup(what: str, engine: str, reason: str) -> SetupError:
    said, remedy = reason.lower(), "use another --engine"
    if "memory" in said:
        remedy = f"close other programs that use the GPU, or {remedy}"
    elif "driver" in said:
        remedy = f"install a newer NVIDIA driver, or {remedy}"
    return SetupError(f"{what} cannot run on {engine}: {reason}; {remedy}")


def _open(model: bytes, what: str, provider: Provider) -> Any:
    """A session that really computes everything on `provider`.

    ONNX Runtime goes on in silence with the CPU where a provider cannot be started, and gives it
    every operator that the provider does not know. Both are errors here.
    """
    ort = load_onnxruntime()
    offered = ort.get_available_providers()
    for name in (provider.name, *provider.then):
        if name not in offered:
            raise SetupError(
                f"onnxruntime {ort.__version__} has no {name}, only {', '.join(offered)}; "
                f"{provider.remedy}"
            )
    options = session_options(1)
    if provider.device != "cpu":
        if hasattr(ort, "preload_dlls"):  # from 1.21: finds the CUDA libraries that pip installed
            ort.preload_dlls(directory="")
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = open_session(model, what, options, provider.session_providers())
    except SubjectError as error:
        if "fallback to CPU EP" in str(error):
            raise SetupError(
                f"{what}: {provider.name} knows only a part of its operators and would leave the "
                f"rest to the CPU; use another --engine"
            ) from error
        cause = error.__cause__  # what the session said; the error of ours names the bundle, too
        if provider.device != "cpu" and cause and _OF_THE_MACHINE.search(str(cause)):
            raise _no_setup(what, provider.short, first_line(cause)) from error
        raise
    started = session.get_providers()
    if provider.name not in started:
        raise SetupError(
            f"{what}: {provider.name} did not start (the session has {', '.join(started)}): its "
            f"libraries, the driver or the GPU are missing; {provider.remedy}"
        )
    return session
