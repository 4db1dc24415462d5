from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from live.stream.whip_client import LONGEST_WAIT_S, WhipClient, retry_after_s

NOW_S = 1_764_000_000.0  # some day, on the wall clock


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("86400", LONGEST_WAIT_S),
        ("", 0.0),
        ("-3", 0.0),
        ("soon", 0.0),
        ("1e99", 0.0),
        ("9" * 400, LONGEST_WAIT_S),
        (email.utils.formatdate(NOW_S + 7, usegmt=True), 7.0),
        ("Thu, 99 Foo 2026 25:61:61 GMT", 0.0),
    ],
)
def test_how_long_an_endpoint_asks_us_to_wait(value: str, expected_s: float) -> None:
    assert retry_after_s(value, NOW_S) == pytest.approx(expected_s)


@given(st.floats(-1e9, 1e9))
def test_a_wall_clock_that_jumps_never_holds_us_up(jump_s: float) -> None:
    date = email.utils.formatdate(NOW_S + 5, usegmt=True)
    assert 0.0 <= retry_after_s(date, NOW_S + jump_s) <= LONGEST_WAIT_S


@given(st.text(max_size=40))
def test_no_text_breaks_it(value: str) -> None:
    assert 0.0 <= retry_after_s(value, NOW_S) <= LONGEST_WAIT_S


def test_the_token_is_never_shown() -> None:
    assert "s3cret" not in repr(WhipClient(URL("https://x/"), "s3cret"))
