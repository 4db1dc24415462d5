from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from tests.training.tiny_footage import SIZE, picture_at
from training.kid import kid
from training.masks import Box
from training.metrics import Scorer
from training.samples import psnr

WHOLE = Box(0, 0, SIZE[1], SIZE[0])


def test_a_perfect_run_is_perfect_and_the_order_is_right() -> None:
    truths = [picture_at(n) for n in range(6)]
    noise = np.random.default_rng(0).normal(0, 12, (6, *truths[0].shape))
    noisy = [(t + n).clip(0, 255).astype(np.uint8) for t, n in zip(truths, noise, strict=True)]
    scorer = Scorer(truths)
    boxes = [(WHOLE,)] * 6
    perfect, worse = scorer.score(truths, boxes), scorer.score(noisy, boxes)
    assert perfect.ssim == pytest.approx(1) and perfect.perceptual == 0 and perfect.flicker == 0
    assert perfect.psnr_db > 90
    assert worse.ssim < 0.95 and worse.perceptual > 0.1 and worse.flicker > 5
    assert worse.psnr_db == pytest.approx(20 * np.log10(255 / 12), abs=0.7)
    assert worse.warp_error > perfect.warp_error


def test_a_constant_error_does_not_flicker_and_a_region_is_a_region() -> None:
    truths = [picture_at(n) // 2 for n in range(4)]
    brighter = [truth + 10 for truth in truths]
    left = Box(0, 0, 40, SIZE[0])
    score = Scorer(truths).score(brighter, [(left,), (), (left,), (left,)])
    assert score.flicker == 0
    assert score.psnr_db == pytest.approx(psnr(100.0))


def test_psnr_of_known_errors() -> None:
    assert psnr(1.0) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(255.0**2) == pytest.approx(0)


def test_psnr_is_scikit_images() -> None:
    """Of every frame, and over all of them as if they were one picture; cuts differ in size."""
    truths = [picture_at(n) for n in range(3)]
    noise = np.random.default_rng(3).normal(0, 20, (3, *truths[0].shape))
    found = [(t + n).clip(0, 255).astype(np.uint8) for t, n in zip(truths, noise, strict=True)]
    found[2] = (truths[2] // 4 * 3).astype(np.uint8)
    boxes = [(WHOLE,), (Box(3, 5, 40, 50),), (Box(0, 0, 9, 60),)]
    pairs = [
        [image[b.top : b.bottom, b.left : b.right] for image in pair]
        for *pair, (b,) in zip(truths, found, boxes, strict=True)
    ]
    frames = Scorer(truths).frames(found, boxes)
    for ours, (truth, other) in zip(frames.psnr_db, pairs, strict=True):
        assert ours == pytest.approx(peak_signal_noise_ratio(truth, other), abs=1e-9)
    truth, other = (
        np.concatenate([part.ravel() for part in side]) for side in zip(*pairs, strict=True)
    )
    score = Scorer(truths).score(found, boxes)
    assert score.psnr_db == pytest.approx(peak_signal_noise_ratio(truth, other), abs=1e-9)
    assert score.psnr_db != pytest.approx(frames.psnr_db.mean(), abs=0.1)


def test_ssim_is_wangs() -> None:
    """Wang et al. 2004, equation 13, with Gaussian windows of 11x11 pixels and sigma 1.5."""
    truth = picture_at(0)
    noise = np.random.default_rng(1).normal(0, 20, truth.shape)
    found = (truth + noise).clip(0, 255).astype(np.uint8)
    expected = []
    for channel in range(3):
        x, y = (image[:, :, channel].astype(np.float64) for image in (found, truth))
        mx, my, xx, yy, xy = (
            np.asarray(cv2.GaussianBlur(a, (11, 11), 1.5)) for a in (x, y, x * x, y * y, x * y)
        )
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        similar = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
        similar /= (mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2)
        expected.append(similar[5:-5, 5:-5].mean())
    assert Scorer([truth]).score([found], [(WHOLE,)]).ssim == pytest.approx(np.mean(expected))


def test_the_real_video_is_as_steady_as_itself() -> None:
    truths = [picture_at(n) for n in range(4)]
    boxes = [(WHOLE,)] * 4
    score = Scorer(truths).score(truths, boxes)
    assert score.warp_over_real == pytest.approx(1) and score.warp_error > 0
    still = Scorer([truths[0]] * 4).score([truths[0]] * 4, boxes)
    assert still.warp_over_real is None and still.kid == pytest.approx(0, abs=1e-9)


def test_frames_without_a_box_have_no_figures() -> None:
    truths = [picture_at(n) for n in range(3)]
    frames = Scorer(truths).frames(truths, [(WHOLE,), (), (Box(0, 0, 8, 8),)])
    assert np.isnan(frames.psnr_db[1]) and np.isnan(frames.flicker[0])
    assert np.isnan(frames.ssim[2])  # smaller than the window
    assert frames.ssim[0] == pytest.approx(1)


def test_both_hands_of_a_frame_count_alike() -> None:
    truths = [picture_at(n) for n in range(3)]
    noise = np.random.default_rng(4).normal(0, 20, (3, *truths[0].shape))
    found = [(t + n).clip(0, 255).astype(np.uint8) for t, n in zip(truths, noise, strict=True)]
    left, right = Box(10, 40, 42, 72), Box(90, 40, 122, 72)
    scorer = Scorer(truths)
    both, *one = (scorer.frames(found, [boxes] * 3) for boxes in ((left, right), (left,), (right,)))
    for name in ("ssim", "psnr_db", "perceptual", "flicker", "warp_error"):
        mean = np.mean([getattr(frames, name) for frames in one], axis=0)
        np.testing.assert_allclose(getattr(both, name), mean)
    assert one[0].psnr_db[0] != one[1].psnr_db[0]
    score = scorer.score(found, [(left, right), (), (right,)])
    cuts = [(t, b) for t, boxes in ((0, (left, right)), (2, (right,))) for b in boxes]
    squares = [
        np.square(i[b.top : b.bottom, b.left : b.right].astype(float)
                  - truths[t][b.top : b.bottom, b.left : b.right]).mean()
        for t, b in cuts
        for i in [found[t]]
    ]  # fmt: skip
    assert score.psnr_db == pytest.approx(psnr(float(np.mean(squares))))


def test_kid_is_the_unbiased_estimate() -> None:
    """Against Bińkowski et al. 2018, equation 4, as a sum over all pairs."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (5, 8)), rng.normal(0.5, 1, (4, 8))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 8 + 1) ** 3)

    within = [
        sum(kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j)
        / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    across = sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))
    assert kid(list(x), list(y)) == pytest.approx(sum(within) - 2 * across)
    assert kid(list(x), list(y)[:1]) is None


def test_kid_tells_sets_apart_and_not_the_size_of_one_set() -> None:
    rng = np.random.default_rng(2)
    sets = [list(rng.normal(0, 1, (size, 8))) for size in (20, 20, 400, 400)]
    other = list(rng.normal(0.7, 1, (20, 8)))
    small, large = kid(sets[0], sets[1]), kid(sets[2], sets[3])
    far = kid(sets[0], other)
    assert small is not None and large is not None and far is not None
    assert abs(small) < 0.3 and abs(large) < 0.05 and far > 2 * abs(small)
