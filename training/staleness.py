"""How late may a real picture come, before the generated one is closer to what is now?

At 30 frames a second the real picture before is nearly the picture, and nothing that is generated
comes as near. But nobody has it on stage: what could be had of the subject herself would come late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from training.closeness import Closeness

MOST = 2.0  # seconds; a dancer is anywhere by then
LOOKS = 60  # frames that are measured, at most


def as_late_ms(
    distances: NDArray[np.float64],
    truths: Sequence[Image],
    times_s: NDArray[np.float64],
    closeness: Closeness,
) -> float | None:
    """Age of the real pictures that are as far from the truth as pictures at `distances`, ms.

    distances: (N,), by `closeness`, of somebody's pictures from the truths; truths: (N,), RGB uint8
    (h, w, 3); times_s: (N,), rising. Between two ages that are measured the distance is taken as
    straight. None where real pictures of every age, as far as the frames and two seconds go, are
    closer.
    """
    age_s, distance = 0.0, 0.0
    for back in _ages(len(truths)):
        frames = np.unique(np.linspace(back, len(truths) - 1, LOOKS).astype(int))
        older_s = float(np.median(times_s[frames] - times_s[frames - back]))
        if older_s > MOST:
            break
        found = float(distances[frames].mean())
        older = float(np.mean([closeness.between(truths[n], truths[n - back]) for n in frames]))
        if older >= found:
            share = (found - distance) / max(older - distance, 1e-9)
            return 1000 * (age_s + float(np.clip(share, 0, 1)) * (older_s - age_s))
        age_s, distance = older_s, older
    return None


def _ages(count: int) -> Iterator[int]:
    """Numbers of frames back, a fourth more each time, that leave half of `count` to measure."""
    back = 1
    while back <= count // 2:
        yield back
        back = max(back + 1, back * 5 // 4)
