"""Watch, Backoff, Pacer and Rate are pure functions of (state, now)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.frames import Image
from live.sources.pace import MAX_LAG_S, MAX_SKIPPING_S, Pacer
from live.sources.rate import Rate
from live.sources.watch import Backoff, Watch


def grey(value: int) -> Image:
    return np.full((40, 40, 3), value, np.uint8)


def watch(content: bool = True) -> Watch:
    made = Watch(stale_after_s=0.8, open_timeout_s=10.0, content=content)
    made.opened(0.0)
    return made


def test_an_opening_has_longer_than_a_running_camera() -> None:
    seen = watch()
    assert seen.trouble(9.9) is None
    assert seen.patience_s(9.0) == pytest.approx(1.0)
    assert seen.trouble(10.0) == "gives no picture for 10.0 s"
    seen.saw(grey(1), 9.0)
    assert seen.trouble(9.7) is None
    assert seen.trouble(9.9) is not None


def test_silence_is_noticed_within_a_second() -> None:
    seen = watch()
    seen.saw(grey(1), 1.0)
    assert seen.trouble(1.7) is None
    assert "no picture" in str(seen.trouble(1.9))


def test_the_same_picture_is_noticed_within_a_second_and_only_where_wanted() -> None:
    for content in (True, False):
        seen = watch(content)
        seen.saw(grey(1), 0.5)
        for step in range(1, 20):
            seen.saw(grey(2), 0.5 + 0.05 * step)
        assert ("same picture" in str(seen.trouble(1.45))) is content


def test_one_differing_pixel_is_a_new_picture() -> None:
    seen = watch()
    image = grey(7)
    for step in range(40):
        image = image.copy()
        image[13, 17, 1] = step
        seen.saw(image, 0.1 * step)
        assert seen.trouble(0.1 * step) is None
    assert seen.lived_s == pytest.approx(3.9)


def test_after_reopening_the_old_picture_proves_nothing() -> None:
    seen = watch()
    seen.saw(grey(1), 0.1)
    seen.opened(5.0)
    assert not seen.alive
    seen.saw(grey(1), 6.0)
    assert not seen.alive
    assert seen.trouble(6.5) is None
    assert "same picture" in str(seen.trouble(6.9)) or "no picture" in str(seen.trouble(6.9))
    seen.saw(grey(2), 7.0)
    assert seen.alive


def test_backoff_doubles_to_four_seconds_and_starts_over_after_a_good_life() -> None:
    backoff = Backoff()
    delays = [backoff.after(0.0) for _ in range(7)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert backoff.after(3600.0) == 0.25
    assert backoff.after(1.0) == 0.5


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(0.0, 3.0)), min_size=1, max_size=60))
def test_pacing_never_shows_early_never_starves_never_lags(
    steps: list[tuple[float, float]],
) -> None:
    """Whatever the clip's gaps and the machine's stalls are."""
    pacer = Pacer()
    media_s = now_s = last_given_s = 0.0
    for number, (lasts_s, stall_s) in enumerate(steps):
        due = pacer.judge(media_s, lasts_s, now_s)
        assert now_s - due.at_s <= MAX_LAG_S + 1e-9
        if due.skip:
            assert due.at_s + lasts_s <= now_s
            assert now_s - last_given_s < MAX_SKIPPING_S + 1e-9
        else:
            last_given_s = now_s = max(now_s, due.at_s)
        if number == 0:
            assert due.at_s == now_s
            assert not due.skip
        media_s += lasts_s
        now_s += stall_s


def test_on_time_the_pacer_is_exact() -> None:
    pacer = Pacer()
    for media_s in (0.0, 0.04, 0.5, 0.51):
        due = pacer.judge(media_s, 0.01, 7.0 + media_s)
        assert due.at_s == pytest.approx(7.0 + media_s)
        assert not due.skip


def test_rate_is_events_over_time_within_the_window() -> None:
    rate = Rate(window_s=2.0)
    assert rate.per_s == 0.0
    rate.add(0.0)
    assert rate.per_s == 0.0
    for step in range(1, 100):
        rate.add(step / 30)
    assert rate.per_s == pytest.approx(30)
    for step in range(1, 40):
        rate.add(99 / 30 + step / 10)
    assert rate.per_s == pytest.approx(10)
