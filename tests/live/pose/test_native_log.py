"""Only the known chatter is kept off the terminal."""

from __future__ import annotations

import os

import pytest

from live.pose.native_log import quiet_native_log


def test_chatter_goes_and_errors_stay(capfd: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        with quiet_native_log():  # one thread may nest
            os.write(2, b"W0000 1.2 3 inference_feedback_manager.cc:121] Feedback manager ...\n")
        os.write(2, b"E0000 the model is broken\n")
        raise RuntimeError

    with pytest.raises(RuntimeError), quiet_native_log():
        body()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 the model is broken\nafter\n"
