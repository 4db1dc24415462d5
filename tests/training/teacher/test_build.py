"""What each stage is made of: the papers' numbers, from the options to the trainer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.teacher.small import ALONE, small_options
from training.teacher.critic import together
from training.teacher.session import Session
from training.teacher.stages import Judged


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


@pytest.mark.parametrize("foreground", [True, False])
def test_the_figure_counts_more_where_that_is_asked_for(
    tiny_data: Path, tmp_path: Path, foreground: bool
) -> None:
    """In the perceptual loss, at the papers' weights, with the picture's weight as a whole kept."""
    options = small_options(tiny_data, tmp_path, 1, foreground=foreground, rate=2e-4)
    session = Session(options, "global", ALONE)
    clips = session._batches.exact([int(session._batches.starts[0])])
    assert torch.allclose(clips.weight.mean((2, 3, 4)), torch.ones(1, 2), atol=1e-4)
    figure, empty = (clips.weight == part for part in (clips.weight.amax(), clips.weight.amin()))
    assert torch.equal(figure, empty) is not foreground
    terms = []
    for place in (figure, empty):
        wrong = torch.where(place, -clips.truth, clips.truth)
        judged = Judged(clips.label, wrong, clips.truth, clips.weight)
        terms.append(session.trainer._terms(judged, _maps(session, judged))["perceptual"])
    per_pixel = [float(t) / float(p.sum()) for t, p in zip(terms, (figure, empty), strict=True)]
    assert (per_pixel[0] > 3 * per_pixel[1]) is foreground


def _maps(session: Session, judged: Judged) -> list[torch.Tensor]:
    with torch.no_grad():
        critic = session.trainer.critic
        return list(critic(together(judged.label, judged.wanted, True)).features)
