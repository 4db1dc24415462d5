"""Keeps a native library's start-up chatter off the terminal, and nothing else."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# TFLite's and absl's notes of no consequence; they obey no environment variable.
_CHATTER = re.compile(
    rb"Created TensorFlow Lite XNNPACK delegate"
    rb"|Logging before InitGoogle\(\)"
    rb"|inference_feedback_manager\.cc"
    rb"|landmark_projection_calculator\.cc"
)

# Two threads interleaved would leave descriptor 2 held for good; one may nest.
_one_at_a_time = threading.RLock()


@contextmanager
def quiet_native_log() -> Iterator[None]:
    """Within, file descriptor 2 is held back; at the end all but the known chatter is written out.

    Python's own `sys.stderr` writes there too and is held back with it.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            rest = [line for line in held if not _CHATTER.search(line)]
            os.write(2, b"".join(rest))
