"""A net on TensorRT or TensorRT-RTX by their own API: one CUDA graph per run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Tensor, check_feedback, check_feeds
from live.engines.cuda_memory import Cuda, CudaError, Pinned
from live.engines.tensorrt_build import tensor_of
from live.engines.tensorrt_library import Library, created
from live.errors import SetupError

log = logging.getLogger(__name__)

CHECK_EVERY = 30  # runs; about once a second


class TensorRtEngine:
    """See `live.engines.base.RecurrentEngine`.

    All memory is allocated here, once. A run is: copy the inputs into pinned memory, launch one
    graph (upload, net, download), wait for it. What is fed back lives in two device buffers that
    change places after every run, so there are two graphs, one for each order.

    Upload, net and download of one run cannot overlap: the first layer reads the label, the last
    one writes the picture, and TensorRT enqueues what is between as one piece. Those of two runs
    could, on a second stream with staging of its own, if a run were handed in before the last one's
    picture is taken. But the next label is of the next camera frame: where it is not there yet
    there is nothing to overlap with, and where the show falls behind, waiting for it would show
    every picture a frame late to win the copies' time: 0.2 MB up and 0.3 MB down at 288x224, 1.6
    and 2.1 MB at 1024x512, which a bus of 20 GB/s carries in 0.02 and 0.18 ms (reckoned, not
    measured). The state, four times as large, stays on the device: that is the copy worth saving.
    """

    check_every = CHECK_EVERY

    def __init__(
        self,
        library: Library,
        plan: bytes,
        what: str,
        cuda: Cuda,
        feedback: Feedback | None = None,
        jit: bytes = b"",
    ) -> None:
        """Load `plan`, allocate, run once and capture; `what` names it in errors.

        `jit` is what `jit_cache` gave in an earlier run, with RTX. Raises SetupError where the
        plan does not fit this GPU or version, and where the device's memory does not suffice.
        """
        self.name = library.flavour.name
        self._library, self._what, self._cuda = library, what, cuda
        self._memory: list[int] = []
        self._pins: list[Pinned] = []
        self._graphs: list[int] = []
        self._stream = 0
        self._open = True
        self._load(plan, jit)
        try:
            self.inputs, self.outputs = self._tensors()
            self.feedback = dict(feedback or {})
            check_feedback(self.inputs, self.outputs, self.feedback, what)
            self._allocate()
            self._rehearse()
        except RuntimeError as error:
            self.close()
            full = isinstance(error, CudaError) and error.out_of_memory
            raise self._no_setup(str(error), full) from error
        except BaseException:
            self.close()
            raise

    def _load(self, plan: bytes, jit: bytes) -> None:
        api, library = self._library.api, self._library
        self._runtime = created(lambda: api.Runtime(library.logger))
        if self._runtime is None:
            raise self._no_setup(f"the library does not start: {library.messages.reason()}")
        if library.flavour.portable:
            validity, _ = self._runtime.get_engine_validity(plan)
            if validity == api.EngineValidity.INVALID:
                raise self._no_setup(f"the engine does not fit: {library.messages.reason()}")
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise self._no_setup(f"the engine does not fit: {library.messages.reason()}")
        self._jit = None
        if library.flavour.portable:
            config = self._engine.create_runtime_config()
            self._jit = config.create_runtime_cache()
            if jit:
                self._jit.deserialize(jit)  # False: of another driver; then it is made anew
            config.set_runtime_cache(self._jit)
            self._context = self._engine.create_execution_context(config)
        else:
            self._context = self._engine.create_execution_context()
        if self._context is None:
            reason = library.messages.reason()
            raise self._no_setup(reason, "memory" in reason.lower())

    def _tensors(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        engine, mode = self._engine, self._library.api.TensorIOMode
        names = [engine.get_tensor_name(n) for n in range(engine.num_io_tensors)]

        def all_of(kind: Any) -> tuple[Tensor, ...]:
            return tuple(
                tensor_of(n, engine.get_tensor_shape(n), engine.get_tensor_dtype(n), self._what)
                for n in names
                if engine.get_tensor_mode(n) == kind
            )

        return all_of(mode.INPUT), all_of(mode.OUTPUT)

    def _allocate(self) -> None:
        taken = set(self.feedback.values())
        self._fed = tuple(tensor for tensor in self.inputs if tensor.name not in taken)
        self._kept = tuple(tensor for tensor in self.outputs if tensor.name not in self.feedback)
        self._stream = self._cuda.open_stream()
        self._device: dict[str, int] = {}
        self._host: dict[str, Pinned] = {}
        self._views: dict[str, NDArray[Any]] = {}
        for tensor in (*self._fed, *self._kept):
            self._device[tensor.name] = self._new_memory(tensor)
            self._stage(tensor)
        self._pairs: dict[str, tuple[int, int]] = {}
        for tensor in self.outputs:
            if tensor.name in self.feedback:
                self._pairs[tensor.name] = (self._new_memory(tensor), self._new_memory(tensor))
                self._stage(tensor)  # only for `sound`

    def _new_memory(self, tensor: Tensor) -> int:
        self._memory.append(self._cuda.allocate(_nbytes(tensor)))
        return self._memory[-1]

    def _stage(self, tensor: Tensor) -> None:
        pinned = self._cuda.pin(_nbytes(tensor))
        self._pins.append(pinned)
        self._host[tensor.name] = pinned
        self._views[tensor.name] = pinned.array.view(tensor.dtype).reshape(tensor.shape)

    def _rehearse(self) -> None:
        """Run each order of the state once, then record it as a graph.

        The first run makes RTX finish its kernels; and what the library puts off after a change of
        addresses it does at the next run, which must not be one that is recorded.
        """
        self.reset()
        for turn in (0, 1) if self._pairs else (0,):
            self._enqueue(turn)
            self._cuda.wait(self._stream)
            self._capture(turn)
        self.reset()

    def _capture(self, turn: int) -> None:
        self._address(turn)
        capturable = getattr(self._context, "is_stream_capturable", None)  # only RTX asks
        if capturable is not None and not capturable(self._stream):
            raise self._no_setup("this net cannot be recorded as a CUDA graph")
        self._cuda.begin_capture(self._stream)
        try:
            self._enqueue(turn)
        finally:  # also after a failure: a stream that still records is of no use
            self._graphs.append(self._cuda.end_capture(self._stream))

    def _address(self, turn: int) -> None:
        """Tell the net where everything is when buffer `turn` of each pair is read."""
        places = dict(self._device)
        for source, target in self.feedback.items():
            places[target] = self._pairs[source][turn]
            places[source] = self._pairs[source][1 - turn]
        for name, place in places.items():
            if not self._context.set_tensor_address(name, place):
                raise RuntimeError(f"{self._what}: {name}: {self._library.messages.reason()}")

    def _enqueue(self, turn: int) -> None:
        """Upload, compute, download."""
        self._address(turn)
        for tensor in self._fed:
            self._cuda.upload(self._device[tensor.name], self._host[tensor.name], self._stream)
        if not self._context.execute_async_v3(self._stream):
            raise RuntimeError(f"{self._what} on {self.name}: {self._library.messages.reason()}")
        for tensor in self._kept:
            host, device = self._host[tensor.name], self._device[tensor.name]
            self._cuda.download(host, device, _nbytes(tensor), self._stream)

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run."""
        self._turn = 0
        for tensor in self.outputs:
            if tensor.name in self._pairs:
                self._cuda.clear(self._pairs[tensor.name][0], _nbytes(tensor), self._stream)

    def sound(self) -> bool:
        """Whether every number that the next run is fed back is finite. Downloads them."""
        for tensor in self.outputs:
            if tensor.name in self._pairs:
                host, device = self._host[tensor.name], self._pairs[tensor.name][self._turn]
                self._cuda.download(host, device, _nbytes(tensor), self._stream)
        self._cuda.wait(self._stream)
        return all(bool(np.isfinite(self._views[name]).all()) for name in self._pairs)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute the outputs that are not fed back; new arrays each time. GIL released meanwhile.

        Raises RuntimeError when the net cannot be computed or the GPU is gone, ValueError for feeds
        of another shape or type.
        """
        if not self._open:
            raise RuntimeError(f"{self._what} was closed")
        check_feeds(feeds, self._fed, self._what)
        for tensor in self._fed:
            self._views[tensor.name][...] = feeds[tensor.name]
        try:
            self._cuda.launch(self._graphs[self._turn], self._stream)
            self._cuda.wait(self._stream)
        except CudaError as error:
            raise RuntimeError(f"{self._what} on {self.name}: {error}") from error
        self._turn = 1 - self._turn if self._pairs else 0
        return {tensor.name: self._views[tensor.name].copy() for tensor in self._kept}

    def jit_cache(self) -> bytes:
        """What RTX has compiled for this GPU and driver, for the next start; else b""."""
        return bytes(self._jit.serialize()) if self._jit is not None else b""

    def close(self) -> None:
        """Free the net and its memory. May be called twice."""
        if not self._open:
            return
        self._open = False
        self._context = self._engine = self._runtime = self._jit = None
        self._views = {}
        try:
            while self._graphs:
                self._cuda.free_graph(self._graphs.pop())
            while self._memory:
                self._cuda.free(self._memory.pop())
            while self._pins:
                self._cuda.unpin(self._pins.pop())
            if self._stream:
                self._cuda.close_stream(self._stream)
        except CudaError as error:  # the device is gone, and its memory with it
            log.debug("%s: %s", self._what, error)

    def _no_setup(self, reason: str, memory: bool = False) -> SetupError:
        gpu, mega = self._cuda.gpu, 1 << 20
        remedy = "use another --engine"
        if memory:
            remedy = (
                f"of its {gpu.memory_bytes // mega} MB {gpu.free_bytes // mega} were free: close "
                f"other programs that use the GPU, or {remedy}"
            )
        return SetupError(
            f"{self._what} cannot run on {gpu.name} with {self._library.version}: {reason}; "
            f"{remedy}"
        )


def _nbytes(tensor: Tensor) -> int:
    return prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
