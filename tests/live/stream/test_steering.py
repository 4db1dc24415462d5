from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import StreamError
from live.stream.steering import (
    Line,
    Place,
    Rung,
    SteerSettings,
    after_estimate,
    after_loss,
    plan,
)

SETTINGS = SteerSettings()
CEILING_BPS = 3e6


def test_little_loss_lets_a_rate_rise_to_its_ceiling_and_no_further() -> None:
    line = Line(1e6)
    for _ in range(100):
        line = after_loss(line, 0.01, CEILING_BPS)
    assert line.allowed_bps == CEILING_BPS


def test_some_loss_holds_it_and_much_lowers_it_by_half_the_loss() -> None:
    assert after_loss(Line(1e6), 0.05, CEILING_BPS) == Line(1e6)
    assert after_loss(Line(1e6), 0.2, CEILING_BPS) == Line(0.9e6)


def test_an_estimate_counts_only_where_it_is_clearly_below_what_is_sent() -> None:
    line = Line(3e6)
    assert after_estimate(line, 0.9e6, sent_bps=1e6) == line  # a calm picture, not a weak line
    assert after_estimate(line, 0.5e6, sent_bps=1e6) == Line(0.5e6)
    assert after_estimate(line, 5e6, sent_bps=1e6) == line
    assert after_estimate(line, 0.5e6, sent_bps=0.0) == line  # nothing sent yet, nothing known


def test_alone_on_a_poor_line_one_keeps_the_whole_picture_down_to_the_floor() -> None:
    found = plan({1: Line(400e3)}, {}, 0.0, SETTINGS)
    assert found.places[1].rung is Rung.FULL
    assert found.bitrate_bps[Rung.FULL] == 400e3
    found = plan({1: Line(200e3)}, {}, 0.0, SETTINGS)
    assert found.places[1].rung is Rung.QUARTER
    assert found.bitrate_bps[Rung.QUARTER] == 200e3


def test_where_viewers_differ_the_weak_one_does_not_cost_the_others() -> None:
    found = plan({1: Line(3e6), 2: Line(2e6), 3: Line(0.5e6)}, {}, 0.0, SETTINGS)
    assert {n: one.rung for n, one in found.places.items()} == {
        1: Rung.FULL, 2: Rung.FULL, 3: Rung.QUARTER,
    }  # fmt: skip
    assert found.bitrate_bps == {Rung.FULL: 2e6, Rung.QUARTER: 0.5e6}


def test_one_comes_back_after_a_stay_and_stays_longer_when_that_was_too_early() -> None:
    lines = {1: Line(3e6), 2: Line(0.5e6)}
    weak = plan(lines, {}, 100.0, SETTINGS).places
    assert weak[2] == Place(Rung.QUARTER, 110.0, 10.0)
    lines = {1: Line(3e6), 2: Line(3e6)}
    assert plan(lines, weak, 109.0, SETTINGS).places[2].rung is Rung.QUARTER
    back = plan(lines, weak, 110.0, SETTINGS).places
    assert back[2].rung is Rung.FULL
    again = plan({1: Line(3e6), 2: Line(0.5e6)}, back, 115.0, SETTINGS).places
    assert again[2] == Place(Rung.QUARTER, 135.0, 20.0)
    late = plan({1: Line(3e6), 2: Line(0.5e6)}, back, 500.0, SETTINGS).places
    assert late[2] == Place(Rung.QUARTER, 510.0, 10.0)


@given(
    st.dictionaries(st.integers(0, 50), st.floats(1, 1e8)),
    st.dictionaries(st.integers(0, 50), st.sampled_from(Rung)),
)
def test_bitrates_keep_to_their_bounds_and_everybody_has_a_place(
    allowed: dict[int, float], before: dict[int, Rung]
) -> None:
    lines = {viewer: Line(bps) for viewer, bps in allowed.items()}
    places = {viewer: Place(rung) for viewer, rung in before.items()}
    found = plan(lines, places, 0.0, SETTINGS)
    assert set(found.places) == set(lines)
    for rung in Rung:
        low, high = SETTINGS.bounds_bps(rung)
        assert low <= found.bitrate_bps[rung] <= high
        for viewer, place in found.places.items():
            if place.rung is rung:
                assert found.bitrate_bps[rung] <= max(lines[viewer].allowed_bps, low)


@pytest.mark.parametrize(
    "wrong", [{"floor_kbps": 0}, {"floor_kbps": 4000}, {"apart": 1.0}, {"quarter_share": 0.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(StreamError):
        SteerSettings(**wrong)  # type: ignore[arg-type]
