from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from live.engines.failover import FailoverEngine
from live.engines.onnx_bytes import refuse_external_data
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import (
    CUDA,
    HOST,
    TENSORRT,
    OnnxRuntimeDeviceEngine,
    Provider,
)
from live.errors import SetupError, SubjectError
from tests.live.engines.nets import fading_generator, label, weights_elsewhere

ROOT = Path(__file__).parents[3]


def available() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


@pytest.mark.parametrize("provider", [CUDA, TENSORRT], ids=lambda p: p.short)
def test_a_provider_that_is_not_there_is_an_error_with_the_pip_line(provider: Provider) -> None:
    if provider.name in available():
        pytest.skip(f"this onnxruntime has {provider.name}")
    with pytest.raises(SetupError, match=f"has no {provider.name}.*pip install 'onnxruntime-gpu"):
        OnnxRuntimeDeviceEngine(fading_generator(), "net", provider)


def test_what_a_provider_leaves_to_the_cpu_is_an_error() -> None:
    """onnxruntime's Azure provider computes nothing by itself, and is in every wheel."""
    azure = Provider("AzureExecutionProvider", "azure", "cuda", "pip install onnxruntime")
    if azure.name not in available():
        pytest.skip("this onnxruntime has no Azure provider")
    with pytest.raises(SetupError, match="would leave the rest to the CPU"):
        OnnxRuntimeDeviceEngine(fading_generator(), "net", azure)


def test_a_full_device_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    def full(*_: object) -> None:
        raise RuntimeError("CUDA failure 2: out of memory ; GPU=0")

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_shape_and_type", full)
    with pytest.raises(
        SetupError, match=r"net cannot run on onnxruntime-bound: CUDA .*; close other programs"
    ):
        OnnxRuntimeDeviceEngine(fading_generator(), "net", HOST)


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 9",
         "close other programs that use the GPU, or use another --engine"),
        ("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0",
         "install a newer NVIDIA driver, or use another --engine"),
        ("CUDNN failure 1001: CUDNN_STATUS_NOT_INITIALIZED", "use another --engine"),
    ],
)  # fmt: skip
def test_a_session_that_the_machine_cannot_open_is_not_blamed_on_the_bundle(
    monkeypatch: pytest.MonkeyPatch, says: str, remedy: str
) -> None:
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

    def fails(*_: object, **__: object) -> None:
        raise RuntimeException(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {says}")

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA.name])
    monkeypatch.setattr(onnxruntime, "InferenceSession", fails)
    with pytest.raises(SetupError, match=r"net of cuda-demo cannot run on cuda: .*") as found:
        OnnxRuntimeDeviceEngine(fading_generator(), "net of cuda-demo", CUDA)
    assert says in str(found.value) and str(found.value).endswith(f"; {remedy}")


def test_a_bad_model_is_the_bundles_fault_on_a_device_too() -> None:
    azure = Provider("AzureExecutionProvider", "azure", "cuda", "pip install onnxruntime")
    if azure.name not in available():
        pytest.skip("this onnxruntime has no Azure provider")
    for model in (fading_generator(op="Teleport"), weights_elsewhere("initializer"), b"no model"):
        with pytest.raises(SubjectError, match="net of cuda-demo cannot be loaded"):
            OnnxRuntimeDeviceEngine(model, "net of cuda-demo", azure)


@pytest.mark.parametrize("noticed_by", ["run", "reset", "sound"])
def test_a_gpu_that_is_gone_is_an_error_that_the_standby_takes_over_at(
    noticed_by: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """None of ONNX Runtime's own exceptions is a RuntimeError, and that is what it waits for."""
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import EPFail

    def gone(*_: object) -> None:
        raise EPFail("[ONNXRuntimeError] : 11 : EP_FAIL : CUDA failure 719: unspecified launch")

    feedback = {"next_state": "state"}
    engine = FailoverEngine(
        OnnxRuntimeDeviceEngine(fading_generator(), "net", HOST, feedback),
        OnnxRuntimeEngine(fading_generator(), "net", 1, feedback),
        "net",
    )
    engine.run({"label": label(1)})
    for name in ("update_inplace", "numpy"):
        monkeypatch.setattr(onnxruntime.OrtValue, name, gone)
    if noticed_by == "reset":
        engine.reset()
    elif noticed_by == "sound":
        assert engine.sound()
    assert engine.run({"label": label(2)})["rgba"].any()
    assert engine.failed_over and "onnxruntime-bound failed in the show (net on" in caplog.text
    assert "CUDA failure 719" in caplog.text
    engine.close()


def test_without_feedback_every_output_is_given() -> None:
    engine = OnnxRuntimeEngine(fading_generator(), "net", 2)
    state = np.ones((1, 4, 16, 24), np.float32)
    found = engine.run({"label": label(3), "state": state})
    assert set(found) == {"rgba", "next_state"}
    assert found["next_state"].min() >= 0.5
    engine.close()


def test_a_missing_onnxruntime_gives_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SetupError, match="pip install 'onnxruntime'"):
        OnnxRuntimeEngine(fading_generator(), "net")


def test_an_unknown_operator_is_named_with_its_layer() -> None:
    with pytest.raises(SubjectError, match=r"cannot be loaded: .*the_sum.*Teleport"):
        OnnxRuntimeEngine(fading_generator(op="Teleport"), "net")


@pytest.mark.parametrize("place", ["initializer", "constant", "branch", "sparse", "function"])
def test_weights_in_other_files_are_refused(place: str) -> None:
    with pytest.raises(SubjectError, match=r"'weight' lies in another file .*export it again"):
        OnnxRuntimeEngine(weights_elsewhere(place), "generator of x")


def test_external_data_without_its_flag_is_refused() -> None:
    """Runtimes differ in which of the two fields they heed."""
    model = onnx.load_from_string(weights_elsewhere("initializer"))
    model.graph.initializer[-1].data_location = TensorProto.DEFAULT
    with pytest.raises(SubjectError, match="another file"):
        refuse_external_data(model.SerializeToString(), "x")


def test_a_whole_model_passes() -> None:
    refuse_external_data(fading_generator(), "x")


@pytest.mark.parametrize(
    "model",
    [b"", b"\xff" * 40, b"no model at all", fading_generator()[:-30], b"\x0a", b"\x3a\xff\x01ab"],
)
def test_what_is_no_model_is_refused(model: bytes) -> None:
    with pytest.raises(SubjectError, match="x cannot be loaded"):
        OnnxRuntimeEngine(model, "x")


def test_an_open_shape_and_a_strange_type_are_refused() -> None:
    model = onnx.load_from_string(fading_generator())
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "height"
    with pytest.raises(SubjectError, match="label has the open shape"):
        OnnxRuntimeEngine(model.SerializeToString(), "x")
    strange = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["a"], ["b"])],
            "strange",
            [helper.make_tensor_value_info("a", TensorProto.DOUBLE, [1])],
            [helper.make_tensor_value_info("b", TensorProto.DOUBLE, [1])],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    with pytest.raises(SubjectError, match=r"a is tensor\(double\)"):
        OnnxRuntimeEngine(strange.SerializeToString(), "x")


@pytest.mark.skipif(sys.platform == "win32", reason="there its reports are kept elsewhere")
def test_onnxruntime_reports_nothing(tmp_path: Path) -> None:
    """Its uploader keeps a store and an identifier on disk; as we load it, there is neither."""
    model = tmp_path / "net.onnx"
    model.write_bytes(fading_generator())
    program = (
        "import sys; from pathlib import Path\n"
        "from live.engines.onnx_runtime import OnnxRuntimeEngine\n"
        "OnnxRuntimeEngine(Path(sys.argv[1]).read_bytes(), 'net').close()"
    )
    places = {name: str(tmp_path / "kept") for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    clean = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | places
    subprocess.run([sys.executable, "-c", program, model], env=clean, check=True, cwd=ROOT)
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []
