"""Body statistics refuse what cannot be a body, and survive the way through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.body import BodyStats

STATS = BodyStats(0.9, 0.7, 0.6, 0.5, 0.33, 16 / 9)

sizes = st.floats(0.01, 10)


@given(sizes, sizes, sizes, sizes, sizes, st.floats(0, 1))
def test_json_gives_back_the_same_numbers(
    near: float, tall: float, small: float, torso: float, aspect: float, depth: float
) -> None:
    stats = BodyStats(near, near - depth, tall, small, torso, aspect)
    assert BodyStats.from_json(json.loads(json.dumps(stats.to_json()))) == stats


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("toe_near", float("nan")), ("toe_near", float("inf")), ("toe_near", 0.1),
        ("height_near", 0.0), ("height_far", -1.0), ("torso", 0), ("aspect", -1),
        ("torso", None), ("torso", "0.5"), ("torso", True), ("torso", 10**400),
    ],
)  # fmt: skip
def test_impossible_values_are_refused_by_name(field: str, value: Any) -> None:
    expected = "toe_far" if value == 0.1 else field
    with pytest.raises(ValueError, match=expected):
        BodyStats.from_json({**STATS.to_json(), field: value})


@pytest.mark.parametrize("change", [{"extra": 1.0}, {"torso": ...}])
def test_missing_and_unknown_fields_are_refused(change: dict[str, Any]) -> None:
    data = {k: v for k, v in {**STATS.to_json(), **change}.items() if v is not ...}
    with pytest.raises(ValueError, match=next(iter(change))):
        BodyStats.from_json(data)
