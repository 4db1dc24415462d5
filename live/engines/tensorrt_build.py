"""ONNX -> a TensorRT or TensorRT-RTX engine, as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from live.engines.base import Tensor
from live.engines.onnx_bytes import refuse_external_data
from live.engines.tensorrt_library import Library, created
from live.errors import SetupError, SubjectError

Progress = Callable[[float], None]
"""Called with the share of a build that is done, in [0, 1], never less than before."""

_DTYPES = {"FLOAT": "float32", "HALF": "float16", "UINT8": "uint8", "INT32": "int32"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A built engine."""

    content: bytes
    timing: bytes  # TensorRT's timing cache, to build faster next time; b"" with RTX
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def build_plan(
    library: Library,
    model: bytes,
    what: str,
    capability: str = "",
    timing: bytes = b"",
    progress: Progress | None = None,
) -> Plan:
    """Compile `model`; `what` names it in errors.

    The network is strongly typed: it computes in the types that the model states, with TF32 off,
    so float32 means float32. `capability` ("sm_89") is the GPU to build for, only with RTX, which
    needs none at hand; without one it is the GPU of this machine. `timing` is a former `Plan`'s.

    Raises SubjectError for a model that is none, SetupError that names layer and operator where
    the library does not take one, and where memory or the GPU do not suffice.
    """
    refuse_external_data(model, what)
    api = library.api
    builder = _made(created(lambda: api.Builder(library.logger)), library, what)
    typed = 1 << int(api.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = _made(builder.create_network(typed), library, what)
    parser = api.OnnxParser(network, library.logger)
    if not parser.parse(model):
        raise _refusal(parser, library, what)
    inputs = [network.get_input(n) for n in range(network.num_inputs)]
    outputs = [network.get_output(n) for n in range(network.num_outputs)]
    if not outputs:
        raise SubjectError(
            f"{what} cannot be loaded: it is no ONNX model, or one that gives nothing"
        )
    config = builder.create_builder_config()
    config.clear_flag(api.BuilderFlag.TF32)
    if capability:
        _aim(config, library, capability)
    cache = None
    if not library.flavour.portable:  # with RTX it has no effect and is deprecated
        cache = config.create_timing_cache(timing)
        # What another card or version has measured is not ignored but thrown away.
        if not config.set_timing_cache(cache, False):
            cache = config.create_timing_cache(b"")
            config.set_timing_cache(cache, False)
    if progress is not None:
        config.progress_monitor = _monitor(api, progress)
    content = builder.build_serialized_network(network, config)
    if content is None:
        raise _failure(library, what)
    return Plan(
        content=bytes(content),
        timing=bytes(cache.serialize()) if cache is not None else b"",
        inputs=tuple(tensor_of(t.name, t.shape, t.dtype, what) for t in inputs),
        outputs=tuple(tensor_of(t.name, t.shape, t.dtype, what) for t in outputs),
    )


def tensor_of(name: str, shape: Any, dtype: Any, what: str) -> Tensor:
    """Ours for theirs. Raises SubjectError for open shapes and types that we do not feed."""
    sides = tuple(int(side) for side in shape)
    if not all(side > 0 for side in sides):
        raise SubjectError(f"{what}: {name} has the open shape {sides}; export it static")
    if dtype.name not in _DTYPES:
        raise SubjectError(f"{what}: {name} is {dtype.name}; known are {sorted(_DTYPES)}")
    return Tensor(name, sides, _DTYPES[dtype.name])


def capabilities(library: Library) -> list[str]:
    """The GPUs that RTX can be told to build for: ["sm_75", ...], oldest first."""
    names = library.api.ComputeCapability.__members__
    numbers = [int(name[2:]) for name in names if name[2:].isdigit()]
    return [f"sm_{number}" for number in sorted(numbers)]


def _aim(config: Any, library: Library, capability: str) -> None:
    known = capabilities(library)
    if capability not in known:
        raise SetupError(
            f"{library.version} builds for {', '.join(known)}, not for {capability}; use "
            f"--engine tensorrt or cuda on that GPU"
        )
    config.num_compute_capabilities = 1
    target = library.api.ComputeCapability.__members__[capability.replace("sm_", "SM")]
    if not config.set_compute_capability(target, 0):
        raise SetupError(f"{library.version} refuses {capability}: {library.messages.reason()}")


def _made(thing: Any, library: Library, what: str) -> Any:
    """`thing`, or the failure where the library gave none."""
    if thing is None:
        raise _failure(library, what)
    return thing


def _refusal(parser: Any, library: Library, what: str) -> Exception:
    """The parser's first complaint: which operator, in which layer, and why."""
    library.messages.reason()
    if not parser.num_errors:
        return SubjectError(f"{what} cannot be loaded: it is no ONNX model")
    error = parser.get_error(0)
    if not error.node_operator():
        return SubjectError(f"{what} cannot be loaded: {_short(error.desc())}")
    return SetupError(
        f"{what}: {library.version} does not take the operator {error.node_operator()} in layer "
        f"{error.node_name() or error.node()} ({_short(error.desc())}); export the subject again "
        f"with this version, or use --engine cuda or cpu"
    )


def _failure(library: Library, what: str) -> SetupError:
    reason = library.messages.reason()
    remedy = "use --engine cuda or cpu"
    if "out of memory" in reason.lower() or "outofmemory" in reason.lower():
        remedy = "the GPU's memory is full: close other programs that use it, or " + remedy
    elif "driver" in reason.lower():
        remedy = "install a newer NVIDIA driver, or " + remedy
    return SetupError(f"{what} cannot be built with {library.version}: {reason}; {remedy}")


def _short(text: str) -> str:
    # Without the source lines of their own that follow, which tell the person at the desk nothing.
    line = " ".join(text.split("[checkMacros")[0].split())
    return line[:300]


class BuildShare:
    """The share of a build that is done, from its tree of phases."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phases: dict[str, tuple[str | None, int, int]] = {}  # name -> parent, steps, done
        self._shown = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase begins, within a step of `parent`."""
        self._phases[name] = (parent, max(steps, 1), 0)

    def step(self, name: str, number: int) -> None:
        """Step `number`, counted from 0, of a phase is done."""
        parent, steps, _ = self._phases[name]
        self._phases[name] = (parent, steps, min(number + 1, steps))
        self._show(self._share(name))

    def finish(self, name: str) -> None:
        """A phase is over, maybe before its last step."""
        parent, _, _ = self._phases.pop(name)
        if parent is None:
            self._show(1.0)

    def _share(self, name: str) -> float:
        parent, steps, done = self._phases[name]
        share = done / steps
        while parent is not None and parent in self._phases:
            above, steps, done = self._phases[parent]
            share = min((done + share) / steps, 1.0)
            parent = above
        return share

    def _show(self, share: float) -> None:
        self._shown = max(share, self._shown)  # a phase within may begin anew
        self._progress(self._shown)


def _monitor(api: Any, progress: Progress) -> Any:
    share = BuildShare(progress)

    class Monitor(api.IProgressMonitor):  # type: ignore[misc]  # its base is only known now
        def __init__(self) -> None:
            api.IProgressMonitor.__init__(self)

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            share.start(name, parent, steps)

        def step_complete(self, name: str, number: int) -> bool:
            share.step(name, number)
            return True

        def phase_finish(self, name: str) -> None:
            share.finish(name)

    return Monitor()
