"""The graphics card's figures: from NVIDIA's library where there is one, else none."""

from __future__ import annotations

import ctypes

import pytest

from live.desk.fake_nvml import FakeNvml
from live.desk.gpu_load import LIBRARY, GpuLoad, GpuUse


def test_a_card_that_tells() -> None:
    card = FakeNvml()
    load = GpuLoad(lambda name: card)
    assert card.asked == [], "nothing before the first question"
    assert load() == GpuUse(40, 6000.0, 24000.0)
    card.percent, card.used_mb = 97, 12_000
    assert load() == GpuUse(97, 12000.0, 24000.0)
    assert card.asked.count("nvmlInit_v2") == 1


def test_a_card_that_tells_a_part_and_one_that_is_lost() -> None:
    card = FakeNvml(fails={"nvmlDeviceGetUtilizationRates"})
    load = GpuLoad(lambda name: card)
    assert load() == GpuUse(None, 6000.0, 24000.0)
    card.fails = {"nvmlDeviceGetMemoryInfo"}
    assert load() == GpuUse(40)
    card.fails = {"nvmlDeviceGetUtilizationRates", "nvmlDeviceGetMemoryInfo"}
    assert load() is None
    card.fails = set()
    assert load() == GpuUse(40, 6000.0, 24000.0), "it is back"


@pytest.mark.parametrize("fails", ["nvmlInit_v2", "nvmlDeviceGetHandleByIndex_v2"])
def test_a_driver_that_does_not_begin_is_asked_once(fails: str) -> None:
    card = FakeNvml(fails={fails})
    load = GpuLoad(lambda name: card)
    assert [load(), load()] == [None, None]
    assert card.asked.count(fails) == 1


@pytest.mark.parametrize("found", [OSError("no such library"), object()], ids=["none", "old"])
def test_without_a_library_of_use_there_are_no_figures(found: object) -> None:
    asked = []

    def find(name: str) -> object:
        asked.append(name)
        if isinstance(found, OSError):
            raise found
        return found

    load = GpuLoad(find)
    assert [load(), load()] == [None, None]
    assert asked == [LIBRARY]


def test_this_machine() -> None:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        assert GpuLoad()() is None
        return
    found = GpuLoad()()
    assert found is None or 0 <= (found.percent or 0) <= 100
    assert found is None or (found.memory_mb or 0) <= (found.memory_total_mb or 0)
