from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from benchmarks import engines
from benchmarks.ceiling import Ceiling, best, measure_ceiling
from benchmarks.contest_nets import Net, generators, in_turn, teachers, tracker
from benchmarks.engines import EnginesOptions, chosen_nets, main, measure
from benchmarks.engines_report import table, to_json
from benchmarks.peers import GPU, GPU_8_BITS, TORCH_GPU, contenders, gpu_8_bit_model
from benchmarks.probe import probe
from export.engine_quantize import KINDS
from export.race import Player
from export.rebuild import student_from_onnx
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from live.frames import Frame
from live.pose.weights import fetch_pose_weights
from training.teacher.nets import TeacherShape
from training.tiers import TIERS

ROOT = Path(__file__).parents[2]
SIZE = (64, 96)
SMALL_TEACHER = TeacherShape(width=8, downsamplings=2, blocks=1, local_width=4, local_blocks=1)


@pytest.fixture(scope="module")
def student() -> Net:
    return generators([SIZE])[0]


def test_the_ceiling_is_a_machines() -> None:
    """Any machine: more than a pocket calculator, less than a rack."""
    found = measure_ceiling(1, 0.01)
    for value in (found.fp32_gflops, found.bf16_gflops, found.int8_gops):
        assert value is not None and 0.1 < value < 1e5
    assert found.copy_gbps is not None and 0.1 < found.copy_gbps < 1e4
    assert found.operations("int8") == found.int8_gops and found.operations("mixed") is None
    assert found.operations("fp16") is None, "no processor here computes in halves"


def test_the_better_of_two_ceilings_counts() -> None:
    one, other = Ceiling(2, 10, 20, 30, 4), Ceiling(2, 12, 19, 31, 3)
    assert best(one, other) == Ceiling(2, 12, 20, 31, 4)


def test_all_ways_on_the_cpu_paint_the_same_picture(student: Net) -> None:
    """A benchmark of something else than the net would be worth nothing."""
    pictures = {}
    for contender in contenders(student, 1):
        if contender.engine in ("torch.compile", "openvino", "openvino, its choice"):
            continue  # half a minute; and not installed for the tests
        if contender in (*GPU, *GPU_8_BITS, *TORCH_GPU):
            continue
        runner = contender.build(student, 1)
        assert isinstance(runner.run, Player)
        found = [runner.run().astype(float) for _ in range(3)][-1]
        runner.close()
        with pytest.raises(RuntimeError, match="closed"):
            runner.run()
        pictures[contender.engine, contender.precision] = found
    assert len(pictures) == 5
    expected = pictures["torch eager", "fp32"]
    assert expected.std() > 1
    for (_, precision), found in pictures.items():
        assert np.abs(found - expected).max() <= {"fp32": 1, "fp16": 4, "int8": 32}[precision]


def test_all_ways_paint_the_teachers_picture() -> None:
    for net in teachers(SMALL_TEACHER, (32, 64)):
        found = {}
        for contender in contenders(net, 1):
            if contender.engine in ("onnxruntime-cpu (ours)", "torch eager"):
                runner = contender.build(net, 1)
                made = runner.run()
                picture = made["picture"] if isinstance(made, dict) else made
                found[contender.engine] = np.array(picture)
                runner.close()
        ours, eager = found.values()
        assert ours.std() > 0.001
        assert np.abs(ours - eager).max() < 1e-4


def test_rows_are_measured_or_say_why_not() -> None:
    result = measure(
        EnginesOptions(
            seconds_per_row=0.01,
            nets=("student", "teacher"),
            sizes=(SIZE,),
            tiers=(),
            teacher=SMALL_TEACHER,
            teacher_size=(32, 64),
            threads=1,
            engines=("onnxruntime", "torch eager", "cuda", "tensorrt"),
            probes=False,
            progress=False,
        )
    )
    rows = {(row.net, row.engine, row.precision): row for row in result.rows}
    ran = [row for row in result.rows if row.why_not is None]
    assert {row.engine for row in ran} >= {"onnxruntime-cpu (ours)", "torch eager"}
    for row in ran:
        assert row.median_ms is not None and row.p95_ms is not None and row.gflops is not None
        assert row.build_s is not None and row.memory_mb is None
        assert 0 < row.median_ms <= row.p95_ms
        ceiling = result.ceilings[0].operations(row.precision)
        if row.precision == "fp16":
            assert row.share_of_ceiling is None  # no processor here computes in halves
            continue
        assert ceiling is not None and row.share_of_ceiling is not None
        assert row.share_of_ceiling == pytest.approx(row.gflops / ceiling, abs=0.01)
    one = rows["student", "torch eager", "fp32"]
    assert one.median_ms is not None and one.gflops is not None
    # 2 operations a multiply-accumulate, milliseconds: the student's own count at this size.
    assert one.gflops == pytest.approx(2 * 1.106116608 * 6144 / 65536 / one.median_ms * 1e3, 0.02)
    for name, height in (("teacher, global", 32), ("teacher, local", 64)):
        for engine in ("onnxruntime-cpu (ours)", "torch eager"):
            row = rows[name, engine, "fp32"]
            assert row.size == (height, 2 * height) and row.gflops is not None and row.gflops > 0
    text = table(result)
    assert "64x96" in text
    data = json.loads(json.dumps(to_json(result)))
    assert data["ceiling_gflops"] > 0 and data["ceiling_gbps"] > 0
    assert {"net", "size", "engine", "precision", "median_ms", "p95_ms", "gflops",
            "share_of_ceiling"} <= data["rows"][0].keys()  # fmt: skip
    assert data["machine"]["cpu"] and data["machine"]["versions"]["torch"]


def test_the_students_tiers_join_by_name() -> None:
    sizes = (("512", SIZE), ("gpu", SIZE))
    options = EnginesOptions(nets=("student",), sizes=(SIZE,), tiers=sizes)
    nets = chosen_nets(options)
    assert [net.name for net in nets] == ["student", "student, tier 512", "student, tier gpu"]
    counts = [net.macs() for net in nets]
    assert None not in counts and sorted(counts) == counts and len(set(counts)) == 3  # type: ignore[type-var]
    for net, tier in zip(nets, ("cpu", "512", "gpu"), strict=True):
        assert student_from_onnx(net.model).shape == TIERS[tier], "what runs is of that tier"
    options = EnginesOptions(nets=("student-tier-gpu",), sizes=(SIZE,), tiers=sizes)
    assert [net.name for net in chosen_nets(options)] == ["student, tier gpu"]


def test_one_teacher_is_made_without_the_other() -> None:
    """At full size each is 182 million parameters; commas part names on the command line."""
    for asked, name in (
        ("teacher-local", "teacher, local"),
        ("teacher, global", "teacher, global"),
    ):
        options = EnginesOptions(nets=(asked,), teacher=SMALL_TEACHER, teacher_size=(32, 64))
        assert [net.name for net in chosen_nets(options)] == [name]
    options = EnginesOptions(nets=("teach",), teacher=SMALL_TEACHER, teacher_size=(32, 64))
    assert len(chosen_nets(options)) == 2


def test_a_large_net_is_not_compiled_a_second_time(student: Net) -> None:
    one_thread = [c for c in contenders(student, 2) if c.threads == 1]
    probed = {c.engine for c in one_thread if engines._is_probed(c, int(engines.LARGE_MACS) + 1)}
    assert {c.engine for c in one_thread} - probed == {"torch.compile"}
    assert all(engines._is_probed(c, 10**9) for c in one_thread)
    assert all(engines._is_probed(c, None) for c in GPU), "what they take of the GPU's memory"


def test_a_gpu_engine_without_a_gpu_says_so(student: Net) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime is for GPUs")
    for contender in (*GPU, *GPU_8_BITS, *TORCH_GPU):
        assert contender.threads == 0, "that is how a GPU's row is known"
        with pytest.raises(SetupError, match=r"CUDA|Tensorrt|tensorrt|driver"):
            contender.build(student, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_8_bits_of_a_gpu_paint_the_same_picture(student: Net, kind: str) -> None:
    models = {"fp32": student.model, kind: gpu_8_bit_model(student, kind)}
    players = [
        Player(OnnxRuntimeEngine(model, name), student.labels) for name, model in models.items()
    ]
    for _ in range(3):
        expected, found = (player().astype(float) for player in players)
        assert 0 < np.abs(found - expected).max() <= 32


def test_a_probe_takes_time_and_memory(student: Net) -> None:
    place = [c.engine for c in contenders(student, 1)].index("torch eager")
    found = probe(student, place, 1)
    assert found.why_not == "" and found.build_s is not None and found.build_s > 0
    if sys.platform == "linux":
        assert found.memory_mb is not None and 1 < found.memory_mb < 2000


def test_a_tracker_gets_one_frame_after_the_other() -> None:
    frames = [Frame(np.zeros((2, 2, 3), np.uint8), n / 25, n) for n in range(3)]
    seen: list[Frame] = []
    run = in_turn(frames, seen.append)
    for _ in range(7):
        run()
    times = np.array([frame.captured_s for frame in seen])
    np.testing.assert_allclose(np.diff(times), 1 / 25)
    assert seen[3].image is frames[0].image


def test_both_trackers_find_the_performer() -> None:
    net = tracker(fetch_pose_weights(progress=False))
    for contender in contenders(net, 1):
        runner = contender.build(net, 1)
        assert sum(runner.run() is not None for _ in range(10)) >= 8
        runner.close()


def test_openvino_is_imported_without_its_messenger(tmp_path: Path) -> None:
    """Where both packages are there, only the one that computes is loaded."""
    (tmp_path / "openvino.py").write_text(
        "try:\n    import openvino_telemetry\nexcept ImportError:\n    told = False\n"
        "else:\n    told = True\n"
    )
    (tmp_path / "openvino_telemetry.py").write_text("")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from benchmarks.peers import import_quietly\n"
        "print(import_quietly('openvino').told)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--seconds-per-row", "0"], "--seconds-per-row is 0"),
        (["--threads", "-1"], "--threads is -1"),
        (["--nets", "abacus"], "abacus"),
        (["--into", "nowhere/results.json"], "no folder nowhere"),
        (["--into", "README.md"], "README.md: it holds no results"),
        (["--nets", "student", "--sizes", "32x32", "--bundle", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err
