"""`WatchedEstimator`: an estimator that is built anew when it hangs, or fails again and again.

    estimate() -> Worker (daemon thread, may hang) -> the estimator

The one that hangs is left behind; until the next one is there, `estimate` raises at once, and the
show's ladder stands in.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from live.errors import SetupError
from live.frames import Frame, Pose
from live.pose.bodies import middle
from live.pose.worker import Answer, MakeEstimator, Worker
from live.sources.watch import Backoff
from live.timing import Clock

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
MOST_LEFT_BEHIND = 3  # hung threads; with so many, none is added until one returns


@dataclass(frozen=True, slots=True)
class EstimatorLimits:
    """What an estimator is held to."""

    answer_s: float = 2.0  # for one frame; a busy machine takes one
    first_answer_s: float = 20.0  # for the first of all: some compile then
    build_s: float = 120.0  # for it to be built: engines are
    errors: int = 15  # in a row; half a second of them

    def __post_init__(self) -> None:
        for name in ("answer_s", "first_answer_s", "build_s", "errors"):
            if not getattr(self, name) > 0:
                raise SetupError(f"{name} is {getattr(self, name)}; it must be above 0")


class EstimatorAwayError(RuntimeError):
    """There is no estimator at the moment: the next one is being built."""


class WatchedEstimator:
    """A `live.pose.base.PoseEstimator` around those that `make` builds, one after another."""

    def __init__(
        self,
        make: MakeEstimator,
        limits: EstimatorLimits | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """The first one begins to be built here; `await_first` waits for it."""
        self.renewals = 0  # how often another one took over
        self._make = make
        self._limits = limits or EstimatorLimits()
        self._clock = clock
        self._backoff = Backoff()
        self._left_behind: list[Worker] = []
        self._again_s: float | None = None  # when the next one may be begun; None: one is there
        self._closed = False
        self._point: tuple[float, float] | None = None  # where the one to follow was last seen
        self._person: int | None = None  # the number of who was followed last
        self._before: int | None = None  # the same when somebody was pointed at
        self._begin()

    def await_first(self) -> None:
        """Return when the first one is built. Raises what its building raised."""
        if not self._worker.built.wait(self._limits.build_s):
            raise SetupError(
                f"the pose estimator is not ready within {self._limits.build_s:g} s; start again, "
                "or give another --pose-engine"
            )
        if self._worker.error is not None:
            raise self._worker.error

    def estimate(self, frame: Frame) -> Pose | None:
        """Raises what the estimator raises, TimeoutError where it hangs, and
        EstimatorAwayError while the next one is built."""
        self._await_turn()
        limits = self._limits
        first = self._answered == 0 and self.renewals == 0
        answer = self._worker.ask(frame, limits.first_answer_s if first else limits.answer_s)
        if answer is None:
            self._give_up("hangs")
            raise TimeoutError("the pose estimator hangs")
        return self._judge(answer)

    def reset(self) -> None:
        self._point = None
        self._worker.tell(lambda estimator: estimator.reset())

    def follow_at(self, x: float, y: float) -> None:
        """See `PoseEstimator`; the one that takes over is told, too."""
        self._before = self._person
        self._point = (x, y)
        self._worker.tell(lambda estimator: estimator.follow_at(x, y))

    def follow_any(self) -> None:
        """See `PoseEstimator`."""
        self._point = None
        self._worker.tell(lambda estimator: estimator.follow_any())

    def close(self) -> None:
        self._closed = True
        self._worker.leave()
        if not self._worker.join(CLOSE_TIMEOUT_S):
            log.warning("the pose estimator still computes; its thread is left behind")

    def _begin(self) -> None:
        self._worker = Worker(self._make)
        self._person = self._before = None
        if (point := self._point) is not None:
            self._worker.tell(lambda estimator: estimator.follow_at(*point))
        self._begun_s = self._clock()
        self._again_s = None
        self._answered = self._errors = 0

    def _await_turn(self) -> None:
        """Return when there is an estimator that can be asked. Never waits: it raises."""
        if self._closed:
            raise EstimatorAwayError("the pose estimator is closed")
        now_s = self._clock()
        if self._again_s is not None:
            self._left_behind = [worker for worker in self._left_behind if worker.running]
            if now_s < self._again_s or len(self._left_behind) >= MOST_LEFT_BEHIND:
                raise EstimatorAwayError("another pose estimator is about to be built")
            self._begin()
        if self._worker.error is not None:
            self._give_up(f"cannot be built ({self._worker.error})")
        elif not self._worker.built.is_set() and now_s - self._begun_s > self._limits.build_s:
            self._give_up("is not ready in time")
        if self._again_s is not None or not self._worker.built.is_set():
            raise EstimatorAwayError("another pose estimator is being built")

    def _judge(self, answer: Answer) -> Pose | None:
        self._answered += 1
        if answer.error is None:
            if self._answered == 1 and self.renewals:
                log.warning("a new pose estimator works, after %d", self.renewals)
            self._errors = 0
            self._note_place(answer.pose)
            return answer.pose
        self._errors += 1
        if self._errors >= self._limits.errors:
            self._give_up(f"failed {self._errors} times in a row ({answer.error})")
        raise answer.error

    def _note_place(self, pose: Pose | None) -> None:
        """Bear in mind where the one who was pointed at is now, for an estimator to come."""
        if pose is None:
            return
        self._person, point = pose.person, self._point
        # The answer to an earlier frame shows who was followed before.
        if point is None or pose.person == self._before:
            return
        where = middle(pose)
        if where is not None and self._point is point:  # or another one was pointed at just now
            self._point = where

    def _give_up(self, why: str) -> None:
        """Leave this one behind; the next is begun after a pause."""
        now_s = self._clock()
        delay_s = self._backoff.after(now_s - self._begun_s)
        log.error("the pose estimator %s; another is built in %.2g s", why, delay_s)
        self._worker.leave()
        self._left_behind.append(self._worker)
        self._again_s = now_s + delay_s
        self.renewals += 1
