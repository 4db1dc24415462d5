"""Gradients reach everything, four frames are learned by heart, a broken step spoils nothing."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from live.skeleton import LabelStyle
from tests.training.teacher.small import ALONE, SHAPE, SIZE
from training.dataset import Dataset
from training.finite import NotFinite
from training.teacher.backbones import open_backbone
from training.teacher.clips import ClipBatches, Clips, ClipSettings
from training.teacher.nets import GlobalGenerator, LocalEnhancer
from training.teacher.objective import TeacherWeights
from training.teacher.stages import FaceStage, PictureStage, Stage, Unrolled
from training.teacher.trainer import TeacherRates, TeacherTrainer, linear_decay

RATES = TeacherRates(critic_width=8)


@pytest.fixture
def clips(tiny_dataset: Dataset) -> Clips:
    settings = ClipSettings(SIZE, rows=2, frames=2, face_side=16)
    return ClipBatches(tiny_dataset, LabelStyle(), settings, 1).make(0)


def stage_named(name: str) -> Stage:
    torch.manual_seed(0)
    glob = GlobalGenerator(SHAPE)
    if name == "local":
        return PictureStage(LocalEnhancer(glob))
    if name == "face":
        return FaceStage(GlobalGenerator(SHAPE), glob, 16, feedback=True)
    return PictureStage(glob, pairs=name != "frame by frame")


@pytest.mark.parametrize("name", ["global", "frame by frame", "local", "face"])
def test_a_step_moves_every_parameter(name: str, clips: Clips) -> None:
    stage = stage_named(name)
    trainer = TeacherTrainer(stage, RATES, open_backbone("efficientnet"), ALONE)
    nets: list[nn.Module] = [stage.net, trainer.critic]
    before = [copy.deepcopy(net.state_dict()) for net in nets]
    losses = trainer.train(clips, 0.0)
    assert set(losses) == {"total", "critic", "adversarial", "features", "perceptual", "pixel"}
    parts = [losses["adversarial"], 10 * losses["features"], 5 * losses["perceptual"]]
    assert losses["total"] == pytest.approx(sum(parts), rel=1e-4)
    for net, old in zip(nets, before, strict=True):
        still = [
            key for key, p in net.named_parameters()
            if p.requires_grad and p.ndim == 4 and torch.equal(p, old[key])
        ]  # fmt: skip
        assert not still
        # A bias before an instance normalization does nothing; every other gets a gradient, too.
        assert all(p.grad is not None for p in net.parameters() if p.requires_grad)


def test_a_longer_run_is_unrolled_and_learned_from(tiny_dataset: Dataset) -> None:
    """Four frames: critics see each of the three pairs, and the last loss reaches the first."""
    settings = ClipSettings(SIZE, rows=1, frames=4)
    clips = ClipBatches(tiny_dataset, LabelStyle(), settings, 1).make(0)
    stage = stage_named("global")
    trainer = TeacherTrainer(stage, RATES, None, ALONE)
    judged: list[int] = []
    trainer.critic.register_forward_hook(lambda _, given, __: judged.append(len(given[0])))
    losses = trainer.train(clips, 0.0)
    assert judged == [6, 3] and losses["adversarial"] > 0
    label = clips.label.clone().requires_grad_()
    last = stage.module(label)[:, -1]
    last.square().sum().backward()
    assert label.grad is not None and label.grad[:, 0].abs().sum() > 0


def test_the_second_frame_is_painted_after_the_first() -> None:
    torch.manual_seed(0)
    net = GlobalGenerator(SHAPE)
    label = torch.rand(1, 3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        first = net(label[:, 0], torch.zeros(1, 3, 32, 32))
        second = net(label[:, 1], first)
        made = Unrolled(net)(label)
        assert torch.equal(made[:, 0], first) and torch.equal(made[:, 1], second)
        alone = Unrolled(net, feedback=False)(label)
        assert torch.allclose(alone[:, 1], net(label[:, 1], torch.zeros(1, 3, 32, 32)), atol=1e-5)


def test_the_enhancer_learns_first_alone_then_with_the_global_generator(clips: Clips) -> None:
    torch.manual_seed(0)
    net = LocalEnhancer(GlobalGenerator(SHAPE))
    trainer = TeacherTrainer(PictureStage(net, frozen_share=0.5), RATES, None, ALONE)
    glob, own = (copy.deepcopy(part.state_dict()) for part in (net.glob, net.head))
    trainer.train(clips, 0.49)
    assert all(torch.equal(glob[key], value) for key, value in net.glob.state_dict().items())
    assert not torch.equal(own["1.weight"], net.head.state_dict()["1.weight"])
    trainer.train(clips, 0.5)
    assert not torch.equal(glob["body.1.weight"], net.glob.state_dict()["body.1.weight"])


def test_the_face_is_a_residual_and_the_main_generator_stands_still(clips: Clips) -> None:
    main = GlobalGenerator(SHAPE)
    stage = FaceStage(GlobalGenerator(SHAPE), main, 16, feedback=True)
    label, painted = stage.inputs(clips)
    assert label.shape == painted.shape == (2, 2, 3, 16, 16)
    with torch.no_grad():
        for parameter in stage.net.parameters():
            parameter.zero_()
        assert torch.equal(stage.module(label, painted), painted)
    assert not any(p.requires_grad for p in main.parameters())


def test_four_frames_are_learned_by_heart(tiny_dataset: Dataset) -> None:
    made = ClipBatches(tiny_dataset, LabelStyle(), ClipSettings((32, 40), frames=2), 1)
    clips = made.exact([int(made.starts[0]), int(made.starts[40])])
    torch.manual_seed(0)
    weights = TeacherWeights(adversarial=0, features=0, perceptual=0, pixel=1)
    rates = TeacherRates(weights, rate=3e-3, critic_width=4, scales=1)
    trainer = TeacherTrainer(PictureStage(GlobalGenerator(SHAPE)), rates, None, ALONE)
    losses = [trainer.train(clips, step / 300)["pixel"] for step in range(300)]
    assert losses[0] > 0.3 and losses[-1] < 0.05


def test_what_is_no_number_stops_before_it_spoils_the_weights(clips: Clips) -> None:
    trainer = TeacherTrainer(stage_named("global"), RATES, None, ALONE)
    trainer.train(clips, 0.0)
    before = copy.deepcopy(trainer.stage.net.state_dict())
    clips.truth[0, 0, 0, 3, 3] = float("nan")
    with pytest.raises(NotFinite, match="at step 1 losses or gradients are not finite"):
        trainer.train(clips, 0.0)
    assert all(torch.equal(before[k], v) for k, v in trainer.stage.net.state_dict().items())


def test_bfloat16_and_channels_last_come_close(clips: Clips) -> None:
    exact, rough = (
        TeacherTrainer(stage_named("global"), rates, None, ALONE).train(clips, 0.0)
        for rates in (RATES, TeacherRates(critic_width=8, bfloat16=True, channels_last=True))
    )
    assert rough["pixel"] == pytest.approx(exact["pixel"], rel=0.02)


def test_the_rate_falls_in_the_second_half() -> None:
    assert [linear_decay(p) for p in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
