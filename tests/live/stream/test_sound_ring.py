from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from live.stream.opus import BLOCK, BLOCK_S, RATE_HZ, Samples
from live.stream.sound_ring import KEPT_S, SoundRing
from tests.live.stream.sounds import clicks, mono, onsets_s

BEGIN_S = 5000.0


def coded(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.round(wave * 32_767).astype(np.int16)[:, None]


def play(
    ring: SoundRing, seconds: float, true_hz: float, lag_s: float = 0.06, wobble_s: float = 0.0
) -> NDArray[np.float64]:
    """What is read while a device hears the clicks: its clock really has `true_hz`."""
    random = np.random.default_rng(1)
    step = round(0.01 * ring.rate_hz)
    blocks: list[Samples] = []
    put = 0
    for number in range(round(seconds / BLOCK_S)):
        now_s = BEGIN_S + (number + 1) * BLOCK_S + lag_s
        while BEGIN_S + (put + step) / true_hz <= now_s:
            times_s = BEGIN_S + (put + np.arange(step)) / true_hz
            ring.put(coded(clicks(times_s)), times_s[0] + wobble_s * random.random())
            put += step
        blocks.append(ring.take(BEGIN_S + number * BLOCK_S))
    return mono(np.concatenate(blocks))


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 16_000])
def test_what_was_captured_at_a_time_is_read_for_it(rate_hz: int) -> None:
    found = onsets_s(play(SoundRing(rate_hz), 4.5, rate_hz))
    np.testing.assert_allclose(found[-4:], [1, 2, 3, 4], atol=3e-4)


@pytest.mark.parametrize("wrong", [-3e-4, 3e-4], ids=["slow", "fast"])
def test_a_device_whose_clock_is_wrong_stays_in_step(wrong: float) -> None:
    """36 ms would be missing after two minutes."""
    found = onsets_s(play(SoundRing(RATE_HZ), 121.0, RATE_HZ * (1 + wrong)))
    assert len(found) >= 120
    np.testing.assert_allclose(np.round(found), found, atol=1.5e-3)


def test_a_driver_that_wobbles_does_not_warble() -> None:
    ring, times_s = SoundRing(RATE_HZ), np.arange(3 * RATE_HZ) / RATE_HZ
    tone = 0.5 * np.sin(2 * np.pi * 440 * times_s)
    random = np.random.default_rng(2)
    blocks = []
    for number in range(140):
        place = number * BLOCK
        at_s = BEGIN_S + place / RATE_HZ + 0.005 * random.random()
        ring.put(coded(tone[place : place + BLOCK]), at_s)
        if number >= 5:
            blocks.append(ring.take(BEGIN_S + (number - 4) * BLOCK_S))
    heard = mono(np.concatenate(blocks))[RATE_HZ // 2 :]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    frequency = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    near = np.abs(frequency - 440) < 10
    assert spectrum[~near].max() < 0.01 * spectrum.max(), "the tone, and 40 dB below it nothing"


def test_nothing_is_silence_and_so_is_what_is_long_gone() -> None:
    ring = SoundRing(RATE_HZ)
    assert not ring.take(BEGIN_S).any()
    loud = np.full((2 * BLOCK, 2), 9000, np.int16)
    for number in range(round(2 * KEPT_S / (2 * BLOCK_S))):
        ring.put(loud, BEGIN_S + number * 2 * BLOCK_S)
    assert not ring.take(BEGIN_S).any(), "overwritten"
    assert not ring.take(BEGIN_S + 100).any(), "not yet captured"
    assert ring.take(BEGIN_S + 2 * KEPT_S - 0.1).all()


def test_a_gap_is_silent_and_what_comes_after_it_is_in_its_place() -> None:
    ring = SoundRing(RATE_HZ)
    loud = np.full((RATE_HZ // 2, 1), 9000, np.int16)
    ring.put(loud, BEGIN_S)
    ring.put(loud, BEGIN_S + 2.0)
    assert not ring.take(BEGIN_S + 1.0).any()
    ahead = ring.take(BEGIN_S + 2.0 - BLOCK_S / 2)
    assert not ahead[: BLOCK // 2].any()
    assert ahead[BLOCK // 2 + 2 :].all()
    assert ring.take(BEGIN_S + 2.2).shape == (BLOCK, 2)
