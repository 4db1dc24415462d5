"""Whatever a stage meets, through the whole command: one sentence and code 2, or it goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import groupby, islice
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

import run_live
from live.frames import Image, Picture
from live.options import DEMO
from live.pose.weights import fetch_pose_weights
from live.skeleton import BODY_25, INDEX
from live.sources import camera
from live.sources.file import read_through
from live.stream.hub import Hub
from live.stream.hub_counts import Published
from live.stream.server import ShowServer
from live.subject import write_subject
from tests.live.sources.clips import (
    steady_ms,
    write_audio,
    write_clip,
    write_cut_off,
    write_portrait,
)
from tests.live.stream.test_offer import REAL, only
from tests.test_run_live import ROOT, command
from tests.tiny_subject import (
    label_generator,
    standing,
    tiny_files,
    tiny_manifest,
    write_tiny_subject,
)

PERFORMER = DEMO / "performer.mp4"


class Recorder(Hub):
    """The hub, which also notes on what rung each picture stood."""

    def __init__(self) -> None:
        super().__init__()
        self.rungs: list[str] = []

    def publish(self, picture: Picture) -> Published:
        self.rungs.append(picture.rung)
        return super().publish(picture)

    def story(self) -> list[str]:
        """The rungs in their order, each as often as it was come to."""
        return [rung for rung, _ in groupby(self.rungs)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(run_live, "Hub", lambda _: made)
    return made


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    return write_tiny_subject(tmp_path / "tiny")


def play(subject: Path, *arguments: object) -> None:
    """Run the show to its end."""
    assert run_live.main(["--subject", str(subject), "--port", "0", *map(str, arguments)]) == 0


# It cannot begin: one sentence with the value and the remedy, and code 2.


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says that cannot begin. Any other exception would end the test."""
    assert run_live.main([*map(str, arguments), "--port", "0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if line.startswith("understudy: ")]
    assert len(said) == 1, lines
    return said[0]


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def no_video(folder: Path) -> Path:
    (folder / "text.mp4").write_text("no video at all\n" * 100)
    return folder / "text.mp4"


def without_its_index(folder: Path) -> Path:
    """Cut off where it hurts: what an interrupted copy of an MP4 is."""
    clip = write_clip(folder / "half.mp4", steady_ms(30))
    clip.write_bytes(clip.read_bytes()[:-2000])
    return clip


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (empty, "0 bytes"),
        (no_video, "cannot be read as video"),
        (without_its_index, "damaged, cut off"),
        (lambda folder: write_audio(folder / "song.m4a"), "only sound"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: folder / ("a" * 300), "check the path"),
    ],
)
def test_a_file_that_is_no_clip(
    subject: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], Path],
    says: str,
) -> None:
    path = make(tmp_path)
    said = refused(capsys, "--subject", subject, "--source", path)
    assert says in said and str(path) in said


def tampered(subject: Path) -> Path:
    generator = subject / "generator.onnx"
    generator.write_bytes(generator.read_bytes()[:-1] + b"x")
    return subject


def newer(subject: Path) -> Path:
    path = subject / "subject.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    return subject


def older(subject: Path) -> Path:
    path = subject / "subject.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    return subject


def incomplete(subject: Path) -> Path:
    (subject / "plate.png").unlink()
    return subject


def of_wrong_shape(subject: Path) -> Path:
    files = tiny_files((64, 64), (128, 128)) | {"generator.onnx": label_generator(32, 64)}
    write_subject(subject, tiny_manifest((64, 64), (128, 128)), files)
    return subject


def of_no_net(subject: Path) -> Path:
    files = tiny_files((64, 64), (128, 128)) | {"generator.onnx": b"no net"}
    write_subject(subject, tiny_manifest((64, 64), (128, 128)), files)
    return subject


def half_a_zip(subject: Path) -> Path:
    path = subject.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in subject.iterdir():
            archive.write(file, file.name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (tampered, "generator.onnx of"),
        (newer, "format 3, this program knows 2; update the program"),
        (older, "train and export the subject again with this version"),
        (incomplete, "plate.png is missing"),
        (of_wrong_shape, "export the subject again"),
        (of_no_net, "cannot be loaded"),
        (half_a_zip, "readable .zip"),
        (lambda subject: subject / ("a" * 300), "does not exist"),
    ],
)
def test_a_subject_that_is_none(
    subject: Path, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], Path], says: str
) -> None:
    path = harm(subject)
    said = refused(capsys, "--source", PERFORMER, "--subject", path)
    assert says in said and str(path) in said


@pytest.mark.parametrize("damage", ["half downloaded", "corrupt", "absent"])
def test_weights_given_by_hand_that_are_none(
    subject: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    weights = fetch_pose_weights(progress=False)
    shutil.copy(weights.detector, folder)
    data = weights.landmarks.read_bytes()
    if damage != "absent":
        spoilt = data[: len(data) // 2] if damage == "half downloaded" else data[:-1] + b"\xa5"
        (folder / weights.landmarks.name).write_bytes(spoilt)
    said = refused(capsys, "--source", PERFORMER, "--subject", subject, "--weights", folder)
    assert str(folder) in said and "pip download" in said


def test_weights_that_cannot_be_fetched(
    subject: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file in the cache, and no network to mend it."""
    weights = fetch_pose_weights(progress=False)
    cache = tmp_path / "cache" / "pose"
    cache.mkdir(parents=True)
    data = weights.landmarks.read_bytes()
    (cache / weights.landmarks.name).write_bytes(data[: len(data) // 2])
    shutil.copy(weights.detector, cache)
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(cache.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_live.py"), "--source", str(PERFORMER),
         "--subject", str(subject), "--port", "0"],
        cwd=ROOT, text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if line.startswith("understudy: ")]
    assert done.returncode == 2 and len(said) == 1, done.stderr
    assert "could not be downloaded" in said[0] and "--folder FOLDER" in said[0]
    assert "Traceback" not in done.stderr


def test_a_camera_in_use(
    subject: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(camera, "camera_capture", lambda index: Webcam(iter(())))
    monkeypatch.setattr(camera, "video_devices", lambda: ["/dev/video0"])
    said = refused(capsys, "--camera", 0, "--subject", subject)
    assert "camera 0 (/dev/video0) is busy" in said and "close the program" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--lead-ms", "-5"], "--lead-ms is -5.0; give 0 to 300"),
        (["--lead-ms", "nan"], "--lead-ms is nan"),
        (["--seconds", "-1"], "--seconds is -1.0"),
        (["--threads", "100000"], "--threads is 100000; give 1 to 64"),
        (["--host", "a" * 300], "no address"),
        (["--weights", "a" * 300], "cannot be read"),
        (["--performer", "a" * 300], "cannot be read"),
        (["--pose", "openpose", "--pose-json", "no/such/json"], "no folder no/such/json"),
        (["--pose-engine", "auto", "--pose", "mediapipe"], "--pose-engine goes with --pose blaze"),
        (["--encoder", "h265"], "--encoder h265: there is none; give h264_nvenc, libx264, libvpx"),
        (["--bitrate", "1"], "a bitrate of 1 kbit/s: give 50 to 100000"),
        (["--whip", "ftp://sfu.example/x"], "--whip 'ftp://sfu.example/x' is no address"),
        (["--whip", "https://me:secret@sfu.example/x"], "UNDERSTUDY_WHIP_TOKEN"),
        (["--whip-token-file", "no/such/token"], "--whip-token-file without --whip"),
        (["--record", "show.avi"], "--record show.avi: give a file that ends in .mp4"),
        (["--record", "no/such/show.mp4"], "there is no folder no/such; make it first"),
        (["--tls", "no/such.pem"], "there is no file no/such.pem; give auto"),
        (["--allow-origin", "theatre"], "'theatre' is no origin; give https://HOST"),
        (["--ice-servers", "no/such.json"], "--ice-servers no/such.json cannot be read"),
        (["--udp-ports", "80-90"], "UDP ports 80-90 cannot be used; give LOW-HIGH from 1024"),
        (["--sound", "no/such.wav"], "no/such.wav"),
        (["--sound-offset-ms", "20"], "--sound-offset-ms without --sound"),
        (["--preview-fps", "0"], "a preview of 0 fps"),
    ],
)
def test_options_that_cannot_be(
    subject: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert says in refused(capsys, "--source", PERFORMER, "--subject", subject, *arguments)


def test_a_calibration_clip_with_nobody_in_it(
    subject: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "nobody.mp4", steady_ms(10))
    said = refused(capsys, "--source", PERFORMER, "--subject", subject, "--calibrate", clip)
    assert "nobody was seen" in said and "--calibrate 8" in said


# It goes on.


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: write_clip(
            folder / "odd.mkv", steady_ms(20), codec="ffv1", width=97, height=63
        ),
        lambda folder: write_portrait(folder / "portrait.mp4", 20),
        lambda folder: write_clip(folder / "vfr.mp4", [0, 100, 150, 500, 520, 900]),
        lambda folder: write_cut_off(folder / "cut.mp4", 60),
        lambda folder: write_clip(folder / "tiny.mp4", steady_ms(20), width=16, height=16),
    ],
    ids=["odd size", "portrait", "variable frame rate", "cut off", "tiny"],
)
def test_an_odd_clip_without_anybody_shows_the_neutral_pose(
    hub: Recorder, subject: Path, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    play(subject, "--source", make(tmp_path), "--once")
    assert set(hub.rungs) == {"neutral"}


def test_a_name_that_the_terminal_cannot_show(subject: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "Zo\u00eb \u732b.mp4", steady_ms(5))
    done = subprocess.run(
        command("--source", clip, "--subject", subject, "--port", 0, "--once"),
        cwd=ROOT, text=True, capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Zo\\xeb" in done.stdout


def film(path: Path, images: Iterable[Image]) -> Path:
    """`images` at 30 per second."""
    with av.open(str(path), "w") as out:
        stream = None
        for number, image in enumerate(images):
            if stream is None:
                stream = out.add_stream("libx264", rate=30)
                assert isinstance(stream, VideoStream)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast"}
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(stream.encode(frame))
        assert stream is not None
        out.mux(stream.encode(None))
    return path


def performer(count: int) -> list[Image]:
    return [frame.image for frame in islice(read_through(PERFORMER), count)]


def comes_to(story: list[str], *rungs: str) -> bool:
    """Whether the show stood on these rungs in this order, whatever was between."""
    left = iter(story)
    return all(rung in left for rung in rungs)


def test_who_leaves_and_comes_back(hub: Recorder, subject: Path, tmp_path: Path) -> None:
    there = performer(60)
    nobody = [np.full_like(there[0], 110)] * 75
    clip = film(tmp_path / "visit.mp4", [*nobody[:15], *there, *nobody, *there])
    play(subject, "--source", clip, "--once")
    assert comes_to(hub.story(), "neutral", "generated", "held", "neutral", "generated")
    assert "plate" not in hub.rungs


def test_half_a_person(hub: Recorder, subject: Path, tmp_path: Path, one_person_clip: Path) -> None:
    """From the hips up: what a webcam on a desk sees."""
    frames = [frame.image for frame in islice(read_through(one_person_clip), 0, None, 2)]
    upper = [image[: image.shape[0] * 11 // 20] for image in frames]
    clip = film(tmp_path / "half.mp4", upper)
    play(subject, "--source", clip, "--once")
    assert "generated" in hub.rungs and "plate" not in hub.rungs


@pytest.mark.parametrize("clip", ["two_people_clip", "sports_clip"])
def test_real_clips(
    hub: Recorder, subject: Path, request: pytest.FixtureRequest, clip: str
) -> None:
    play(subject, "--source", request.getfixturevalue(clip), "--once")
    assert "generated" in hub.rungs and "plate" not in hub.rungs


def test_keypoints_that_are_frozen_or_no_numbers(
    hub: Recorder, subject: Path, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", steady_ms(60))
    folder = tmp_path / "json"
    folder.mkdir()
    points, scores = standing(64, 96)
    rows = [INDEX[name] for name in BODY_25]
    frozen = np.column_stack([points[rows], scores[rows]]).ravel().tolist()
    for number in range(60):
        keypoints = list(frozen)
        if number % 2:
            keypoints[3 * (number % 25)] = float("nan")
        if 20 <= number < 25:
            keypoints = [float("inf")] * len(frozen)
        person = {"pose_keypoints_2d": keypoints}
        text = json.dumps({"version": 1.3, "people": [person]})
        (folder / f"clip_{number:012d}_keypoints.json").write_text(text)
    play(subject, "--source", clip, "--once", "--pose", "openpose", "--pose-json", folder)
    assert "generated" in hub.rungs and "plate" not in hub.rungs


class Webcam:
    """The one thing that no test machine has: OpenCV's capture of a webcam, which plays `film`."""

    def __init__(self, film: Iterator[Image], unplugged: threading.Event | None = None) -> None:
        self._film = film
        self._unplugged = unplugged

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        return self._unplugged is not None and not self._unplugged.is_set()

    def set(self, property: int, value: float, /) -> bool:
        return True

    def get(self, property: int, /) -> float:
        return 0.0

    def read(self) -> tuple[bool, Image | None]:
        assert self._unplugged is not None
        if self._unplugged.wait(1 / 30):
            return False, None
        return True, next(self._film)

    def release(self) -> None:
        """Nothing is held."""


def until(what: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.02)


def endless(images: list[Image]) -> Iterator[Image]:
    while True:
        yield from images
        yield from reversed(images)


def post(url: str, offer: bytes) -> int:
    """The status that `offer` is answered with."""
    request = urllib.request.Request(url + "whep", offer, {"Content-Type": "application/sdp"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_a_camera_unplugged_and_bad_offers_while_the_show_runs(
    hub: Recorder,
    subject: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unplugged = threading.Event()
    pictures = endless(performer(60))
    monkeypatch.setattr(camera, "camera_capture", lambda index: Webcam(pictures, unplugged))
    monkeypatch.setattr(camera, "video_devices", lambda: ["/dev/video0"])
    servers: list[ShowServer] = []
    started = ShowServer.start

    def start(server: ShowServer) -> None:
        started(server)
        servers.append(server)

    monkeypatch.setattr(ShowServer, "start", start)
    failures: list[BaseException] = []

    def evening() -> None:
        try:
            until(lambda: "generated" in hub.rungs)
            codecless = only("VP8").replace("VP8/90000", "AV1/90000")
            offers = {"v=0\r\nm=video\r\n": 400, "a" * 70_000: 413, "": 422, codecless: 406}
            for offer, status in [*offers.items(), (REAL, 201)]:
                assert post(servers[0].url, offer.encode()) == status
            unplugged.set()
            until(lambda: hub.rungs[-1] == "neutral")
            unplugged.clear()
            until(lambda: hub.rungs[-1] == "generated")
        except BaseException as error:
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C

    guide = threading.Thread(target=evening)
    guide.start()
    try:
        play(subject, "--camera", 0)
    finally:
        guide.join()
    assert not failures
    assert comes_to(hub.story(), "generated", "held", "neutral", "generated")
    assert "grab to encoded" in capsys.readouterr().out


def test_the_process_ends_though_native_code_hangs() -> None:
    """Python would wait for ever for a thread like those that mediapipe computes in."""
    program = (
        "import threading, run_live\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "ThreadPoolExecutor(1).submit(threading.Event().wait)\n"
        "print('the summary')\n"
        "run_live.leave(2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stdout == "the summary\n"
    assert "still computes" in done.stderr
