"""ONNX Runtime: the one home of `onnxruntime`, and its CPU provider."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Tensor, check_feedback, check_feeds
from live.engines.onnx_bytes import refuse_external_data
from live.errors import SetupError, SubjectError

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(float16)": "float16"}


class OnnxRuntimeEngine:
    """A net on ONNX Runtime's CPU provider; see `live.engines.base.RecurrentEngine`."""

    name = "onnxruntime-cpu"
    check_every = 1  # the numbers are at hand

    def __init__(
        self, model: bytes, what: str, threads: int = 1, feedback: Feedback | None = None
    ) -> None:
        """Load `model`; `what` names it in errors; `threads` computes one operator.

        Raises SetupError when onnxruntime is absent, SubjectError when the model cannot be loaded.
        """
        self._what = what
        options = session_options(threads)
        self._session: Any = open_session(model, what, options, ["CPUExecutionProvider"])
        self.inputs, self.outputs = tensors_of(self._session, what)
        self.feedback = dict(feedback or {})
        check_feedback(self.inputs, self.outputs, self.feedback, what)
        self._names = [tensor.name for tensor in self.outputs]
        taken = set(self.feedback.values())
        self._fed = tuple(tensor for tensor in self.inputs if tensor.name not in taken)
        self.reset()

    def reset(self) -> None:
        """Begin anew: zeros are fed into the next run."""
        self._state: dict[str, NDArray[Any]] = {
            tensor.name: np.zeros(tensor.shape, tensor.dtype)
            for tensor in self.inputs
            if tensor not in self._fed
        }

    def sound(self) -> bool:
        """Whether every number that the next run is fed back is finite."""
        return all(bool(np.isfinite(array).all()) for array in self._state.values())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute the outputs; new arrays each time. GIL released meanwhile.

        Raises RuntimeError when the net cannot be computed.
        """
        if self._session is None:
            raise RuntimeError(f"{self._what} was closed")
        if self.feedback:
            check_feeds(feeds, self._fed, self._what)
        try:
            results = self._session.run(self._names, {**feeds, **self._state})
        except Exception as error:  # its exception classes live in a private module
            raise RuntimeError(f"{self._what}: {first_line(error)}") from error
        outputs = dict(zip(self._names, results, strict=True))
        self._state = {target: outputs.pop(source) for source, target in self.feedback.items()}
        return outputs

    def close(self) -> None:
        """Free the net. May be called twice."""
        self._session = None


def load_onnxruntime() -> Any:
    """The module, told to report nothing. Raises SetupError where it cannot be imported.

    Its official builds report their use to Microsoft, from the moment of the import;
    this variable is the one way to stop all of it. Whoever sets it to 0 wants that.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise SetupError(
            f"onnxruntime cannot be imported ({error}); pip install 'onnxruntime' "
            f"(or 'onnxruntime-gpu' on a machine with an NVIDIA card)"
        ) from error
    return onnxruntime


def session_options(threads: int) -> Any:
    """What every session of ours is opened with; `threads` computes one operator on the CPU."""
    options = load_onnxruntime().SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores that pose and encoder need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def open_session(model: bytes, what: str, options: Any, providers: list[Any]) -> Any:
    """A session on `providers`, each a name or (name, options).

    Raises SubjectError for a model that cannot be loaded there.
    """
    refuse_external_data(model, what)
    try:
        return load_onnxruntime().InferenceSession(model, options, providers=providers)
    except Exception as error:  # its exception classes live in a private module
        raise SubjectError(f"{what} cannot be loaded: {first_line(error)}") from error


def tensors_of(session: Any, what: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """(inputs, outputs) of a session. Raises SubjectError for open shapes and unknown types."""
    return (
        tuple(_tensor(node, what) for node in session.get_inputs()),
        tuple(_tensor(node, what) for node in session.get_outputs()),
    )


def _tensor(node: Any, what: str) -> Tensor:
    shape = node.shape
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise SubjectError(f"{what}: {node.name} has the open shape {shape}; export it static")
    if node.type not in _DTYPES:
        raise SubjectError(f"{what}: {node.name} is {node.type}; known are {sorted(_DTYPES)}")
    return Tensor(node.name, tuple(shape), _DTYPES[node.type])


def first_line(error: BaseException) -> str:
    """What `error` says, in one line of at most 300 letters."""
    text = re.sub(r"\s+", " ", str(error)).strip()
    return text[:300] or type(error).__name__
