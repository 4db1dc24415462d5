"""The loop with real threads, Numba and a real net; only camera and tracker are scripted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from live.character import Character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.frames import Frame, Picture, Pose, Sighting
from live.generator import Generator
from live.latest import Latest
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.pose.base import ScriptedPose
from live.pose.watched import EstimatorLimits, WatchedEstimator
from live.report import figures, table
from live.show import RECENT, Show
from live.smooth import Smoother
from live.sources import Grabber, ScriptedSource, Timebase
from live.sources.camera import open_camera
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.live.sources.fakecamera import SETTINGS, Bench, FakeCapture, moving
from tests.tiny_subject import standing, write_tiny_subject

MARK = np.array([255, 0, 255], np.uint8)
"""The colour of every camera pixel: nothing of it may reach the audience."""


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny"))


class Audience:
    """A sink that keeps what it was shown."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.fail = False

    def publish(self, picture: Picture) -> None:
        if self.fail:
            raise RuntimeError("the encoder broke")
        self.pictures.append(picture)

    def rungs(self) -> set[str]:
        return {picture.rung for picture in self.pictures}


def camera(frames: int, loop: bool = True) -> ScriptedSource:
    return ScriptedSource([np.tile(MARK, (64, 64, 1))] * frames, pace_fps=60, loop=loop)


def moving_poses(count: int) -> list[Pose | None]:
    points, scores = standing(64, 64)
    return [
        Pose(points + np.float32(3 * np.sin(n / 5)), scores, n / 60, (64, 64)) for n in range(count)
    ]


def painter(subject: Subject, timing: Timing) -> PictureMaker:
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "tiny"))
    normalizer = Normalizer(subject.manifest.body, subject.manifest.stage_size)
    return PictureMaker(Character(subject, generator, normalizer, Smoother()), timing)


def make_show(
    subject: Subject, source: ScriptedSource, poses: list[Pose | None], audience: Audience
) -> Show:
    timing = Timing()
    frames: Latest[Frame] = Latest()
    grabber = Grabber(source, frames)
    return Show(grabber, frames, ScriptedPose(poses), painter(subject, timing), audience, timing)


def wait_until(what: object, timeout_s: float = 20) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline_s, "it did not happen in time"
        threading.Event().wait(0.02)


@pytest.fixture
def audience() -> Iterator[Audience]:
    before = threading.active_count()
    yield Audience()
    wait_until(lambda: threading.active_count() <= before, 5)


def test_pictures_come_and_close_is_clean(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    show.start()
    wait_until(lambda: len(audience.pictures) > 30)
    show.close()
    show.close()
    assert show.error is None
    assert audience.rungs() >= {"generated"}
    # What a busy machine did not make in time was sent again.
    sequences = [picture.sequence for picture in audience.pictures if picture.rung != "held"]
    assert sequences == sorted(set(sequences))
    summary = show.summary()
    assert summary.fps > 0 and summary.grab_to_encoded_ms.count > 0
    assert show.fps() > 0 and 0 < show.delay_ms().count <= RECENT
    assert "grab to encoded" in table(summary)
    assert set(figures(summary)) == {"fps", "grab_to_encoded_ms", "stages_ms", "dropped"}


def test_a_show_that_never_started_closes(subject: Subject, audience: Audience) -> None:
    make_show(subject, camera(1), [], audience).close()


def test_a_clip_that_ends_ends_the_show(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(20, loop=False), moving_poses(20), audience)
    show.start()
    assert show.wait(20)
    show.close()
    assert show.error is None and audience.pictures


def test_nobody_in_view_shows_the_neutral_pose(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(1), [], audience)
    show.start()
    wait_until(lambda: len(audience.pictures) > 10)
    show.close()
    assert audience.rungs() == {"neutral"}


def test_a_camera_that_stalls_does_not_stop_the_picture(
    subject: Subject, audience: Audience
) -> None:
    stall = threading.Event()

    class Stalling(ScriptedSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame is not None and frame.sequence >= 20:
                stall.wait(30)
            return frame

    source = Stalling([np.tile(MARK, (64, 64, 1))], pace_fps=60, loop=True)
    show = make_show(subject, source, moving_poses(20), audience)
    show.start()
    wait_until(lambda: audience.rungs() >= {"generated", "held", "neutral"})
    count = len(audience.pictures)
    wait_until(lambda: len(audience.pictures) > count + 5)
    stall.set()
    show.close()


def test_a_camera_pulled_out_and_put_back_does_not_stop_the_show(
    subject: Subject, audience: Audience
) -> None:
    """The real watch over a camera that is unplugged for some time: held, neutral, and back."""
    gone = threading.Event()
    bench = Bench(lambda: moving(0), tick=lambda: threading.Event().wait(1 / 60))

    def open_capture(index: int) -> FakeCapture:
        capture = FakeCapture(bench, None) if gone.is_set() else bench.open(index)
        capture.read = pulled(capture.read)  # type: ignore[method-assign]
        return capture

    def pulled(read: Callable[[], tuple[bool, object]]) -> Callable[[], tuple[bool, object]]:
        return lambda: (False, None) if gone.is_set() else read()

    class Seeing(ScriptedPose):
        def estimate(self, frame: Frame) -> Pose | None:
            points, scores = standing(24, 32)
            return Pose(points, scores, frame.captured_s, frame.size)

    timing = Timing()
    frames: Latest[Frame] = Latest()
    source = open_camera(SETTINGS, Timebase(), open_capture, lambda: ["/dev/video0"])
    paint = painter(subject, timing)
    show = Show(Grabber(source, frames), frames, Seeing([]), paint, audience, timing)
    show.start()
    wait_until(lambda: "generated" in audience.rungs())
    gone.set()
    wait_until(lambda: audience.pictures[-1].rung == "held")
    wait_until(lambda: audience.pictures[-1].rung == "neutral")
    gone.clear()
    wait_until(lambda: audience.pictures[-1].rung == "generated")
    show.close()
    assert show.error is None
    assert bench.openings > 1


@pytest.mark.parametrize("hangs", ["estimate", "close"])
def test_a_tracker_that_hangs_hangs_neither_the_picture_nor_the_end(
    subject: Subject,
    audience: Audience,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    hangs: str,
) -> None:
    monkeypatch.setattr("live.show.HUNG_S", 0.3)
    freed = threading.Event()

    class Hanging(ScriptedPose):
        closed = False

        def estimate(self, frame: Frame) -> Pose | None:
            if hangs == "estimate":
                freed.wait()
            return None

        def close(self) -> None:
            self.closed = True
            if hangs == "close":
                freed.wait()

    timing = Timing()
    frames: Latest[Frame] = Latest()
    tracker = Hanging([])
    paint = painter(subject, timing)
    show = Show(Grabber(camera(1), frames), frames, tracker, paint, audience, timing)
    show.start()
    wait_until(lambda: len(audience.pictures) > 10)
    show.close()
    assert show.wait(0)
    assert audience.rungs() == {"neutral"}
    assert ("did not end" if hangs == "estimate" else "left behind") in caplog.text
    assert caplog.text.count("takes longer than 0.3 s") == (hangs == "estimate")
    assert tracker.closed == (hangs == "close"), "nothing is freed that still computes"
    freed.set()


@pytest.mark.parametrize("error", [RuntimeError, TimeoutError, cv2.error])
def test_a_tracker_that_throws_does_not_stop_the_show(
    subject: Subject, audience: Audience, error: type[Exception]
) -> None:
    class Broken(ScriptedPose):
        def estimate(self, frame: Frame) -> Pose | None:
            raise error("no graph")

    timing = Timing()
    frames: Latest[Frame] = Latest()
    source = camera(1)
    show = Show(
        Grabber(source, frames), frames, Broken([]), painter(subject, timing), audience, timing
    )
    show.start()
    wait_until(lambda: len(audience.pictures) > 10)
    show.close()
    assert show.error is None
    assert timing.counts()["pose.failed"] > 0


def test_an_encoder_that_throws_does_not_stop_the_show(
    subject: Subject, audience: Audience
) -> None:
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    audience.fail = True
    show.start()
    wait_until(lambda: show.summary().stages_ms.get("encode") is not None)
    audience.fail = False
    wait_until(lambda: len(audience.pictures) > 5)
    show.close()
    assert show.error is None


def test_a_stage_that_dies_ends_the_show_and_says_why(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(1), moving_poses(10_000), audience)

    class Fatal(Exception):
        pass

    def die(picture: Picture) -> None:
        raise Fatal("out of everything")

    audience.publish = die  # type: ignore[method-assign]
    show.start()
    assert show.wait(20)
    show.close()
    assert isinstance(show.error, Fatal)


@pytest.mark.parametrize("stage", ["pose", "picture", "encode"])
@pytest.mark.parametrize("error", [KeyError, SystemExit])
def test_a_stage_that_fails_now_and_then_begins_anew_and_the_show_goes_on(
    subject: Subject, audience: Audience, stage: str, error: type[BaseException]
) -> None:
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    name = f"_{stage}_step"
    step, failing = getattr(show, name), threading.Event()

    def fails() -> None:
        if failing.is_set():
            raise error("a bug")
        step()

    next(one for one in show._stages if one.name == stage)._step = fails
    show.start()
    for times in (1, 2, 3):
        before = len(audience.pictures)
        wait_until(lambda seen=before: len(audience.pictures) > seen + 5)
        failing.set()
        wait_until(lambda least=times: show.restarts().get(stage, 0) >= least)
        failing.clear()
    before = len(audience.pictures)
    wait_until(lambda: len(audience.pictures) > before + 5)
    summary = show.summary()
    show.close()
    assert show.error is None
    assert summary.restarts[stage] >= 3 and set(summary.restarts) == {stage}
    assert "started again" in table(summary)


def test_what_the_audience_has_is_sent_again_while_no_new_picture_comes(
    subject: Subject, audience: Audience
) -> None:
    """The generator hangs in its driver: the viewers' connection stays, the watchdog is told."""
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    hung, freed = threading.Event(), threading.Event()
    make = show._paint.make

    def maybe(sighting: Sighting, now_s: float) -> Picture:
        if hung.is_set():
            freed.wait()
        return make(sighting, now_s)

    show._paint.make = maybe  # type: ignore[method-assign]
    show.start()
    wait_until(lambda: len(audience.pictures) > 10)
    hung.set()
    wait_until(lambda: show.summary().repeated >= 3)
    assert show.stale_s() > 1.0
    last = audience.pictures[-1]
    assert last.rung == "held"
    assert np.array_equal(last.image, audience.pictures[-2].image)
    hung.clear()
    freed.set()
    before = len(audience.pictures)
    wait_until(lambda: len(audience.pictures) > before + 5)
    show.close()
    assert "picture repeated" in table(show.summary())


def test_what_watches_the_poses_may_fail(subject: Subject, audience: Audience) -> None:
    class Broken:
        seen = 0

        def see(self, sighting: Sighting) -> None:
            self.seen += 1
            raise ArithmeticError("no such person")

    broken = Broken()
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    show._watch = broken
    show.start()
    wait_until(lambda: len(audience.pictures) > 10)
    show.close()
    assert show.error is None and broken.seen == 1
    assert show.restarts() == {}


def test_who_watches_may_be_replaced_while_the_show_runs(
    subject: Subject, audience: Audience
) -> None:
    class Watching:
        seen = 0

        def see(self, sighting: Sighting) -> None:
            self.seen += 1

    one, other = Watching(), Watching()
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    show.watch(one)
    show.start()
    wait_until(lambda: one.seen > 5)
    show.watch(other)
    wait_until(lambda: other.seen > 5)
    before = one.seen
    wait_until(lambda: other.seen > 10)
    show.watch(None)
    show.close()
    assert one.seen <= before + 1


def test_the_operator_sees_every_frame_with_its_pose_and_a_failing_view_is_left(
    subject: Subject, audience: Audience, caplog: pytest.LogCaptureFixture
) -> None:
    class View:
        broken = False

        def __init__(self) -> None:
            self.seen: list[tuple[Frame, Pose | None]] = []

        def see(self, frame: Frame, pose: Pose | None) -> None:
            self.seen.append((frame, pose))
            if self.broken:
                raise ArithmeticError("no such picture")

    view = View()
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    assert show.inspect is None
    show.start()
    wait_until(lambda: len(audience.pictures) > 5)
    show.inspect = view
    wait_until(lambda: len(view.seen) > 5)
    frame, pose = view.seen[-1]
    assert (frame.image == MARK).all() and pose is not None
    view.broken = True
    wait_until(lambda: show.inspect is None)
    count = len(audience.pictures)
    wait_until(lambda: len(audience.pictures) > count + 5)
    show.close()
    assert show.error is None and show.restarts() == {}
    assert caplog.text.count("operator's view failed") == 1


def test_whom_to_follow_is_passed_on(subject: Subject, audience: Audience) -> None:
    poses = ScriptedPose([])
    timing, frames = Timing(), Latest[Frame]()
    show = Show(
        Grabber(camera(1), frames), frames, poses, painter(subject, timing), audience, timing
    )
    show.follow_at(0.25, 0.75)
    show.follow_any()
    show.reset_tracking()
    show.close()
    assert poses.orders == [(0.25, 0.75), None]


def test_an_estimator_that_hangs_is_replaced_and_the_dance_goes_on(
    subject: Subject, audience: Audience
) -> None:
    hanging, freed, made = threading.Event(), threading.Event(), []

    class Seeing(ScriptedPose):
        def estimate(self, frame: Frame) -> Pose | None:
            if hanging.is_set():
                freed.wait()
            points, scores = standing(64, 64)
            return Pose(points, scores, frame.captured_s, frame.size)

    def make() -> ScriptedPose:
        made.append(Seeing([]))
        return made[-1]

    watched = WatchedEstimator(make, EstimatorLimits(answer_s=0.7))
    watched.await_first()
    timing, frames = Timing(), Latest[Frame]()
    show = Show(
        Grabber(camera(1), frames), frames, watched, painter(subject, timing), audience, timing
    )
    show.start()
    wait_until(lambda: "generated" in audience.rungs())
    hanging.set()
    wait_until(lambda: len(made) > 1)
    hanging.clear()
    wait_until(lambda: audience.pictures[-1].rung == "generated")
    show.close()
    freed.set()
    assert show.error is None
    assert audience.rungs() >= {"generated", "held"}


def test_the_source_is_told(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(1), [], audience)
    assert (show.source().name, show.source().trouble) == ("script", None)
    show.close()


class Flaky:
    """An engine that throws while `broken`: a card that is pulled out."""

    def __init__(self, subject: Subject) -> None:
        self._engine = OnnxRuntimeEngine(subject.generator, "tiny")
        self.inputs, self.outputs = self._engine.inputs, self._engine.outputs
        self.broken = False

    def run(self, feeds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if self.broken:
            raise RuntimeError("the device is gone")
        return self._engine.run(feeds)

    def close(self) -> None:
        self._engine.close()


def test_a_generator_that_fails_is_held_then_the_plate_is_shown(subject: Subject) -> None:
    engine = Flaky(subject)
    generator = Generator(subject, engine)
    normalizer = Normalizer(subject.manifest.body, subject.manifest.stage_size)
    maker = PictureMaker(Character(subject, generator, normalizer, Smoother()), Timing())
    poses = moving_poses(100)

    def make(number: int) -> Picture:
        return maker.make(Sighting(poses[number], number / 30, number), number / 30)

    good = [make(n) for n in range(20)][-1]
    assert good.rung == "generated"
    engine.broken = True
    held = make(20)
    assert held.rung == "held" and np.array_equal(held.image, good.image)
    later = [make(n) for n in range(21, 50)][-1]
    assert later.rung == "plate" and np.array_equal(later.image, subject.plate)
    engine.broken = False
    assert make(50).rung == "generated"


def test_the_cameras_picture_never_shows(subject: Subject, audience: Audience) -> None:
    """People come and go for thousands of frames; no pixel has the camera's colour."""
    rng = np.random.default_rng(7)
    maker = painter(subject, Timing())
    points, scores = standing(64, 64)
    there = True
    for number in range(2_000):
        if rng.random() < 0.02:
            there = not there
        pose = Pose(points + rng.normal(0, 2, points.shape).astype(np.float32), scores,
                    number / 30, (64, 64)) if there else None  # fmt: skip
        image = maker.make(Sighting(pose, number / 30, number), number / 30).image
        distance = np.abs(image.astype(np.int16) - MARK[None, None]).max(axis=2)
        assert distance.min() > 40, f"frame {number} shows the mark"


def test_nan_and_frozen_keypoints_do_no_harm(subject: Subject) -> None:
    maker = painter(subject, Timing())
    points, scores = standing(64, 64)
    for number in range(60):
        odd = points.copy()
        if number % 3 == 0:
            odd[number % len(odd)] = np.nan
        if number == 30:
            odd[:] = np.inf
        # From 40 on time itself stands still, as with a source that repeats a stale frame.
        at_s = min(number, 40) / 30
        picture = maker.make(Sighting(Pose(odd, scores, at_s, (64, 64)), at_s, number), number / 30)
        assert picture.image.shape == (128, 128, 3)
    assert picture.rung == "generated"


def test_every_picture_answers_a_frame_in_order(subject: Subject, audience: Audience) -> None:
    show = make_show(subject, camera(1), moving_poses(10_000), audience)
    show.start()
    wait_until(lambda: len(audience.pictures) > 30)
    show.close()
    captured = [p.captured_s for p in audience.pictures if p.rung == "generated"]
    assert captured == sorted(captured)
    assert len(set(captured)) == len(captured)
