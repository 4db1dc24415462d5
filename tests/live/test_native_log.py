"""Only the known chatter is kept off the terminal."""

from __future__ import annotations

import os
import tempfile

import pytest

from live.native_log import quiet_native_log
from live.pose.mediapipe_tasks import CHATTER


def test_chatter_goes_and_errors_stay(capfd: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        with quiet_native_log(CHATTER):  # one thread may nest
            os.write(2, b"W0000 1.2 3 inference_feedback_manager.cc:121] Feedback manager ...\n")
        os.write(2, b"E0000 the model is broken\n")
        raise RuntimeError

    with pytest.raises(RuntimeError), quiet_native_log(CHATTER):
        body()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 the model is broken\nafter\n"


def test_where_nothing_can_be_held_back_it_chatters(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with quiet_native_log(CHATTER):
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
    assert "XNNPACK" in capfd.readouterr().err


def test_a_terminal_that_is_gone_does_no_harm() -> None:
    """As after `run_live.py 2>&1 | head`: what was held back has nobody to go to."""
    kept = os.dup(2)
    reader, writer = os.pipe()
    try:
        os.dup2(writer, 2)
        os.close(reader)
        with quiet_native_log(CHATTER):
            os.write(2, b"E0000 the model is broken\n")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(writer)
