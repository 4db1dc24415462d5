from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.stream.repair import MOST, beyond_repair


@given(st.integers(0, 65_535), st.integers(0, 5000), st.integers(0, 5000))
def test_what_is_kept_or_needless_asks_for_no_key_frame(newest: int, age: int, key: int) -> None:
    """Wherever the sequence numbers wrap around."""
    found = beyond_repair([(newest - age) % 65_536], newest, (newest - key) % 65_536, 256)
    assert found == (256 <= age <= key)


def test_one_packet_that_is_gone_is_enough_and_so_are_many() -> None:
    assert beyond_repair([990, 700], 1000, 500, 256)
    assert not beyond_repair([990, 980], 1000, 500, 256)
    assert not beyond_repair([], 1000, 500, 256)
    assert beyond_repair(range(900 - MOST, 901), 1000, 500, 256)
    assert not beyond_repair(range(900 - MOST, 901), 1000, 850, 256)
