"""Who races in `benchmarks.engines`: our engines, and everybody else's way to run the same net.

Each contender builds a runner for a net, or raises SetupError that says why it cannot here.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from benchmarks.contest_nets import Feeds, Net, in_turn
from benchmarks.devices import FLAVOURS, NAMES, open_on_gpu
from benchmarks.torch_device import TorchOnDevice, cuda_device, on_device
from export.engine_quantize import KINDS, to_8_bits
from export.engine_ranges import conv_ranges
from export.int8 import quantized
from export.precision import as_float16, as_float32
from export.race import Player
from export.rebuild import student_from_onnx
from export.torch_engine import TorchEngine
from live.engines.base import Engine
from live.engines.choose import FEEDBACK
from live.engines.cuda_memory import open_cuda
from live.engines.onnx_runtime import OnnxRuntimeEngine, load_onnxruntime
from live.errors import SetupError
from live.pose.blazepose import BlazePose
from live.pose.blazepose_nets import pose_nets
from live.pose.mediapipe_tasks import MediaPipePose


@dataclass(frozen=True, slots=True)
class Runner:
    """A net that is ready to run."""

    run: Callable[[], object]  # one picture, or one pose
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run a net."""

    engine: str
    precision: str  # "fp32", "fp16", "int8"; "mixed" where a package decides
    threads: int
    package: str  # imported before memory and build time are taken
    build: Callable[[Net, int], Runner]  # net, threads; raises SetupError


def contenders(net: Net, threads: int) -> list[Contender]:
    """Who can run `net` in principle, with one thread and with `threads`."""
    counts = sorted({1, threads})
    if net.frames:
        return _trackers(counts)
    found = [Contender("onnxruntime-cpu (ours)", "fp32", n, "onnxruntime", _ours) for n in counts]
    if net.labels:
        found += [
            *(Contender("onnxruntime-cpu (ours)", "int8", n, "onnxruntime", _int8) for n in counts),
            Contender("onnxruntime-cpu (ours)", "fp16", 1, "onnxruntime", _halves),
            *(Contender("torch eager", "fp32", n, "torch", _eager) for n in counts),
            *(Contender("torch.compile", "fp32", n, "torch", _compiled) for n in counts),
        ]
    if net.module is not None:
        found += [
            *(Contender("torch eager", "fp32", n, "torch", _module) for n in counts),
            *(Contender("torch.compile", "fp32", n, "torch", _compiled_module) for n in counts),
        ]
    # Its own defaults take every core, and spin on them.
    found.append(Contender("onnxruntime defaults", "fp32", threads, "onnxruntime", _defaults))
    found += [Contender("openvino", "fp32", n, "openvino", _openvino) for n in counts]
    found.append(Contender("openvino, its choice", "mixed", threads, "openvino", _openvino_free))
    torch_gpu = TORCH_GPU if net.labels or net.module is not None else ()
    return [*found, *GPU, *(GPU_8_BITS if net.labels else ()), *torch_gpu]


def _trackers(counts: list[int]) -> list[Contender]:
    ours = [
        Contender("BlazePose on onnxruntime-cpu (ours)", "fp32", n, "onnxruntime", _blazepose)
        for n in counts
    ]
    return [*ours, Contender("MediaPipe", "mixed", 1, "mediapipe", _mediapipe)]


def _ours(net: Net, threads: int) -> Runner:
    return _runner(net, _cpu(net, net.model, threads))


def _int8(net: Net, threads: int) -> Runner:
    return _runner(net, _cpu(net, int8_model(net), threads))


def _halves(net: Net, threads: int) -> Runner:
    return _runner(net, _cpu(net, as_float16(net.model), threads))


def _cpu(net: Net, model: bytes, threads: int) -> OnnxRuntimeEngine:
    """As the show runs it: a generator keeps its own state."""
    return OnnxRuntimeEngine(model, net.name, threads, FEEDBACK if net.labels else None)


def int8_model(net: Net) -> bytes:
    """For the CPU; calibrated on the net's own labels: enough to race with."""
    return quantized(net.model, _fed(net))


def gpu_8_bit_model(net: Net, kind: str) -> bytes:
    """For TensorRT, of `export.engine_quantize.KINDS`; calibrated in the same way."""
    whole = as_float32(net.model)
    return to_8_bits(whole, conv_ranges(whole, _fed(net)), kind, net.name)


def _fed(net: Net) -> list[Feeds]:
    """The net's own labels, each with the state that the last one left."""
    engine = OnnxRuntimeEngine(net.model, net.name)
    feeds: list[Feeds] = []
    play = Player(_Recording(engine, feeds), net.labels)
    for _ in net.labels:
        play()
    engine.close()
    return feeds


class _Recording:
    """An engine that notes what it is fed."""

    def __init__(self, engine: Engine, feeds: list[Feeds]) -> None:
        self._engine = engine
        self._feeds = feeds

    def run(self, feeds: Feeds) -> Feeds:
        self._feeds.append(feeds)
        return self._engine.run(feeds)


def _eager(net: Net, threads: int) -> Runner:
    return _runner(net, TorchEngine(student_from_onnx(net.model), net.size, threads))


def _compiled(net: Net, threads: int) -> Runner:
    def build() -> Runner:
        compiler = partial(_compile, threads=threads)
        student = student_from_onnx(net.model)
        return _runner(net, TorchEngine(student, net.size, threads, compiler))

    return _once_compiled(build)


def _module(net: Net, threads: int) -> Runner:
    assert net.module is not None
    return _torch_runner(net, net.module, threads)


def _compiled_module(net: Net, threads: int) -> Runner:
    return _once_compiled(lambda: _torch_runner(net, _compile(net.module, threads), threads))


def _compile(graph: Any, threads: int) -> Any:
    import torch._inductor.config as inductor

    inductor.force_disable_caches = True  # the time to build is the time without one
    torch.set_num_threads(threads)  # what is compiled has its number of threads built in
    return torch.compile(graph, dynamic=False)


def _once_compiled(build: Callable[[], Runner]) -> Runner:
    """What `build` gives, after its first run, which compiles. Raises SetupError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what its parts tell one another of their futures
            runner = build()
            runner.run()
    except Exception as error:  # whatever the compiler, or its compiler, has to say
        raise SetupError(f"torch.compile fails: {str(error).splitlines()[0][:200]}") from error
    return runner


def _torch_runner(net: Net, module: Any, threads: int) -> Runner:
    assert net.feeds is not None
    given = [torch.from_numpy(array) for array in net.feeds.values()]

    def run() -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return module(*given).numpy()

    return Runner(run, lambda: None)


def _defaults(net: Net, threads: int) -> Runner:
    """ONNX Runtime as its own first example has it: no options."""
    session = load_onnxruntime().InferenceSession(net.model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return _runner(net, _Named(lambda feeds: session.run(names, feeds), names))


def _openvino(net: Net, threads: int) -> Runner:
    return _openvino_with(net, threads, {"INFERENCE_PRECISION_HINT": "f32"})


def _openvino_free(net: Net, threads: int) -> Runner:
    return _openvino_with(net, threads, {})


def _openvino_with(net: Net, threads: int, more: dict[str, str]) -> Runner:
    openvino = import_quietly("openvino")
    core = openvino.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": str(threads)} | more
    compiled = core.compile_model(core.read_model(net.model), "CPU", settings)
    names = [output.get_any_name() for output in compiled.outputs]
    request = compiled.create_infer_request()

    def compute(feeds: Feeds) -> list[Any]:
        made = request.infer(feeds)
        return [made[name].copy() for name in names]  # its buffers are used again

    return _runner(net, _Named(compute, names))


def _blazepose(net: Net, threads: int) -> Runner:
    assert net.weights is not None
    nets = pose_nets(net.weights)
    detector = OnnxRuntimeEngine(nets.detector, "pose detector", threads)
    landmarks = OnnxRuntimeEngine(nets.landmarks, "pose landmarks", threads)
    pose = BlazePose(detector, landmarks)
    return Runner(in_turn(net.frames, pose.estimate), pose.close)


def _mediapipe(net: Net, threads: int) -> Runner:
    """Through our own class, which keeps its reports of use at home. Threads cannot be set."""
    assert net.weights is not None
    pose = MediaPipePose(net.weights)
    return Runner(in_turn(net.frames, pose.estimate), pose.close)


def _on_gpu(name: str) -> Contender:
    def build(net: Net, threads: int) -> Runner:
        feedback = FEEDBACK if net.labels else {}
        return _runner(net, open_on_gpu(name, as_float16(net.model), net.name, feedback))

    return Contender(name, "fp16", 0, "onnxruntime", build)


def _on_gpu_in_8_bits(name: str, kind: str) -> Contender:
    def build(net: Net, threads: int) -> Runner:
        open_cuda()  # before the calibration, which takes its time
        return _runner(net, open_on_gpu(name, gpu_8_bit_model(net, kind), net.name, FEEDBACK))

    return Contender(name, kind, 0, "onnxruntime", build)


GPU = tuple(_on_gpu(name) for name in NAMES)
"""Computing in halves, the state on the device."""

GPU_8_BITS = tuple(_on_gpu_in_8_bits(one.name, kind) for one in FLAVOURS for kind in KINDS)
"""The convolutions in 8 bits, all else in halves."""


def _torch_on_gpu(net: Net, threads: int) -> Runner:
    return _torch_on(net, cuda_device(), lambda graph: graph)


def _compiled_on_gpu(net: Net, threads: int) -> Runner:
    device = cuda_device()
    return _once_compiled(lambda: _torch_on(net, device, partial(_compile, threads=1)))


def _torch_on(net: Net, device: torch.device, compiler: Callable[[Any], Any]) -> Runner:
    if net.module is not None and net.feeds is not None:
        run = on_device(net.module, list(net.feeds.values()), device, compiler)
        return Runner(run, lambda: None)
    student = student_from_onnx(net.model)
    return _runner(net, TorchOnDevice(student, net.size, device, compiler))


TORCH_GPU = (
    Contender("torch eager, cuda", "fp16", 0, "torch", _torch_on_gpu),
    Contender("torch.compile, cuda", "fp16", 0, "torch", _compiled_on_gpu),
)
"""torch's own mixed precision, the state on the device."""


def _nobody(net: Net, threads: int) -> Runner:
    raise SetupError(net.missing)


NOBODY = Contender("-", "-", 0, "torch", _nobody)
"""Stands for everybody where there is no net to run."""


def import_quietly(package: str) -> Any:
    """`package`, imported. Raises SetupError with the pip line where it is absent.

    OpenVINO tells its maker of every import, unless the package that does so is not there.
    """
    if package == "openvino":
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise SetupError(f"{package} cannot be imported: pip install {package}") from error


class _Named:
    """Outputs by name, from a function that gives them in order."""

    def __init__(self, compute: Callable[[Feeds], Any], names: list[str]) -> None:
        self._compute = compute
        self._names = names

    def run(self, feeds: Feeds) -> Feeds:
        return dict(zip(self._names, self._compute(feeds), strict=True))

    def close(self) -> None:
        self._compute = _closed


def _closed(feeds: Feeds) -> Any:
    raise RuntimeError("it was closed")


def _runner(net: Net, engine: Any) -> Runner:
    """Labels in turn for a generator, the same picture for every other net."""
    if net.labels:
        return Runner(Player(engine, net.labels), engine.close)
    return Runner(lambda: engine.run(net.feeds), engine.close)
