"""Every way out of the show at once, as a person would start it: pages, WHIP, file and sound."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import wave
from pathlib import Path
from urllib.request import urlopen

import av
import cv2
import numpy as np
import pytest

from live.frames import Image
from live.options import DEMO
from tests.live.stream.endpoint import Endpoint
from tests.live.stream.pattern import psnr_db
from tests.live.stream.test_whep import until
from tests.rooms import marked_room
from tests.test_run_live import address, running

TOKEN = "a-secret-that-is-in-no-log"


def write_hum(path: Path, seconds: float = 2.0) -> Path:
    """A WAV file with a tone in it."""
    at_s = np.arange(round(seconds * 44_100)) / 44_100
    samples = (8000 * np.sin(2 * np.pi * 220 * at_s)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return path


def frames_of(path: Path) -> tuple[list[Image], float]:
    """The pictures of a recording, RGB, and the loudness of its sound (RMS of full scale)."""
    with av.open(str(path)) as film:
        pictures = [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for frame in film.decode(film.streams.video[0])
        ]
    with av.open(str(path)) as film:
        heard = [frame.to_ndarray() for frame in film.decode(film.streams.audio[0])]
    samples = np.concatenate([one.ravel() for one in heard]).astype(np.float64)
    full = 1.0 if np.abs(samples).max() <= 1.5 else 32768.0
    return pictures, float(np.sqrt(np.mean((samples / full) ** 2)))


def room_db(picture: Image, plate: Image) -> float:
    """How well the picture's border, which the figure hardly reaches, is the subject's room."""
    height, width = plate.shape[:2]
    border = np.ones((height, width), bool)
    border[40:-40, 40:-40] = False
    return psnr_db(picture[:height, :width][border], plate[border])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
async def test_all_outlets_carry_the_subject_and_end_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = marked_room()
    film = tmp_path / "show.mp4"
    monkeypatch.setitem(os.environ, "UNDERSTUDY_WHIP_TOKEN", TOKEN)
    async with Endpoint() as endpoint:
        with running(
            "--demo", "--port", 0, "--whip", endpoint.url, "--record", film,
            "--sound", write_hum(tmp_path / "hum.wav"), "--encoder", "libx264",
            "--bitrate", 2000,
        ) as show:  # fmt: skip
            url = await asyncio.to_thread(address, show)
            await until(lambda: bool(endpoint.sessions), timeout_s=30)
            published = await endpoint.pictures(30, timeout_s=60)
            hum = await asyncio.wait_for(endpoint.loudness(25), 30)
            with await asyncio.to_thread(urlopen, url + "preview.jpg", timeout=10) as still:
                preview = cv2.imdecode(np.frombuffer(still.read(), np.uint8), cv2.IMREAD_COLOR)
            with await asyncio.to_thread(urlopen, url + "status", timeout=10) as status:
                told = json.loads(status.read())
            await asyncio.sleep(2)
            show.send_signal(signal.SIGINT)
            output, _ = await asyncio.to_thread(show.communicate, timeout=20)
        assert show.returncode == 0, output
        assert [one.token for one in endpoint.posts()] == [f"Bearer {TOKEN}"]
        assert len(endpoint.farewells()) == 1, "the session was ended, not left"
    assert "Traceback" not in output
    assert TOKEN not in output
    assert (told["whip"], told["recording"]) == ("publishing", "recording")
    assert told["bitrate_kbps"] == 2000
    assert re.search(r"H264: libx264 at 512x512, 2000 kbit/s", output), output
    assert preview is not None
    recorded, loudness = frames_of(film)
    assert len(recorded) > 60
    assert 0.1 < hum < 0.3
    assert 0.1 < loudness < 0.3  # a sine of a quarter of full scale has 0.17
    for picture in (published[-1], np.asarray(preview[:, :, ::-1], np.uint8), recorded[0],
                    recorded[-1]):  # fmt: skip
        assert room_db(picture, plate) > 26, "it is the subject's room, and not the performer's"


@pytest.mark.slow
async def test_a_show_waits_for_a_phone_and_prints_its_link() -> None:
    with running(
        "--source", "browser", "--subject", DEMO / "subject", "--port", 0, "--seconds", 3
    ) as show:
        output, _ = await asyncio.to_thread(show.communicate, timeout=90)
    assert show.returncode == 0, output
    assert re.search(r"http://[\d.]+:\d+/camera#[\w-]{20,}", output), output
    assert "start the show with --host 0.0.0.0 --tls auto" in " ".join(output.split())
    assert re.search(r"pictures: .*neutral [1-9]", output), "the calm stance is shown meanwhile"
