"""What a window shows is set within reason, and survives the way through JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.window import WindowSettings

settings = st.tuples(st.floats(0.01, 9.99), st.floats(0.001, 0.999)).map(
    lambda given: WindowSettings(given[0], given[0] * given[1])
)


@given(settings)
def test_json_gives_back_the_same_settings(wanted: WindowSettings) -> None:
    assert WindowSettings.from_json(json.loads(json.dumps(wanted.to_json()))) == wanted


@pytest.mark.parametrize("field", ["height", "feet"])
@pytest.mark.parametrize(
    "value", [0, -1.0, 10, math.nan, math.inf, None, "1", True, [1.0], 10**400]
)
def test_impossible_settings_are_refused_by_name(field: str, value: Any) -> None:
    data = {**WindowSettings().to_json(), field: value}
    with pytest.raises(ValueError, match=f"window {field} is"):
        WindowSettings.from_json(data)


@pytest.mark.parametrize(("height", "feet"), [(1.0, 1.0), (0.1, 0.2)])
def test_feet_above_the_windows_top_are_refused(height: float, feet: float) -> None:
    with pytest.raises(ValueError, match=f"feet {feet} must be below its height {height}"):
        WindowSettings(height, feet)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.pop("feet"), "feet"),
        (lambda data: data.update(extra=1.0), "extra"),
        (lambda data: data.clear(), "feet.*height"),
    ],
)
def test_missing_and_unknown_fields_are_refused(
    change: Callable[[dict[str, float]], object], says: str
) -> None:
    data = WindowSettings().to_json()
    change(data)
    with pytest.raises(ValueError, match=rf"missing or unknown fields: \[.*{says}.*\]"):
        WindowSettings.from_json(data)
