"""ONNX Runtime, CPU provider. The one home of `onnxruntime`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from live.engines.base import Tensor
from live.errors import SetupError, SubjectError

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(float16)": "float16"}


class OnnxRuntimeEngine:
    """A net on ONNX Runtime's CPU provider; see `live.engines.base.Engine`."""

    name = "onnxruntime-cpu"

    def __init__(self, model: bytes, what: str, threads: int = 1) -> None:
        """Load `model`; `what` names it in errors; `threads` computes one operator.

        Raises SetupError when onnxruntime is absent, SubjectError when the model cannot be loaded.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise SetupError(
                f"onnxruntime cannot be imported ({error}); pip install 'onnxruntime' "
                f"(or 'onnxruntime-gpu' on a machine with an NVIDIA card)"
            ) from error
        self._what = what
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would take the cores that pose and encoder need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exception classes live in a private module
            raise SubjectError(f"{what} cannot be loaded: {_first_line(error)}") from error
        self.inputs = tuple(_tensor(node, what) for node in self._session.get_inputs())
        self.outputs = tuple(_tensor(node, what) for node in self._session.get_outputs())
        self._names = [tensor.name for tensor in self.outputs]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute every output; new arrays each time. GIL released meanwhile.

        Raises RuntimeError when the net cannot be computed.
        """
        if self._session is None:
            raise RuntimeError(f"{self._what} was closed")
        try:
            results = self._session.run(self._names, dict(feeds))
        except Exception as error:  # its exception classes live in a private module
            raise RuntimeError(f"{self._what}: {_first_line(error)}") from error
        return dict(zip(self._names, results, strict=True))

    def close(self) -> None:
        """Free the net. May be called twice."""
        self._session = None


def _tensor(node: Any, what: str) -> Tensor:
    shape = node.shape
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise SubjectError(f"{what}: {node.name} has the open shape {shape}; export it static")
    if node.type not in _DTYPES:
        raise SubjectError(f"{what}: {node.name} is {node.type}; known are {sorted(_DTYPES)}")
    return Tensor(node.name, tuple(shape), _DTYPES[node.type])


def _first_line(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return text[:300] or type(error).__name__
