"""`Worker`: one estimator, built and run on a thread that can be left behind where it hangs."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from live.frames import Frame, Pose
from live.latest import Closed, Latest
from live.pose.base import PoseEstimator

log = logging.getLogger(__name__)

MakeEstimator = Callable[[], PoseEstimator]
"""Builds an estimator, which takes a second or more. Raises `UnderstudyError`."""

Order = Callable[[PoseEstimator], None]
"""Something that an estimator is told between two frames."""

MOST_ORDERS = 8  # that wait while the estimator computes; the oldest of more is dropped


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an estimator said to one frame."""

    pose: Pose | None
    error: BaseException | None


class Worker:
    """Builds an estimator and asks it one frame at a time; both may hang, the caller does not."""

    def __init__(self, make: MakeEstimator) -> None:
        self.built = threading.Event()  # or it failed: see `error`
        self.error: BaseException | None = None
        self._make = make
        self._frames: Latest[Frame] = Latest()
        self._answers: Latest[Answer] = Latest()
        self._orders: deque[Order] = deque(maxlen=MOST_ORDERS)
        self._thread = threading.Thread(target=self._run, name="estimate", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """The thread still holds the estimator."""
        return self._thread.is_alive()

    def ask(self, frame: Frame, timeout_s: float) -> Answer | None:
        """The answer to `frame`; None when none comes in time, or none ever will."""
        self._frames.put(frame)
        try:
            return self._answers.take(timeout_s)
        except Closed:
            return None

    def tell(self, order: Order) -> None:
        """Have the estimator told something, before the next frame. From any thread."""
        self._orders.append(order)

    def leave(self) -> None:
        """Ask it nothing more. The thread frees the estimator as soon as that returns from what it
        computes; where it hangs, it is left behind. Returns at once."""
        self._frames.close()
        self._answers.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False when it still runs."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            estimator = self._make()
        except BaseException as error:  # the thread's top; who asked for it is told
            self.error = error
            return
        finally:
            self.built.set()
        try:
            self._answer_all(estimator)
        finally:
            estimator.close()

    def _answer_all(self, estimator: PoseEstimator) -> None:
        try:
            while (frame := self._frames.take()) is not None:
                while self._orders:
                    self._orders.popleft()(estimator)
                self._answers.put(_answer(estimator, frame))
        except Closed:
            return


def _answer(estimator: PoseEstimator, frame: Frame) -> Answer:
    try:
        return Answer(estimator.estimate(frame), None)
    except BaseException as error:  # backends raise anything: cv2.error, MediaPipe's TimeoutError
        return Answer(None, error)
