"""The dataset as training reads it: every frame has its window, as on stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from live.frames import Frame, Pose
from live.window import StageWindow, into_window
from tests.training.tiny_footage import KnownPose, write_video
from training.dataset import Dataset
from training.prepare import PrepareOptions, prepare


def test_every_frame_has_the_window_that_the_stage_would_show(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    assert len(data.regions) == len(data)
    window = StageWindow(data.body, data.stage, data.size, data.window)
    for number, region in enumerate(data.regions):
        time_s = float(data.times_s[number])
        pose = Pose(data.points[number], data.scores[number], time_s, data.stage)
        assert region == window.follow(pose, time_s)
        moved = into_window(data.points[number], region, data.size)[data.scores[number] > 0]
        assert (moved > 0).all() and (moved < data.size[::-1]).all()
    assert len({region.x for region in data.regions}) > 20, "it follows"


class ComesLate(KnownPose):
    """Sees nobody in the first five pictures of the second clip."""

    def estimate(self, frame: Frame) -> Pose | None:
        found = super().estimate(frame)
        return None if self.asked > 100 and frame.sequence < 5 else found


def test_every_clip_begins_with_a_window_of_its_own(tmp_path: Path) -> None:
    """Nothing of the clip before is left, though nobody is in the second's first pictures."""
    videos = (
        write_video(tmp_path / "walk.avi", 100),
        write_video(tmp_path / "again.avi", 40),
    )
    options = PrepareOptions(videos, tmp_path / "data", size=96, stage=128, progress=False)
    prepare(options, ComesLate())
    data = Dataset(tmp_path / "data")
    assert np.array_equal(np.flatnonzero(np.diff(data.clips)), [99])
    for number in (0, 100, 104):
        first = Pose(data.points[number], data.scores[number], 0.0, data.stage)
        assert data.regions[number] == data.new_window().follow(first, 0.0)
    assert data.seen[99] and not data.seen[104] and data.seen[105]
    assert data.regions[99] != data.regions[100]
