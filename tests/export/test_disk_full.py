"""A disk that fills up while a net is written: one sentence, and no half of a file.

The limit on a file's size stops a real write half-way, as a full disk does.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from live.errors import EXIT_BAD_INPUT
from live.pose.weights import fetch_pose_weights
from tests.export.student_subject import lively_student, write_student_subject

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX' limits")
PROGRAM = """
import importlib, resource, sys
main = importlib.import_module(sys.argv[1]).main
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(main(sys.argv[2:]))
"""


def on_a_full_disk(module: str, *arguments: str | Path) -> str:
    """What the command says."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, module, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == EXIT_BAD_INPUT, done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr and "make room" in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@POSIX
def test_the_generator_in_other_number_formats(tmp_path: Path) -> None:
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    out = tmp_path / "out"
    assert "generator.fp32.onnx cannot be written" in on_a_full_disk(
        "export.precision", bundle, "--out", out
    )
    assert list(out.iterdir()) == []


@POSIX
def test_the_pose_networks(tmp_path: Path) -> None:
    fetch_pose_weights(progress=False)  # into the store, from which the command takes them
    out = tmp_path / "out"
    assert "pose_detection.onnx cannot be written" in on_a_full_disk("export.pose_to_onnx", out)
    assert list(out.iterdir()) == []


@POSIX
def test_the_8_bit_generator(tmp_path: Path) -> None:
    """Its quantizer hands the nets over in files of its own."""
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    out = tmp_path / "out"
    said = on_a_full_disk("export.quantize", bundle, "--out", out, "--seconds", "0")
    assert "the 8-bit net cannot be made: no files can be written to" in said
    assert not out.exists()
