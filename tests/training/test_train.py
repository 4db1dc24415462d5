"""The command: every stage in order, processes together, and bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from live.errors import EXIT_BAD_INPUT
from training.checkpoint import load_checkpoint
from training.nets import StudentShape
from training.run import load_trained
from training.teacher.nets import LocalEnhancer
from training.teacher.run import load_painters
from training.tiers import shape_of
from training.train import _student, main, parse

ROOT = Path(__file__).parents[2]
SMALL = [
    "--width", "8", "--downsamplings", "2", "--blocks", "2", "--local-blocks", "1",
    "--face-blocks", "1", "--critic-width", "8", "--size", "80x64", "--batch", "2",
    "--device", "cpu", "--threads", "1", "--workers", "1", "--quiet",
]  # fmt: skip


def test_all_stages_in_one_command_then_alone(tiny_data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [str(tiny_data), "--out", str(run), *SMALL]
    assert main([*command, "--steps", "2"]) == 0
    painters = load_painters(run)
    assert isinstance(painters.net, LocalEnhancer) and painters.record.size == (128, 160)
    assert painters.steps == {"global": 2, "local": 2, "face": 2} and painters.face_side == 32
    assert load_trained(run / "student").facts["steps"] == 2
    record = json.loads((run / "student" / "run.json").read_text())
    assert record["settings"]["teacher"]["run"] == str(run)
    assert main([*command, "--steps", "3", "--stages", "local"]) == 0
    assert load_painters(run).steps == {"global": 2, "local": 3, "face": 2}


def test_the_defaults_are_the_papers(tiny_data: Path, tmp_path: Path) -> None:
    options = parse([str(tiny_data), "--out", str(tmp_path)])
    assert (options.shape.width, options.shape.downsamplings, options.shape.blocks) == (64, 4, 9)
    assert options.unroll == 2 and options.temporal and options.rate == 2e-4
    assert options.foreground and options.pixel == 0
    assert not parse([str(tiny_data), "--out", "r", "--no-foreground"]).foreground
    assert _student(options).shape == StudentShape() and _student(options).batches.length == 4
    other = parse([str(tiny_data), "--out", "r", "--student-tier", "gpu", "--student-unroll", "8"])
    assert _student(other).shape == shape_of("gpu") and _student(other).batches.length == 8
    assert options.sizes == ((256, 320),) and options.size_of("local") == (512, 640)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--steps", "1"], "dataset.json is missing"),
        (["DATA", "--steps", "0"], "above 0"),
        (["DATA", "--steps", "1", "--minutes", "1"], "either"),
        (["DATA", "--stages", "all"], "known: global, local, face, student"),
        (["DATA", "--size", "big"], "write width x height"),
        (["DATA", "--size", "80x62"], "would do"),
        (["DATA", "--size", "80x64", "160x128", "320x256"], "3 sizes"),
        (["DATA", "--unroll", "1"], "within 2 and 32"),
        (["DATA", "--width", "7"], "twice local_width"),
        (["DATA", "--backbone", "alexnet"], "known: efficientnet, vgg19"),
        (["DATA", "--student-tier", "huge"], "known: cpu, 512, gpu"),
        (["DATA", "--student-unroll", "0"], "within 1 and 64"),
        (["DATA", "--batch", "0"], "above 0"),
        (["DATA", "--device", "tpu"], "known: auto, cpu, cuda"),
        (["DATA", "--stages", "face", "--size", "80x64"], "no trained teacher"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    words: str,
    tiny_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(tiny_data) if a == "DATA" else a for a in arguments]
    assert main([*given, "--out", str(tmp_path / "run")]) == EXIT_BAD_INPUT
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def torchrun(processes: int, *arguments: str, fails: bool = False) -> str:
    """Runs to its end, which is a failure where it `fails`; returns what it said."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes),
        "--standalone", *arguments,
    ]  # fmt: skip
    told = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=200, check=False
    )
    assert bool(done.returncode) == fails, done.stderr[-3000:]
    return done.stderr


@pytest.mark.slow
def test_two_processes_train_what_one_does(tiny_data: Path, tmp_path: Path) -> None:
    """At an equal batch over all: the same losses, gradients and, nearly, weights.

    Steps of 1e-5 first: Adam's first steps are the rate's size whatever the gradient's, so where a
    gradient is all but 0, as a bias' before a normalization is, rounding decides its sign; in small
    steps that stays without consequence, and gradients can be held against each other.
    """
    common = [str(tiny_data), *SMALL, "--stages", "global,local", "--steps", "4", "--rate", "1e-5"]
    torchrun(2, "-m", "training.train", *common, "--out", str(tmp_path / "two"))
    assert main([*common, "--out", str(tmp_path / "one")]) == 0
    for stage in ("global", "local"):
        a, b = (load_checkpoint(tmp_path / run / stage) for run in ("one", "two"))
        assert a is not None and b is not None and a["step"] == b["step"] == 4
        assert a["samples"] == b["samples"] == 8
        for net, adam in (("net", "adam"), ("critic", "critic_adam")):
            kernels = [key for key in a[net] if a[net][key].ndim == 4]
            moved = 4 * 1e-5  # at most, by four steps; a tenth of it is such rounding
            assert all((a[net][key] - b[net][key]).abs().mean() < moved / 10 for key in kernels)
            for key, state in a[adam]["state"].items():
                if state["exp_avg"].ndim == 4:
                    gap = (state["exp_avg"] - b[adam]["state"][key]["exp_avg"]).norm()
                    assert gap < 0.25 * state["exp_avg"].norm()
        logs = [(tmp_path / run / stage / "log.jsonl").read_text() for run in ("one", "two")]
        first, other = (json.loads(text.splitlines()[0]) for text in logs)
        for name in ("total", "critic", "features", "perceptual"):
            assert first[name] == pytest.approx(other[name], rel=1e-3)


APART = """
import os, sys
from training.train import main
sys.argv[sys.argv.index("--out") + 1] += os.environ["RANK"]
sys.exit(main())
"""


@pytest.mark.slow
def test_processes_that_find_different_checkpoints_do_not_go_on(
    tiny_data: Path, tmp_path: Path
) -> None:
    """As on two machines that share no folder: one of them would begin anew, unnoticed."""
    script = tmp_path / "apart.py"
    script.write_text(APART)
    common = [str(tiny_data), *SMALL, "--stages", "global", "--steps", "2"]
    assert main([*common, "--out", str(tmp_path / "run0")]) == 0
    said = torchrun(2, str(script), *common, "--out", str(tmp_path / "run"), fails=True)
    assert "find different checkpoints" in said and "all machines share" in said


MORTAL = """
import os, signal, sys
from training.teacher.trainer import TeacherTrainer
from training.train import main
train = TeacherTrainer.train
def mortal(self, *given):
    if (self.step, self.world.rank, os.environ["TORCHELASTIC_RESTART_COUNT"]) == (3, 1, "0"):
        os.kill(os.getpid(), signal.SIGKILL)
    return train(self, *given)
TeacherTrainer.train = mortal
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_after_a_lost_worker_torchrun_goes_on_where_it_was(tiny_data: Path, tmp_path: Path) -> None:
    """A checkpoint a step, and the second process dies before step 4."""
    script = tmp_path / "mortal.py"
    script.write_text(MORTAL)
    said = torchrun(
        2, "--max-restarts", "1", str(script), str(tiny_data), "--out", str(tmp_path / "run"),
        *SMALL, "--stages", "global", "--steps", "6", "--save-every", "0",
    )  # fmt: skip
    assert "going on at step 3" in said
    content = load_checkpoint(tmp_path / "run" / "global")
    assert content is not None and content["step"] == 6


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_stage_trains_what_a_plain_one_does(tiny_data: Path, tmp_path: Path) -> None:
    """For real, by torch's own compiler, which writes C++ for CPUs; a net that is soon compiled.

    In a process of its own: its compiler starts processes, and warns of torch's own old parts.
    """
    tiny = ["--width", "4", "--downsamplings", "1", "--blocks", "1"]
    single = ["--stages", "global", "--frame-by-frame", "--unroll", "1"]
    common = [str(tiny_data), *SMALL, *tiny, *single, "--rate", "1e-5", "--steps", "3"]
    told = {
        **os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "training.train", *common, "--compile",
        "--out", str(tmp_path / "compiled"),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert list((tmp_path / "cache").rglob("*.so")), "nothing was compiled"
    assert main([*common, "--out", str(tmp_path / "plain")]) == 0
    a, b = (load_checkpoint(tmp_path / run / "global") for run in ("plain", "compiled"))
    assert a is not None and b is not None and a["step"] == b["step"] == 3
    assert a["net"].keys() == b["net"].keys()
    for part in ("net", "critic"):
        gaps = [float((a[part][key] - b[part][key]).abs().max()) for key in a[part]]
        assert max(gaps) <= 2 * 3 * 1e-5  # Adam's steps are of the rate's size
    moments = [c["adam"]["state"] for c in (a, b)]
    for key in moments[0]:
        one, other = (m[key]["exp_avg"] for m in moments)
        if one.ndim == 4:  # a bias before a normalization has no gradient but rounding
            assert (one - other).norm() < 0.25 * one.norm()
