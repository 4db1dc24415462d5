"""What a device captured lately, read by the time at which it was captured."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from live.stream.opus import BLOCK, BLOCK_S, CHANNELS, Samples

KEPT_S = 3.0
"""How far back can be read: more than any delay of the picture."""

GAP_S = 0.1
"""A device's clock that is further off than this has stopped, or jumped."""

PULL = 0.005
"""The share of the distance between counted and measured time that each put takes away. At 100
puts in a second their wobble is smoothed over two seconds, and a device whose clock is wrong by
1 in 10,000 is followed with an error of 0.2 ms."""

SLIP = 0.02
"""A block may be stretched by so much to follow the device's clock; else reading starts anew."""


class SoundRing:
    """One thread puts, one takes; neither waits for the other for longer than a copy.

    A device's clock is not ours: its 48,000 samples take a little more or less than a second. So
    time is measured at each put, smoothed, and a block is cut out between two times and resampled
    to its 960 samples: sound and picture stay together however long the show is. The same serves
    devices of another rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz  # samples of each channel in a second, as the device says
        self._size = int(KEPT_S * rate_hz)
        self._kept = np.zeros((self._size, CHANNELS), np.int16)
        self._lock = threading.Lock()
        self._first = self._end = 0  # the samples that can be read, counted from the first ever
        self._end_s = float("-inf")  # capture time of `_end`
        self._next = 0.0  # where the last block ended

    def put(self, samples: NDArray[np.int16], captured_s: float) -> None:
        """Add int16 (N, 1) or (N, 2), whose first was captured at `captured_s`."""
        samples = samples[-self._size :]
        step_s = len(samples) / self.rate_hz
        with self._lock:
            counted_s, measured_s = self._end_s + step_s, captured_s + step_s
            if not abs(measured_s - counted_s) <= GAP_S:
                self._first, counted_s = self._end, measured_s
            places = np.arange(self._end, self._end + len(samples)) % self._size
            self._kept[places] = samples  # a single channel fills both
            self._end += len(samples)
            self._end_s = counted_s + PULL * (measured_s - counted_s)

    def take(self, captured_s: float) -> Samples:
        """The 20 ms from `captured_s` on; silence where there is nothing, or nothing any more."""
        with self._lock:
            end = self._end - (self._end_s - captured_s - BLOCK_S) * self.rate_hz
            first, last = max(self._first, self._end - self._size), self._end
            if not (first - BLOCK < end < last + BLOCK):
                return np.zeros((BLOCK, CHANNELS), np.int16)
            begin, self._next = self._begin(end), end
            return self._read(np.linspace(begin, end, BLOCK, endpoint=False), first, last)

    def _begin(self, end: float) -> float:
        """Where the last block ended, unless that is too far off."""
        length = BLOCK_S * self.rate_hz
        return self._next if abs(end - self._next - length) <= SLIP * length else end - length

    def _read(self, places: NDArray[np.float64], first: int, last: int) -> Samples:
        """The sound between the samples: Catmull-Rom's cubic through the four around a place."""
        whole = np.floor(places).astype(np.int64)
        t = (places - whole)[:, None]
        around = np.clip(whole[:, None] + np.arange(-1, 3), first, last - 1) % self._size
        a, b, c, d = np.moveaxis(self._kept[around].astype(np.float64), 1, 0)
        wave = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        wave[(places < first) | (places > last - 1)] = 0.0
        return np.asarray(np.clip(np.round(wave), -32_768, 32_767), np.int16)
