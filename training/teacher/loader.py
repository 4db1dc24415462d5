"""Batches made ahead in threads, a fixed number of them, and how long they were waited for.

Decoding, resizing and drawing release Python's lock. What is ahead is bounded: memory does not
grow with the footage.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from training.teacher.clips import ClipBatches, Clips


class Loader:
    """Goes through the steps' batches in order."""

    def __init__(
        self,
        batches: ClipBatches,
        workers: int = 2,
        pin: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pin` puts batches where a GPU fetches them without the CPU's help."""
        self.waited_s = 0.0  # in all
        self._batches, self._workers, self._pin, self._clock = batches, workers, pin, clock

    def ahead(self, step: int) -> Iterator[Clips]:
        """The batches from `step` on."""
        with ThreadPoolExecutor(self._workers, "clips") as pool:
            coming = deque[Future[Clips]]()
            try:
                while True:
                    while len(coming) <= self._workers:
                        coming.append(pool.submit(self._make, step + len(coming)))
                    began_s = self._clock()
                    ready = coming.popleft().result()
                    self.waited_s += self._clock() - began_s
                    step += 1
                    yield ready
            finally:
                for future in coming:
                    future.cancel()

    def _make(self, step: int) -> Clips:
        clips = self._batches.make(step)
        if not self._pin:
            return clips
        parts = (clips.label, clips.truth, clips.weight, clips.heads)
        return Clips(*(part.pin_memory() for part in parts))
