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


def test_little_loss_lets_a_rate_rise_by_a_twentieth_a_second_to_its_ceiling() -> None:
    line = after_loss(Line(1e6, 0.0), 0.01, 1.0, CEILING_BPS)
    assert line == Line(1.05e6, 1.0)
    often = Line(1e6, 0.0)
    for report in range(1, 11):
        often = after_loss(often, 0.01, report / 10, CEILING_BPS)
    assert often.allowed_bps == pytest.approx(line.allowed_bps)
    for report in range(2, 102):
        line = after_loss(line, 0.0, float(report), CEILING_BPS)
    assert line.allowed_bps == CEILING_BPS


def test_some_loss_holds_it_and_much_lowers_it_by_half_the_loss() -> None:
    assert after_loss(Line(1e6, 0.0), 0.05, 1.0, CEILING_BPS) == Line(1e6, 1.0)
    lower = after_loss(Line(1e6, 0.0), 0.2, 1.0, CEILING_BPS)
    assert lower == Line(0.9e6, 1.0)
    assert after_loss(lower, 0.2, 1.1, CEILING_BPS) == lower  # news of the same loss


def test_an_estimate_counts_only_where_it_is_clearly_below_what_is_sent() -> None:
    line = Line(3e6, 0.0)
    assert after_estimate(line, 0.9e6, sent_bps=1e6) == line  # a calm picture, not a weak line
    assert after_estimate(line, 0.5e6, sent_bps=1e6) == Line(0.5e6, 0.0)
    assert after_estimate(line, 5e6, sent_bps=1e6) == line
    assert after_estimate(line, 0.5e6, sent_bps=0.0) == line  # nothing sent yet, nothing known


def lines(**allowed_bps: float) -> dict[int, Line]:
    return {int(name[1:]): Line(bps, 0.0) for name, bps in allowed_bps.items()}


def test_alone_on_a_poor_line_one_keeps_the_whole_picture_down_to_the_floor() -> None:
    found = plan(lines(_1=400e3), {}, 0.0, SETTINGS)
    assert found.places[1].rung is Rung.FULL
    assert found.bitrate_bps[Rung.FULL] == 400e3
    found = plan(lines(_1=200e3), {}, 0.0, SETTINGS)
    assert found.places[1].rung is Rung.QUARTER
    assert found.bitrate_bps[Rung.QUARTER] == 200e3


def test_where_viewers_differ_the_weak_one_does_not_cost_the_others() -> None:
    found = plan(lines(_1=3e6, _2=2e6, _3=0.5e6), {}, 0.0, SETTINGS)
    assert {n: one.rung for n, one in found.places.items()} == {
        1: Rung.FULL, 2: Rung.FULL, 3: Rung.QUARTER,
    }  # fmt: skip
    assert found.bitrate_bps == {Rung.FULL: 2e6, Rung.QUARTER: 0.5e6}


def test_one_comes_back_after_a_stay_and_stays_longer_when_that_was_too_early() -> None:
    weak = plan(lines(_1=3e6, _2=0.5e6), {}, 100.0, SETTINGS).places
    assert weak[2] == Place(Rung.QUARTER, 110.0, 10.0)
    well = lines(_1=3e6, _2=3e6)
    assert plan(well, weak, 109.0, SETTINGS).places[2].rung is Rung.QUARTER
    back = plan(well, weak, 110.0, SETTINGS).places
    assert back[2].rung is Rung.FULL
    again = plan(lines(_1=3e6, _2=0.5e6), back, 115.0, SETTINGS).places
    assert again[2] == Place(Rung.QUARTER, 135.0, 20.0)
    late = plan(lines(_1=3e6, _2=0.5e6), back, 500.0, SETTINGS).places
    assert late[2] == Place(Rung.QUARTER, 510.0, 10.0)


@given(
    st.dictionaries(st.integers(0, 50), st.floats(1, 1e8)),
    st.dictionaries(st.integers(0, 50), st.sampled_from(Rung)),
)
def test_bitrates_keep_to_their_bounds_and_everybody_has_a_place(
    allowed: dict[int, float], before: dict[int, Rung]
) -> None:
    found_lines = {viewer: Line(bps, 0.0) for viewer, bps in allowed.items()}
    places = {viewer: Place(rung) for viewer, rung in before.items()}
    found = plan(found_lines, places, 0.0, SETTINGS)
    assert set(found.places) == set(found_lines)
    for rung in Rung:
        low, high = SETTINGS.bounds_bps(rung)
        assert low <= found.bitrate_bps[rung] <= high
        for viewer, place in found.places.items():
            if place.rung is rung:
                assert found.bitrate_bps[rung] <= max(found_lines[viewer].allowed_bps, low)


@pytest.mark.parametrize(
    "wrong", [{"floor_kbps": 0}, {"floor_kbps": 4000}, {"apart": 1.0}, {"quarter_share": 0.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(StreamError):
        SteerSettings(**wrong)  # type: ignore[arg-type]
