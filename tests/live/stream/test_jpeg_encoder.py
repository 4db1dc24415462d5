from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from live.frames import Picture
from live.latest import Latest
from live.stream.jpeg_encoder import JpegEncoder, encode_jpeg, next_due
from tests.live.stream.pattern import pattern
from tests.live.stream.preview_stage import PATIENCE_S, decoded


def test_the_rate_is_capped_and_jitter_does_not_halve_it() -> None:
    rng = np.random.default_rng(1)
    due_s, passed = float("-inf"), []
    for number in range(3000):
        now_s = number / 30 + float(rng.uniform(-0.004, 0.004))
        new = next_due(due_s, now_s, 1 / 15)
        if new is not None:
            due_s = new
            passed.append(now_s)
    assert 1450 <= len(passed) <= 1500 + 1


def test_an_encoder_that_cannot_code_a_picture_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    pictures: Latest[Picture] = Latest()
    encoder = JpegEncoder(pictures, fps=60)
    got, ended = threading.Semaphore(0), threading.Event()
    encoder.start(lambda jpeg: got.release(), ended.set)
    encoder.want(True)
    for number in range(2):
        pictures.put(Picture(np.zeros((0, 0, 3), np.uint8), 0.0, number, "generated"))
        while not any("was not coded" in record.message for record in caplog.records):
            time.sleep(0.01)
        time.sleep(0.03)
    deadline_s = time.monotonic() + PATIENCE_S
    while not got.acquire(timeout=0.05) and time.monotonic() < deadline_s:
        pictures.put(Picture(pattern(1), 0.0, 1, "generated"))
    encoder.close()
    encoder.close()
    encoder.join()
    assert ended.wait(PATIENCE_S)
    assert encoder.encoded >= 1
    assert len(caplog.records) == 1


def test_a_jpeg_is_in_its_colours() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = 220
    assert np.abs(decoded(encode_jpeg(image, 90)).mean((0, 1)) - (220, 0, 0)).max() < 4
