"""Batches made ahead in threads, a fixed number of them, and how long they were waited for.

Decoding, resizing and drawing release Python's lock. What is ahead is bounded: memory does not
grow with the footage.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
Made = TypeVar("Made", covariant=True)


class Maker(Protocol[Made]):
    """Makes the batch of any step; safe to be called from several threads."""

    def make(self, step: int) -> Made: ...


class Loader(Generic[T]):
    """Goes through the steps' batches in order."""

    def __init__(
        self,
        batches: Maker[T],
        workers: int = 2,
        prepare: Callable[[T], T] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`prepare` is applied to each batch in the thread that made it, such as `Clips.pinned`."""
        self.waited_s = 0.0  # in all
        self._batches, self._workers, self._prepare = batches, workers, prepare
        self._clock = clock

    def ahead(self, step: int) -> Iterator[T]:
        """The batches from `step` on."""
        with ThreadPoolExecutor(self._workers, "batches") as pool:
            coming = deque[Future[T]]()
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

    def _make(self, step: int) -> T:
        made = self._batches.make(step)
        return made if self._prepare is None else self._prepare(made)
