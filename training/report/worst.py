"""The frames that came out worst, and what is worst about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.measured import Measured

COUNT = 10
APART = 5  # frames, at least: ten neighbours would show one moment ten times
MISSED = "nobody found"

_REGION = "person"


@dataclass(frozen=True, slots=True)
class Metric:
    """How a frame's figure is called and written; `sign` is 1 where more is worse."""

    key: str
    words: str
    form: str
    sign: int


METRICS = (
    Metric("ssim", "SSIM", "{:.3f}", -1),
    Metric("psnr_db", "PSNR", "{:.1f} dB", -1),
    Metric("perceptual", "perceptual distance", "{:.2f}", 1),
    Metric("flicker", "flicker", "{:.1f} levels", 1),
    Metric("warp_error", "warp error", "{:.1f} levels", 1),
    Metric("pose_error", "pose error", "{:.1f} %", 1),
)


@dataclass(frozen=True, slots=True)
class Worst:
    """One frame."""

    frame: int  # its place in the contest
    metric: str  # which figure made it one of the worst
    value: str  # that figure, in words; empty where nobody was found
    typical: str  # what it is in the frame in the middle

    @property
    def words(self) -> str:
        """For a caption."""
        return f"{self.metric} {self.value}, usually {self.typical}" if self.value else self.metric


def worst_frames(measured: Measured, name: str, count: int = COUNT) -> list[Worst]:
    """Of the pictures called `name`, the worst first.

    A frame is as bad as its worst figure within the person's box, told by how many usual spreads it
    lies beyond the usual (median and median deviation of this very run): so every metric may speak,
    whatever its unit. Frames without anybody found come first.
    """
    figures = _figures(measured, name)
    odd = np.stack([_oddness(figures[metric.key], metric.sign) for metric in METRICS])
    missed = measured.poses[name].missed if name in measured.poses else np.zeros(odd.shape[1], bool)
    badness = np.where(missed, np.inf, odd.max(0))
    found: list[Worst] = []
    for frame in np.argsort(-badness, kind="stable").tolist():
        if len(found) == count or not badness[frame] > -np.inf:
            break
        if all(abs(frame - other.frame) >= APART for other in found):
            metric = METRICS[int(odd[:, frame].argmax())]
            found.append(_worst(frame, metric, figures[metric.key], bool(missed[frame])))
    return found


def _worst(frame: int, metric: Metric, values: NDArray[np.float64], missed: bool) -> Worst:
    if missed:
        return Worst(frame, MISSED, "", "")
    typical = float(np.nanmedian(values))
    return Worst(
        frame, metric.words, metric.form.format(values[frame]), metric.form.format(typical)
    )


def _figures(measured: Measured, name: str) -> Mapping[str, NDArray[np.float64]]:
    region = _REGION if (name, _REGION) in measured.frames else "picture"
    scores = measured.frames[name, region]
    nothing = np.full(len(scores.ssim), np.nan)
    poses = measured.poses.get(name)
    return {
        "pose_error": poses.frames if poses else nothing,
        **{m.key: getattr(scores, m.key) for m in METRICS if m.key != "pose_error"},
    }


def _oddness(values: NDArray[np.float64], sign: int) -> NDArray[np.float64]:
    """(N,): distance beyond the median, in median deviations; -inf where there is no figure."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), -np.inf)
    median = np.median(values[known])
    spread = max(float(np.median(np.abs(values[known] - median))), 1e-3 * abs(float(median)), 1e-9)
    return np.where(known, sign * (values - median) / spread, -np.inf)
