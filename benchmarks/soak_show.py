"""The demo show, whole, with a hand at every part that can fail."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import run_live
from benchmarks.soak_hands import Hands
from live.body import BodyStats
from live.cast import Cast, open_bundle
from live.character import Character
from live.character_open import CharacterSettings
from live.desk.desk import Desk
from live.desk.look_of import DeskLook
from live.errors import SourceError
from live.frames import Frame, Image, Label, Layer, Picture, Pose, Sighting
from live.latest import Latest
from live.options import DEMO, parse
from live.performer import performer_of
from live.picture import PictureMaker
from live.pose.base import PoseEstimator
from live.pose.watched import WatchedEstimator
from live.show import Show
from live.sources import Grabber, Timebase
from live.sources.file import read_through
from live.sources.watched import Limits, WatchedSource
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.subject import load_subject
from live.timing import Timing

CAMERA_FPS = 30.0
CLIP_FRAMES = 150
JUMP_S = 2.0


class Wrong:
    """What is wrong at the moment, by the fault's name."""

    def __init__(self) -> None:
        self._now: set[str] = set()
        self._healed = threading.Condition()

    def begin(self, name: str) -> None:
        with self._healed:
            self._now.add(name)

    def end(self, name: str) -> None:
        with self._healed:
            self._now.discard(name)
            self._healed.notify_all()

    def __contains__(self, name: str) -> bool:
        return name in self._now

    def hang_while(self, name: str) -> None:
        """Return only when it is over, as a driver that hangs."""
        with self._healed:
            self._healed.wait_for(lambda: name not in self._now)


class Camera:
    """The demo's performer as a camera: paced, noisy, and at fault as it is told."""

    def __init__(self, clip: list[Image], numbers: count[int], wrong: Wrong) -> None:
        self._clip, self._numbers, self._wrong = clip, numbers, wrong
        self._due_s = time.monotonic()
        self._last = clip[0]
        if "camera unplugged" in wrong:
            raise SourceError("the camera is open but gives no picture: unplugged")

    def read(self) -> Image | None:
        self._due_s = max(self._due_s + 1 / CAMERA_FPS, time.monotonic() - 0.1)
        threading.Event().wait(max(self._due_s - time.monotonic(), 0.0))
        if "camera unplugged" in self._wrong:
            raise SourceError("the camera is open but gives no picture: unplugged")
        self._wrong.hang_while("camera hung")
        if "camera stale" in self._wrong:
            return self._last
        number = next(self._numbers)
        image = self._clip[number % len(self._clip)].copy()
        if "camera black" in self._wrong:
            image[:] = 0
        image[1, 1] = number % 256, number // 256 % 256, 1  # no two are equal, as of a sensor
        self._last = image
        return image

    def close(self) -> None:
        pass


class Estimator:
    """The real one, at fault as it is told."""

    def __init__(self, inside: PoseEstimator, wrong: Wrong) -> None:
        self._inside, self._wrong = inside, wrong

    def estimate(self, frame: Frame) -> Pose | None:
        self._wrong.hang_while("estimator hangs")
        if "estimator throws" in self._wrong:
            raise RuntimeError("the tracker's graph is broken")
        return self._inside.estimate(frame)

    def reset(self) -> None:
        self._inside.reset()

    def follow_at(self, x: float, y: float) -> None:
        self._inside.follow_at(x, y)

    def follow_any(self) -> None:
        self._inside.follow_any()

    def close(self) -> None:
        self._inside.close()


class Jumpy(Latest[Frame]):
    """A mailbox whose frames come from another time while the clock has jumped."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__()
        self._wrong = wrong

    def put(self, item: Frame) -> None:
        if "clock jumps" in self._wrong:
            item = replace(item, captured_s=item.captured_s - JUMP_S)
        super().put(item)


class Watched:
    """What goes to the hub; notes when somebody was last seen dancing."""

    def __init__(self, hub: Hub, wrong: Wrong) -> None:
        self._hub, self._wrong = hub, wrong
        self.danced_s: float = 0.0

    def publish(self, picture: Picture) -> object:
        if "encoder throws" in self._wrong:
            raise RuntimeError("the encoder is gone")
        published = self._hub.publish(picture)
        if picture.rung == "generated":
            self.danced_s = time.monotonic()
        return published


class SoakShow:
    """Everything from camera to server. `start` and `close` once."""

    def __init__(self) -> None:
        self.wrong = Wrong()
        options = parse(["--demo", "--no-open", "--port", "0"])
        subject = load_subject(options.subject)
        timing = Timing()
        self.hub = Hub(options.stream.encoder)
        self.sent = Watched(self.hub, self.wrong)
        clip = [f.image for f in islice(read_through(DEMO / "performer.mp4"), CLIP_FRAMES)]
        numbers = count()
        self.source = WatchedSource(
            "the camera",
            lambda: Camera(clip, numbers, self.wrong),
            Limits(0.8, 10.0, watch_content=True, expected_fps=CAMERA_FPS),
            Timebase(),
        )
        self.estimator = WatchedEstimator(
            lambda: Estimator(run_live.build_estimator(options, self.source), self.wrong)
        )
        self.estimator.await_first()
        self.desk = Desk()
        painter = run_live.build_painter(
            options, subject, timing, DeskLook(self.desk), performer=performer_of(options)
        )
        self._fail_painter(painter)
        self._hands = Hands(self.desk)
        self._broken = Path(tempfile.mkdtemp(prefix="understudy-soak-"))
        (self._broken / "subject.json").write_text("{", encoding="utf-8")
        bundles = {"one": subject.origin, "other": subject.origin, "broken": self._broken}
        self.cast = Cast(bundles, "one", painter, run_live.character_settings(options), self._open)
        frames = Jumpy(self.wrong)
        grabber = Grabber(self.source, frames)
        self.show = Show(grabber, frames, self.estimator, painter, self.sent, timing)
        self.server = ShowServer(ServerSettings(port=0), self.hub, lambda: {"fps": self.show.fps()})

    def suffer(
        self, fault: str, seconds: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Let it go wrong for so long; `meanwhile` is called some fifty times a second."""
        ends_s = time.monotonic() + seconds
        self._begin(fault)
        while time.monotonic() < ends_s:
            meanwhile()
            if fault == "every control moved":
                self._hands.move()
            threading.Event().wait(0.02)
        self._end(fault)

    def _begin(self, fault: str) -> None:
        self.wrong.begin(fault)
        if fault == "subject swapped":
            self.cast.change("other")
        if fault == "subject broken":
            self.cast.change("broken")

    def _end(self, fault: str) -> None:
        self.wrong.end(fault)
        if fault == "subject swapped":
            self.cast.change("one")
        if fault == "every control moved":
            self._hands.put_back()

    def _fail_painter(self, painter: PictureMaker) -> None:
        """Hands at the generator and at the stage itself."""
        self._fail_generator(painter.character)
        make = painter.make

        def failing_make(sighting: Sighting, now_s: float) -> Picture:
            if "picture stage dies" in self.wrong:
                raise KeyError("a bug")
            return make(sighting, now_s)

        setattr(painter, "make", failing_make)  # noqa: B010 (mypy refuses `=`)

    def _open(
        self, path: Path, settings: CharacterSettings, performer: BodyStats | None
    ) -> Character:
        character = open_bundle(path, settings, performer)
        self._fail_generator(character)
        return character

    def _fail_generator(self, character: Character) -> None:
        generator = character.generator
        generate: Callable[[Label], Layer] = generator.generate

        def failing_generate(label: Label) -> Layer:
            if "generator throws" in self.wrong:
                raise RuntimeError("the device is gone")
            return generate(label)

        setattr(generator, "generate", failing_generate)  # noqa: B010

    def start(self) -> None:
        self.server.start()
        self.show.start()

    def close(self) -> None:
        self.cast.close()
        self.show.close()
        shutil.rmtree(self._broken, ignore_errors=True)
        self.server.close()
        self.hub.close()
