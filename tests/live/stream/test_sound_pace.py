from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.stream.sound_pace import JUMP_S, SLEW, TOLERATED_S, following

SECONDS = st.floats(0.0, 2.0)


def test_it_walks_slowly_and_rests_near_enough() -> None:
    delay_s, steps = 0.1, 0
    while abs(0.2 - delay_s) > TOLERATED_S:
        moved_s = following(delay_s, 0.2, 0.02)
        assert 0 < moved_s - delay_s <= SLEW * 0.02 + 1e-12
        delay_s, steps = moved_s, steps + 1
    assert following(delay_s, 0.2, 0.02) == delay_s
    assert 949 <= steps <= 951, "95 ms of the 100, at 5 ms a second"


def test_what_is_far_off_is_left_at_once() -> None:
    assert following(0.1, 0.1 + JUMP_S + 0.01, 0.02) == 0.1 + JUMP_S + 0.01
    assert following(1.0, 0.2, 0.02) == 0.2


@given(SECONDS, SECONDS, st.floats(0.0, 0.1))
def test_it_never_moves_away_nor_beyond(delay_s: float, wanted_s: float, step_s: float) -> None:
    moved_s = following(delay_s, wanted_s, step_s)
    assert abs(wanted_s - moved_s) <= abs(wanted_s - delay_s) + 1e-12
    assert min(delay_s, wanted_s) - 1e-12 <= moved_s <= max(delay_s, wanted_s) + 1e-12
