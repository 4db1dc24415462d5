"""What each stage is made of: the papers' numbers, from the options to the trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.teacher.small import ALONE, small_options
from training.teacher.session import Session


@pytest.fixture(scope="module")
def run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a global generator, for the stages that come after."""
    folder = tmp_path_factory.mktemp("run")
    Session(small_options(tiny_data, folder, 1, rate=2e-4), "global", ALONE).run()
    return folder


@pytest.mark.parametrize(
    ("stage", "perceptual", "scales", "channels"),
    [("global", 5, 2, 12), ("local", 10, 3, 12), ("face", 5, 1, 6)],
)
def test_a_stage_has_the_papers_losses_and_critics(
    tiny_data: Path, run: Path, stage: str, perceptual: int, scales: int, channels: int
) -> None:
    trainer = Session(small_options(tiny_data, run, 2, rate=2e-4), stage, ALONE).trainer
    weights = trainer.rates.weights
    assert (weights.adversarial, weights.features, weights.perceptual) == (1, 10, perceptual)
    assert weights.pixel == 0
    first = [patch.stages[0][0].in_channels for patch in trainer.critic.patches]  # type: ignore[index,union-attr]
    assert first == [channels] * scales
    for adam in (trainer._adam, trainer._critic_adam):
        (group,) = adam.param_groups
        assert group["lr"] == 2e-4 and tuple(group["betas"]) == (0.5, 0.999)


def test_frame_by_frame_has_critics_of_single_pictures(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 1, temporal=False, unroll=1, rate=2e-4)
    critic = Session(options, "global", ALONE).trainer.critic
    assert critic.patches[0].stages[0][0].in_channels == 6  # type: ignore[index,union-attr]
