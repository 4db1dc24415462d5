"""A contest with everybody's figures, by name and region."""

from __future__ import annotations

from dataclasses import dataclass

from tqdm import tqdm

from training.contest import Contest
from training.found_poses import PoseErrors
from training.metrics import FrameScores, Score, Scorer
from training.sheet import Row

Key = tuple[str, str]
"""Name and region."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a table and a report are made of."""

    contest: Contest
    scores: dict[Key, Score]
    frames: dict[Key, FrameScores]
    poses: dict[str, PoseErrors]  # by name; empty where poses were not asked for
    closeness: str  # what the perceptual distance is

    def rows(self) -> list[Row]:
        """In the contest's order, region after region for each name."""
        return [self._row(name, region) for name, region in self.scores]

    def _row(self, name: str, region: str) -> Row:
        score, poses = self.scores[name, region], self.poses.get(name)
        return Row(
            name=name,
            region=region,
            ssim=score.ssim,
            psnr_db=score.psnr_db,
            perceptual=score.perceptual,
            pose_error=poses.mean if poses else None,
            missed=poses.missed_share if poses else None,
            flicker=score.flicker,
            warp_error=score.warp_error,
            warp_over_real=score.warp_over_real,
            kid=score.kid,
            label_error=self.contest.drawn.get(name),
        )


def measure(contest: Contest) -> Measured:
    """Everything but the poses: those are found last, and added by `dataclasses.replace`."""
    scorer = Scorer(contest.truths)
    scores: dict[Key, Score] = {}
    frames: dict[Key, FrameScores] = {}
    regions = contest.regions()
    for name, pictures in tqdm(contest.pictures.items(), desc="measuring", leave=False):
        for region, boxes in regions.items():
            found = scorer.frames(pictures, boxes)
            frames[name, region] = found
            scores[name, region] = scorer.summed(found, pictures, boxes)
    return Measured(contest, scores, frames, {}, scorer.closeness.name)
