"""The show's loop: grab -> pose -> picture -> encode, a thread each, a mailbox between.

Newest frame wins; what nobody took in time is counted as dropped; nothing queues. Knows only
protocols: what grabs, estimates, paints and encodes is handed in.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from live.endurance import Endurance
from live.errors import UnderstudyError
from live.frames import Frame, Picture, Pose, Sighting
from live.latest import Latest
from live.pose.base import PoseEstimator
from live.sources.base import SourceTold
from live.stage import Stage
from live.timing import Spread, Timing, spread

log = logging.getLogger(__name__)

IDLE_S = 0.1
"""Seconds without a new frame after which the picture goes on without one: the ladder moves."""
JOIN_S = 1.5
"""Seconds that `close` waits for all stages together, and then for the estimator."""
HUNG_S = 5.0
"""Seconds that one pose may take before it is said that it hangs; a busy machine takes one."""
REPEAT_S = 0.5
"""Seconds without a new picture after which the last one is sent again: viewers stay connected
while the picture stage hangs or starts again."""
RECENT = 60
"""Pictures that `fps` and `delay_ms` look back on: two seconds or so."""


class Grab(Protocol):
    """What brings frames: reads a source in a thread of its own and leaves them in a mailbox."""

    @property
    def finished(self) -> threading.Event:
        """Set once no frame will come any more."""

    @property
    def error(self) -> UnderstudyError | None:
        """Why it ended, where it did not by itself."""

    def start(self) -> None:
        """Begin to read."""

    def tells(self) -> SourceTold:
        """How the source is. From any thread, quick."""

    def close(self) -> None:
        """Stop. May be called twice."""


class Paint(Protocol):
    """What makes a picture of a sighting; `live.picture.PictureMaker`."""

    def make(self, sighting: Sighting, now_s: float) -> Picture: ...


class Publish(Protocol):
    """What encodes a picture and sends it; returns once it is encoded."""

    def publish(self, picture: Picture) -> object: ...


class Watch(Protocol):
    """What may look at every sighting: a calibration, a recorder of poses."""

    def see(self, sighting: Sighting) -> None: ...


class Inspect(Protocol):
    """What may look at every frame beside its pose: the operator's view, and nobody else's."""

    def see(self, frame: Frame, pose: Pose | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """How the show went, since the last `Timing.reset`."""

    seconds: float
    fps: float  # pictures encoded per second
    stages_ms: dict[str, Spread]
    grab_to_encoded_ms: Spread
    dropped: int  # frames and pictures that were replaced before anybody took them
    rungs: dict[str, int]  # pictures by step of the fallback ladder
    restarts: dict[str, int]  # how often a stage failed and began anew, by its name; none: absent
    repeated: int  # pictures sent again because no new one came; not in `fps`


class Show:
    """Runs the stages from `start` to `close`; `wait` returns when they have ended."""

    def __init__(
        self,
        grab: Grab,
        frames: Latest[Frame],
        estimator: PoseEstimator,
        paint: Paint,
        publish: Publish,
        timing: Timing,
        watch: Watch | None = None,
        endurance: Callable[[], Endurance] = Endurance,
    ) -> None:
        """`endurance` makes what each stage is given: how often it may fail in a row."""
        self._grab = grab
        self._frames = frames
        self._estimator = estimator
        self._paint = paint
        self._publish = publish
        self._timing = timing
        self._watch = watch
        self.inspect: Inspect | None = None
        """Shown every frame on the pose thread, so it is to be quick. May be set at any time."""
        self._sightings: Latest[Sighting] = Latest()
        self._pictures: Latest[Picture] = Latest()
        self._finished = threading.Event()
        self._pose_failing = False
        self._pose_since_s: float | None = None  # when the pose now computed was begun
        self._encode_failing = False
        self._closed = False
        self._began_s = 0.0
        self._dropped_before = 0
        self._recent_s: deque[float] = deque(maxlen=RECENT)
        self._recent_delays_s: deque[float] = deque(maxlen=RECENT)
        self._last: Picture | None = None  # the newest that was encoded
        self._fresh_s = timing.clock()  # when it was
        self._stages = [
            Stage(name, step, self._on_end, endurance(), timing.clock)
            for name, step in (
                ("pose", self._pose_step),
                ("picture", self._picture_step),
                ("encode", self._encode_step),
            )
        ]

    def start(self) -> None:
        """Begin; once only."""
        self._began_s = self._fresh_s = self._timing.clock()
        for stage in self._stages:
            stage.start()
        self._grab.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the show's end; False when `timeout_s` passes first."""
        return self._finished.wait(timeout_s)

    @property
    def error(self) -> BaseException | None:
        """What ended the show, where it did not end by itself."""
        return next((s.error for s in self._stages if s.error is not None), self._grab.error)

    def watch(self, watch: Watch | None) -> None:
        """Show every sighting to `watch` from now on, in place of whatever did watch."""
        self._watch = watch

    def follow_at(self, x: float, y: float) -> None:
        """Follow whoever is at this point, shares of the camera's picture, and nobody else."""
        self._estimator.follow_at(x, y)

    def follow_any(self) -> None:
        """Follow whoever is largest."""
        self._estimator.follow_any()

    def reset_tracking(self) -> None:
        """Forget whom we follow, and look for a performer anew."""
        self._estimator.reset()

    def fps(self) -> float:
        """Pictures per second over the last two seconds or so."""
        times_s = list(self._recent_s)
        if len(times_s) < 2 or self._timing.clock() - times_s[-1] > 2:
            return 0.0
        # Two may bear the same time: Windows' clock has steps of 16 ms.
        return (len(times_s) - 1) / max(times_s[-1] - times_s[0], 1e-3)

    def delay_ms(self) -> Spread:
        """From grab to encoded, over the last two seconds or so. Quick, unlike `summary`."""
        return spread(list(self._recent_delays_s))

    def stale_s(self) -> float:
        """Seconds since a new picture was encoded: what a watchdog asks."""
        return max(self._timing.clock() - self._fresh_s, 0.0)

    def source(self) -> SourceTold:
        """How the source is. Quick."""
        return self._grab.tells()

    def restarts(self) -> dict[str, int]:
        """How often each stage failed and began anew; one that never did is absent."""
        return {stage.name: stage.restarts for stage in self._stages if stage.restarts}

    def dropped(self) -> int:
        """Frames and pictures that nobody took in time. Quick."""
        return self._all_dropped() - self._dropped_before

    def restart_clock(self) -> None:
        """Forget what was measured, as after a warm-up."""
        self._timing.reset()
        self._began_s = self._timing.clock()
        self._dropped_before = self._all_dropped()

    def summary(self) -> Summary:
        """What was measured so far."""
        spreads, counts = self._timing.spreads(), self._timing.counts()
        seconds = max(self._timing.clock() - self._began_s, 1e-9)
        nothing = Spread(0, 0.0, 0.0, 0.0)
        return Summary(
            seconds=seconds,
            fps=counts.get("encoded", 0) / seconds,
            grab_to_encoded_ms=spreads.pop("grab_to_encoded", nothing),
            stages_ms=spreads,
            dropped=self.dropped(),
            rungs={
                name.removeprefix("picture."): number
                for name, number in counts.items()
                if name.startswith("picture.")
            },
            restarts=self.restarts(),
            repeated=counts.get("repeated", 0),
        )

    def close(self) -> None:
        """Stop every stage and free the estimator. From any state; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._leave_stages()
        self._grab.close()
        deadline_s = self._timing.clock() + JOIN_S
        ended = [s.join(max(deadline_s - self._timing.clock(), 0.05)) for s in self._stages]
        for stage, has_ended in zip(self._stages, ended, strict=True):
            if not has_ended:
                log.warning("the %s stage did not end within %.1f s", stage.name, JOIN_S)
        if ended[0]:  # freeing what a thread still computes with would crash the process
            self._close_estimator()
        self._finished.set()

    def _close_estimator(self) -> None:
        """In a thread that can be left behind: native code that hangs must not hang the end."""
        closing = threading.Thread(target=self._estimator.close, name="close pose", daemon=True)
        closing.start()
        closing.join(JOIN_S)
        if closing.is_alive():
            log.warning("the pose estimator does not close; left behind")

    def _all_dropped(self) -> int:
        return self._frames.dropped + self._sightings.dropped + self._pictures.dropped

    def _leave_stages(self) -> None:
        for stage in self._stages:
            stage.leave()
        for mailbox in (self._frames, self._sightings, self._pictures):
            mailbox.close()

    def _on_end(self, stage: Stage) -> None:
        """A stage that ends takes the others with it: half a show is none."""
        self._leave_stages()
        self._finished.set()

    def _pose_step(self) -> None:
        frame = self._frames.take(IDLE_S)
        if frame is None:
            if self._grab.finished.is_set():
                self._frames.close()
            return
        self._pose_since_s = self._timing.clock()
        try:
            with self._timing.section("pose"):
                pose = self._estimator.estimate(frame)
            self._pose_failing = False
        except Exception as error:  # backends raise anything: cv2.error, MediaPipe's TimeoutError
            pose = None
            self._timing.count("pose.failed")
            if not self._pose_failing:
                log.error("the pose was not found (%s); the show goes on without", error)
            self._pose_failing = True
        self._pose_since_s = None
        sighting = Sighting(pose, frame.captured_s, frame.sequence)
        self._sightings.put(sighting)
        self._show_to_watch(sighting)
        self._show_to_inspect(frame, pose)

    def _show_to_watch(self, sighting: Sighting) -> None:
        """Who watches may not hold up who is watched."""
        watch = self._watch  # read once: another may be put in its place from another thread
        if watch is None:
            return
        try:
            watch.see(sighting)
        except Exception:
            log.exception("what watches the poses failed; the show goes on without it")
            if self._watch is watch:
                self._watch = None

    def _show_to_inspect(self, frame: Frame, pose: Pose | None) -> None:
        inspect = self.inspect
        if inspect is None:
            return
        try:
            inspect.see(frame, pose)
        except Exception:
            log.exception("the operator's view failed; the show goes on without it")
            if self.inspect is inspect:
                self.inspect = None

    def _picture_step(self) -> None:
        sighting = self._sightings.take(IDLE_S)
        now_s = self._timing.clock()
        if sighting is None:
            sighting = Sighting(None, now_s, -1)
            self._say_if_hung(now_s)
        with self._timing.section("picture"):
            picture = self._paint.make(sighting, now_s)
        self._pictures.put(picture)

    def _say_if_hung(self, now_s: float) -> None:
        since_s = self._pose_since_s
        if since_s is not None and now_s - since_s > HUNG_S:
            self._pose_since_s = None  # once
            log.error(
                "the pose of one frame takes longer than %g s; the show goes on without anybody to "
                "follow; if it stays so, end it and start it again", HUNG_S,
            )  # fmt: skip

    def _encode_step(self) -> None:
        picture = self._pictures.take(REPEAT_S)
        if picture is None:
            self._repeat()
        elif self._encoded(picture):
            self._note(picture)

    def _repeat(self) -> None:
        """Send the last picture again, in place of one that does not come."""
        if self._last is None:
            return
        if self._encoded(replace(self._last, captured_s=self._timing.clock(), rung="held")):
            self._timing.count("repeated")

    def _encoded(self, picture: Picture) -> bool:
        try:
            with self._timing.section("encode"):
                self._publish.publish(picture)
        except (UnderstudyError, RuntimeError, ValueError, OSError) as error:
            self._timing.count("encode.failed")
            if not self._encode_failing:
                log.error("a picture was not encoded (%s); the show goes on", error)
            self._encode_failing = True
            return False
        if self._encode_failing:
            log.warning("pictures are encoded again")
        self._encode_failing = False
        return True

    def _note(self, picture: Picture) -> None:
        """Count a picture that is on its way."""
        encoded_s = self._timing.clock()
        self._last, self._fresh_s = picture, encoded_s
        self._recent_s.append(encoded_s)
        self._timing.count("encoded")
        if picture.rung == "generated":
            delay_s = encoded_s - picture.captured_s
            self._timing.add("grab_to_encoded", delay_s)
            self._recent_delays_s.append(delay_s)
