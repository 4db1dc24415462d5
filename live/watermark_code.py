"""Error correction for the mark's 64 bits: a convolutional code that bites its own tail.

Rate 1/4, constraint length 9, generators 463, 535, 733, 745 (octal), free distance 24: from the
tables in Proakis, 'Digital Communications'. Tail-biting (Ma and Wolf, 1986) starts the encoder in
the state that it ends in, so that no bits are spent on flushing it. Decoded by Viterbi's algorithm
on soft values, going round the circle until its start no longer matters (Shao, Lin and Fossorier,
2003).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.watermark_payload import BITS

RATE = 4  # coded bits for each bit
CODED = BITS * RATE
_LENGTH = 9  # of the constraint: the bit itself and the eight before it
_STATES = 1 << (_LENGTH - 1)
_LAPS = 4  # rounds of the circle; the last but one is read
_GENERATORS = (0o463, 0o535, 0o733, 0o745)


def encode(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (64,) of 0 and 1 -> uint8 (256,) of 0 and 1."""
    coded = np.empty((BITS, RATE), np.uint8)
    for number in range(BITS):
        window = 0
        for back in range(_LENGTH):
            window |= int(bits[number - back]) << (_LENGTH - 1 - back)
        coded[number] = [(window & generator).bit_count() & 1 for generator in _GENERATORS]
    return coded.ravel()


def decode(soft: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Soft values (256,), positive for a 1, on any scale -> the likeliest bits, uint8 (64,)."""
    windows = np.arange(2 * _STATES)
    outputs = np.empty((2 * _STATES, RATE), np.float32)
    for place, generator in enumerate(_GENERATORS):
        outputs[:, place] = np.bitwise_count(windows & generator) % 2 * 2.0 - 1
    return _viterbi(np.ascontiguousarray(soft.reshape(BITS, RATE), np.float32), outputs)


@njit(nogil=True, cache=True)
def _viterbi(soft: NDArray[np.float32], outputs: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A window is the new bit, in front of the eight of the state it leaves."""
    states = outputs.shape[0] // 2
    steps = _LAPS * soft.shape[0]
    metric = np.zeros(states, np.float32)
    after = np.empty(states, np.float32)
    came_from = np.empty((steps, states), np.uint8)
    for step in range(steps):
        seen = soft[step % soft.shape[0]]
        for state in range(states):  # the one that is arrived in
            bit = state >> 7
            best = np.float32(-np.inf)
            for oldest in range(2):
                before = (state << 1 & (states - 1)) | oldest
                window = bit << 8 | before
                gain = metric[before]
                for place in range(soft.shape[1]):
                    gain += outputs[window, place] * seen[place]
                if gain > best:
                    best = gain
                    came_from[step, state] = before
            after[state] = best
        metric[:] = after - after.max()
    bits = np.empty(soft.shape[0], np.uint8)
    state = int(metric.argmax())
    for step in range(steps - 1, (_LAPS - 2) * soft.shape[0] - 1, -1):
        if step < (_LAPS - 1) * soft.shape[0]:
            bits[step % soft.shape[0]] = state >> 7
        state = int(came_from[step, state])
    return bits
