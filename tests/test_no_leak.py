"""The camera's picture never reaches an audience: a marked source, every fault, every control.

The show's own stages are driven by hand and without waiting; every picture that leaves is searched
for the mark, raw (preview, virtual camera) and as the packets that viewers, WHIP and the recorder
get, decoded. Then once more as a process, through its real doors.
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.soak_hands import anywhere
from live.backdrops import Backdrops
from live.character import Character
from live.desk.desk import Desk
from live.desk.look_of import DeskLook, look_of
from live.engines.base import Feeds
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import StreamError
from live.frames import Frame, Image, Picture, Pose
from live.generator import Generator
from live.latest import Latest
from live.live_calibration import LiveCalibration
from live.look import LookAt, untouched
from live.normalize import Normalizer
from live.options import DEMO
from live.picture import PictureMaker
from live.show import Show
from live.smooth import Smoother, SmoothSettings
from live.sources import Grabber, ScriptedSource
from live.sources.file import read_through
from live.stream.encoder import Codec, Coded, EncoderSettings
from live.stream.hub import Hub
from live.stream.outputs import Outputs
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.marked import SEEN, bear, mark_level, marked
from tests.test_run_live import address, running
from tests.tiny_subject import standing, write_tiny_subject

CAMERA = (96, 128)  # height, width
FRAMES = 1500
BLEND = 0.1
FAULTS = (
    "none", "none", "nobody", "tracker throws", "tracker odd", "engine throws", "engine empty",
    "engine nan", "encoder throws", "stage throws", "camera silent", "camera back in time",
    "camera other size",
)  # fmt: skip


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Trouble:
    """What is wrong at the moment, one of FAULTS."""

    now: str = "none"


class Tracker:
    """Sees a person who wanders, or fails; is handed the marked picture as the real one is."""

    def __init__(self, trouble: Trouble, rng: np.random.Generator) -> None:
        self._trouble, self._rng = trouble, rng

    def estimate(self, frame: Frame) -> Pose | None:
        match self._trouble.now:
            case "nobody":
                return None
            case "tracker throws":
                raise RuntimeError("the tracker is gone")
        points, scores = standing(*frame.size)
        points = points + self._rng.normal(0, 2, points.shape).astype(np.float32)
        if self._trouble.now == "tracker odd":
            points[self._rng.integers(len(points))] = self._rng.choice([np.nan, np.inf, 1e9])
        return Pose(points, scores, frame.captured_s, frame.size)

    def follow_at(self, x: float, y: float) -> None:
        pass

    def follow_any(self) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class Flaky:
    """A generator's engine that fails in all ways there are."""

    check_every = 1

    def __init__(self, inside: OnnxRuntimeEngine, trouble: Trouble) -> None:
        self._inside, self._trouble = inside, trouble
        self.inputs, self.outputs = inside.inputs, inside.outputs

    def run(self, feeds: Feeds) -> dict[str, NDArray[Any]]:
        if self._trouble.now == "engine throws":
            raise RuntimeError("the device is gone")
        found = dict(self._inside.run(feeds))
        if self._trouble.now == "engine empty":  # a subject without a figure
            found["rgba"] = np.zeros_like(found["rgba"])
        if self._trouble.now == "engine nan":
            found["next_state"] = np.full_like(found["next_state"], np.nan)
        return found

    def close(self) -> None:
        self._inside.close()


class Eyes:
    """Looks at everything that leaves."""

    def __init__(self) -> None:
        self.levels: list[float] = []
        self.rungs: set[str] = set()
        self._decoder = av.CodecContext.create("h264", "r")
        self.decoded: list[float] = []

    def see(self, picture: Picture) -> None:
        self.levels.append(mark_level(picture.image))
        self.rungs.add(picture.rung)

    def see_packet(self, coded: Coded) -> None:
        for shown in self._decoder.decode(av.Packet(bytes(coded.packet))):
            self.decoded.append(mark_level(np.asarray(shown.to_ndarray(format="rgb24"), np.uint8)))


class Looked(Hub):
    """The real hub, with eyes before it, and an encoder that fails when it is told to."""

    def __init__(self, eyes: Eyes, trouble: Trouble) -> None:
        super().__init__(EncoderSettings(name="libx264"))
        self._eyes, self._trouble = eyes, trouble

    def publish(self, picture: Picture):  # type: ignore[no-untyped-def]  # noqa: ANN201
        self._eyes.see(picture)
        if self._trouble.now == "encoder throws":
            raise StreamError("no encoder works any more")
        return super().publish(picture)


@dataclass(frozen=True)
class Control:
    """What the person at the desk chose."""

    mirror: bool = False
    lead_s: float = 0.0
    calibrate_s: float = 0.0


class Driven:
    """The real show, whose stages a test drives by hand on made-up time."""

    def __init__(
        self,
        subject: Subject,
        control: Control,
        seed: int,
        look: LookAt = untouched,
        backdrops: Backdrops | None = None,
    ) -> None:
        self.trouble, self.clock, self.eyes = Trouble(), Clock(), Eyes()
        self.rng = np.random.default_rng(seed)
        timing = Timing(self.clock)
        character = self.character(subject, control)
        normalizer = character.normalizer
        self.paint = paint = PictureMaker(character, timing, look=look, backdrops=backdrops)
        self.hub = Looked(self.eyes, self.trouble)
        self.hub.tap(Codec.H264, self.eyes.see_packet)
        self.raw: Latest[Picture] = Latest()
        watch = None
        if control.calibrate_s:
            watch = LiveCalibration(control.calibrate_s, normalizer, None)
        self.frames: Latest[Frame] = Latest()
        self.show = Show(
            Grabber(ScriptedSource([]), self.frames), self.frames,
            Tracker(self.trouble, self.rng), paint, Outputs(self.hub, [self.raw]), timing, watch,
        )  # fmt: skip
        self._sequence = 0

    def character(self, subject: Subject, control: Control) -> Character:
        engine = Flaky(OnnxRuntimeEngine(subject.generator, "tiny"), self.trouble)
        manifest = subject.manifest
        normalizer = Normalizer(manifest.body, manifest.stage_size, mirror=control.mirror)
        smoother = Smoother(SmoothSettings(lead_s=control.lead_s))
        return Character(subject, Generator(subject, engine), normalizer, smoother)

    def turn(self) -> None:
        """One frame's time: every stage once, as its thread would."""
        self.clock.now_s += 1 / 30
        if self.trouble.now != "camera silent":
            self.frames.put(self._frame())
            self.show._pose_step()
        if self.trouble.now == "stage throws":
            self.show._encode_step()  # no picture came: the last one goes out again
            return
        self.show._picture_step()
        self.show._encode_step()
        if (picture := self.raw.take(0)) is not None:
            self.eyes.see(picture)

    def _frame(self) -> Frame:
        back_s = 5.0 if self.trouble.now == "camera back in time" else 0.0
        size = (120, 90) if self.trouble.now == "camera other size" else CAMERA
        self._sequence += 1
        return Frame(marked(*size, self._sequence % 50), self.clock.now_s - back_s, self._sequence)

    def close(self) -> None:
        self.show.close()
        self.hub.close()


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny"))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.show.IDLE_S", 0.0)
    monkeypatch.setattr("live.show.REPEAT_S", 0.0)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    "control",
    [Control(), Control(mirror=True), Control(lead_s=0.2, calibrate_s=4.0)],
    ids=["plain", "mirror", "lead and calibration"],
)
def test_no_picture_that_leaves_shows_the_camera(subject: Subject, control: Control) -> None:
    driven = Driven(subject, control, seed=3)
    seen = set()
    for number in range(FRAMES):
        if number % 25 == 0:  # every fault in turn, and then by chance
            turn = number // 25
            driven.trouble.now = FAULTS[
                turn if turn < len(FAULTS) else int(driven.rng.integers(len(FAULTS)))
            ]
            seen.add(driven.trouble.now)
        driven.turn()
    driven.close()
    eyes = driven.eyes
    assert seen == set(FAULTS)
    assert eyes.rungs == {"generated", "held", "neutral", "plate"}
    assert len(eyes.levels) > FRAMES and len(eyes.decoded) > 0.7 * FRAMES
    print(
        f"\n{len(eyes.levels)} raw and {len(eyes.decoded)} decoded pictures; "
        f"most of the mark {max(eyes.levels):.2f} and {max(eyes.decoded):.2f} of {SEEN}"
    )
    assert max(eyes.levels) < SEEN
    assert max(eyes.decoded) < SEEN


class Hands:
    """Somebody who moves every control there is, wildly."""

    def __init__(self, driven: Driven, desk: Desk, others: list[Subject]) -> None:
        self._driven, self._desk, self._others = driven, desk, others
        self._rng = driven.rng
        self._dice = random.Random(int(self._rng.integers(1 << 31)))
        self.moved: set[str] = set()
        reach = look_of(desk.values()).__class__.__dataclass_fields__
        self._names = [one.name for one in desk.parameters() if one.settable]
        assert len(self._names) >= len(reach)

    def move(self) -> None:
        name = str(self._rng.choice([*self._names, "subject"]))
        self.moved.add(name)
        if name == "subject":
            coming = self._others[int(self._rng.integers(len(self._others)))]
            fade_s = float(self._rng.choice([0.0, 0.3, 2.0]))
            self._driven.paint.swap(self._driven.character(coming, Control()), fade_s)
            return
        choices = self._desk.offers().get(name, ())
        value = anywhere(self._dice, self._desk.parameter(name), choices)
        self._desk.set(name, value, "hand", fade_s=self._dice.choice((0.0, 0.5)))


@pytest.mark.usefixtures("no_waiting")
def test_no_control_shows_the_camera(subject: Subject, tmp_path: Path) -> None:
    """Every fault, every control, subjects of other sizes coming and going: never the camera."""
    other = write_tiny_subject(tmp_path / "other", (96, 64), (96, 160))
    others = [load_subject(other), subject]
    folder = tmp_path / "backdrops"
    folder.mkdir()
    cv2.imwrite(str(folder / "wall.png"), np.full((40, 60, 3), (90, 60, 30), np.uint8))
    (folder / "broken.png").write_bytes(b"no picture")
    clock = Clock()
    desk, backdrops = Desk(clock=clock), Backdrops(folder)
    desk.offer("background.picture", backdrops.names())
    desk.offer("subject", ["one", "other"])
    driven = Driven(subject, Control(), 5, DeskLook(desk), backdrops)
    driven.clock = clock
    driven.show._timing.clock = clock
    hands = Hands(driven, desk, others)
    for number in range(FRAMES):
        if number % 10 == 0:
            driven.trouble.now = FAULTS[int(driven.rng.integers(len(FAULTS)))]
        if number % 2 == 0:
            hands.move()
        driven.turn()
    driven.close()
    eyes = driven.eyes
    assert hands.moved == {one.name for one in desk.parameters() if one.settable}
    assert eyes.rungs == {"generated", "held", "neutral", "plate"}
    print(
        f"\n{len(eyes.levels)} raw and {len(eyes.decoded)} decoded pictures with every control "
        f"moved; most of the mark {max(eyes.levels):.2f} and {max(eyes.decoded):.2f} of {SEEN}"
    )
    assert len(eyes.levels) > FRAMES and len(eyes.decoded) > 0.5 * FRAMES
    assert max(eyes.levels) < SEEN
    assert max(eyes.decoded) < SEEN


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_a_tenth_of_the_cameras_picture_would_be_found_through_the_codec(
    subject: Subject, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector's proof: the same drive, with the fault that all this is about."""
    driven = Driven(subject, Control(), seed=4)
    make = driven.show._paint.make

    def leaking(sighting, now_s):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        picture = make(sighting, now_s)
        height, width = picture.image.shape[:2]
        through = picture.image.copy()
        size = round(width * scale), round(height * scale)
        camera = cv2.resize(marked(*CAMERA), size)[..., ::-1]
        place = through[: size[1], : size[0]]
        place[:] = (place * (1 - BLEND) + camera * BLEND).astype(np.uint8)
        return dataclasses.replace(picture, image=through)

    monkeypatch.setattr(driven.show._paint, "make", leaking)
    for _ in range(60):
        driven.turn()
    driven.close()
    print(f"\nleast of the mark {min(driven.eyes.levels):.1f}, "
          f"decoded {min(driven.eyes.decoded):.1f} of {SEEN}")  # fmt: skip
    assert min(driven.eyes.levels) > SEEN
    assert min(driven.eyes.decoded) > SEEN


def write_marked_clip(path: Path, frames: int = 60) -> Path:
    """The demo's performer, bearing the mark, as a source."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=30)
        stream.height, stream.width = next(read_through(DEMO / "performer.mp4")).size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "16"}
        for frame in read_through(DEMO / "performer.mp4"):
            if frame.sequence >= frames:
                break
            film.mux(stream.encode(av.VideoFrame.from_ndarray(bear(frame.image), format="bgr24")))
        film.mux(stream.encode())
    return path


def decoded(path: Path) -> list[Image]:
    with av.open(str(path)) as film:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in film.decode(video=0)
        ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_real_process_shows_nothing_of_its_source(tmp_path: Path) -> None:
    clip = write_marked_clip(tmp_path / "marked.mp4")
    borne = min(mark_level(image) for image in decoded(clip))
    film = tmp_path / "show.mp4"
    with running(
        "--source", clip, "--subject", DEMO / "subject", "--performer", DEMO / "performer.json",
        "--port", 0, "--record", film, "--mirror",
    ) as show:  # fmt: skip
        url = address(show)
        previews = []
        began_s = time.monotonic()
        while time.monotonic() - began_s < 8:
            with urllib.request.urlopen(url + "preview.jpg", timeout=10) as still:
                data = np.frombuffer(still.read(), np.uint8)
            previews.append(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))
            threading.Event().wait(0.2)
        with urllib.request.urlopen(url + "status", timeout=10) as status:
            told = json.loads(status.read())
        show.send_signal(2)
        output, _ = show.communicate(timeout=30)
    assert show.returncode == 0, output
    assert "generated" in output and told["frames"] > 0
    recorded = decoded(film)
    levels = [mark_level(image) for image in recorded + previews]
    print(
        f"\n{len(recorded)} recorded, {len(previews)} previews; the source bears {borne:.1f} of "
        f"the mark, they {max(levels):.2f} at most"
    )
    assert len(recorded) > 30
    assert max(levels) < BLEND * borne / 2, "a tenth of the source would read twice as much"
