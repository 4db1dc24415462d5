"""What is gathered of a show, on a clock that is moved by hand."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from live.desk.desk import Desk
from live.desk.fake_nvml import FakeNvml
from live.desk.gpu_load import GpuLoad
from live.desk.health import NOBODY_S
from live.desk.history import RESTARTS_S
from live.desk.process_load import ProcessLoad, memory_mb
from live.desk.telemetry import Telemetry, TelemetryParts
from live.frames import Frame, Pose
from live.skeleton import JOINTS
from tests.live.desk.told_show import NOTHING, ToldShow


def made(told: ToldShow, desk: Desk | None = None, **more: Any) -> tuple[Telemetry, Desk]:
    desk = desk or Desk()
    more.setdefault("gpu", lambda: None)  # whatever this machine has
    parts = TelemetryParts(desk, told, told, lambda: told.hub, told.seen, **more)
    return Telemetry(parts, lambda: told.now_s), desk


def words(figures: dict[str, object]) -> str:
    health = figures["health"]
    assert isinstance(health, list)
    return "; ".join(one["what"] for one in health)


def test_figures_and_readings() -> None:
    telemetry, desk = made(ToldShow(hub=replace(NOTHING, viewers=3)))
    desk.report({"novelty": 0.8, "rung": "generated"})
    figures = telemetry.gather()
    assert figures["fps"] == 30.0
    assert figures["delay_ms"] == {"p50": 55.0, "p95": 59.5}
    assert figures["stages_ms"] == {
        "pose": {"p50": 20.0, "p95": 20.0},
        "generate": {"p50": 19.0, "p95": 19.0},
        "encode": {"p50": 5.0, "p95": 5.0},
    }
    assert (figures["dropped"], figures["viewers"], figures["gpu"]) == (7, 3, None)
    assert (figures["novelty"], figures["rung"], figures["health"]) == (0.8, "generated", [])
    assert [desk.value(name) for name in ("fps", "viewers", "novelty", "rung", "health")] == [
        30.0, 3.0, 0.8, "generated", "good",
    ]  # fmt: skip


def test_readings_change_once_a_second_at_most() -> None:
    told = ToldShow()
    telemetry, desk = made(told)
    telemetry.gather()
    told.rate, told.now_s = 20.0, told.now_s + 0.2
    assert telemetry.gather()["fps"] == 20.0
    assert desk.value("fps") == 30.0
    told.now_s += 1
    telemetry.gather()
    assert desk.value("fps") == 20.0
    assert desk.value("health") == "careful"


def test_the_rung_is_the_one_that_most_pictures_stand_on() -> None:
    told = ToldShow(counted={"picture.generated": 100})
    telemetry, _ = made(told)
    told.counted = {"picture.generated": 101, "picture.held": 5}
    assert telemetry.gather()["rung"] == "held"
    assert telemetry.gather()["rung"] == "held"  # nothing new: it stays
    told.counted = {"picture.generated": 107, "picture.held": 5}
    assert telemetry.gather()["rung"] == "generated"


def test_nobody_seen_for_long_and_who_was_picked() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    somebody = Pose(np.zeros((len(JOINTS), 2), np.float32), np.ones(len(JOINTS), np.float32), 0.0,
                    (48, 64))  # fmt: skip
    picked = [False]
    told = ToldShow()
    told.seen.see(Frame(image, 0.0, 0), somebody)
    telemetry, _ = made(told, picked=lambda: picked[0])
    told.now_s += 60
    assert words(telemetry.gather()) == ""
    told.seen.see(Frame(image, 0.0, 1), None)
    told.now_s += NOBODY_S + 1
    assert words(telemetry.gather()) == "nobody has been seen for 6 s"
    picked[0] = True
    assert "picked" in words(telemetry.gather())


def test_a_failure_is_told_while_it_lasts() -> None:
    told = ToldShow()
    telemetry, _ = made(told)
    for name, said in (
        ("generator", "generator"), ("face", "the face net fails, and"), ("pose", "search"),
        ("hands", "the hands net fails, and the show goes on without it"),
        ("encode", "not encoded"),
    ):  # fmt: skip
        told.counted[f"{name}.failed"] = told.counted.get(f"{name}.failed", 0) + 1
        assert said in words(telemetry.gather())
        told.now_s += 10
        told.counted["picture.generated"] = told.counted.get("picture.generated", 0) + 1
        assert words(telemetry.gather()) == ""


def test_nets_that_fail_together_are_told_together() -> None:
    told = ToldShow()
    telemetry, _ = made(told)
    told.counted |= {"face.failed": 1, "hands.failed": 3}
    said = "the face and hands nets fail, and the show goes on without them"
    assert words(telemetry.gather()) == said


def test_restarts_of_the_last_minute_count() -> None:
    told = ToldShow(begun_anew={"pose": 4})  # before anybody looked
    telemetry, _ = made(told)
    told.counted["picture.generated"] = 1
    assert words(telemetry.gather()) == ""
    told.begun_anew = {"pose": 5, "encode": 1}
    told.now_s += 1
    assert "2 times" in words(telemetry.gather())
    told.now_s += RESTARTS_S - 1
    told.begun_anew["pose"] = 6
    told.counted["picture.generated"] = 2
    assert "3 times" in words(telemetry.gather())
    told.now_s += 2
    told.counted["picture.generated"] = 3
    assert "once" in words(telemetry.gather())
    told.now_s += RESTARTS_S
    told.counted["picture.generated"] = 4
    assert words(telemetry.gather()) == ""


def test_novelty_counts_once_it_has_lasted() -> None:
    told = ToldShow()
    telemetry, desk = made(told)
    desk.report({"novelty": 3.0, "rung": "generated"})
    assert words(telemetry.gather()) == ""
    told.now_s += 6
    assert "novelty 3.0" in words(telemetry.gather())
    desk.report({"novelty": 1.0})
    assert words(telemetry.gather()) == ""


def test_the_disk_is_looked_at_while_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.desk.health.LOW_DISK_MB", 1e12)
    telemetry, desk = made(ToldShow(), recordings=tmp_path)
    assert words(telemetry.gather()) == ""
    desk.report({"recording": "one.mkv"})
    figures = telemetry.gather()
    assert "MB left" in words(figures)
    assert figures["recording"] == "one.mkv"
    monkeypatch.setattr("live.desk.health.LOW_DISK_MB", 0.0)
    assert words(telemetry.gather()) == ""
    gone, desk = made(ToldShow(), recordings=tmp_path / "gone")
    desk.report({"recording": "one.mkv"})
    assert words(gone.gather()) == ""


def test_a_disk_that_hangs_holds_up_no_figure_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, asked = threading.Event(), []

    def hang(folder: Path) -> NoReturn:
        asked.append(folder)
        assert well.wait(60)
        raise OSError("stale file handle")

    monkeypatch.setattr("live.desk.free_space.shutil.disk_usage", hang)
    telemetry, desk = made(ToldShow(), recordings=tmp_path)
    desk.report({"recording": "one.mkv"})
    try:
        for _ in range(3):
            figures = telemetry.gather()
            assert figures["fps"] == 30.0
            assert words(figures) == "the disk that is recorded to does not answer"
        assert asked == [tmp_path], "once: no threads heap up"
    finally:
        well.set()
    for thread in threading.enumerate():
        if thread.name == "free space":
            thread.join(60)
    assert words(telemetry.gather()) == ""


def test_the_graphics_card_is_told_where_there_is_one() -> None:
    card = FakeNvml()
    telemetry, _ = made(ToldShow(), gpu=GpuLoad(lambda name: card))
    figures = telemetry.gather()
    assert figures["gpu"] == {"percent": 40, "memory_mb": 6000, "memory_total_mb": 24000}
    assert words(figures) == ""
    card.used_mb = 23_700
    assert "memory is nearly full: 23700 of 24000 MB" in words(telemetry.gather())


def test_what_glides_and_what_the_operator_has_on() -> None:
    told = ToldShow()
    desk = Desk(clock=lambda: told.now_s)
    desk.report({"rung": "generated"})
    telemetry, _ = made(told, desk)
    desk.set("figure.x", 1.0, "console", 10.0)
    told.now_s += 5
    assert telemetry.gather()["gliding"] == {"figure.x": 0.5}
    told.now_s += 6
    assert telemetry.gather()["gliding"] == {}
    desk.set_many({"panic": True, "master": 0}, "console")
    assert "background only" in words(telemetry.gather())
    assert "the audience sees black" in words(telemetry.gather())


def test_consent_and_marks_are_told() -> None:
    telemetry, _ = made(ToldShow(), consent=lambda: False, unmarked=("the visible mark is",))
    said = words(telemetry.gather())
    assert "answered for the consent" in said
    assert "the visible mark is switched off" in said


def test_the_processors_time_is_a_share_of_what_has_passed() -> None:
    now_s = [0.0]
    load = ProcessLoad(lambda: now_s[0])
    now_s[0] = 1e9
    assert 0 <= load.cpu_percent() < 1
    assert load.cpu_percent() >= 0  # no time has passed


def test_memory_is_known_on_linux_and_unknown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    found = memory_mb()
    if sys.platform == "linux":
        assert found is not None
        assert found > 10
    monkeypatch.setattr("live.desk.process_load._STATM", Path("nowhere") / "statm")
    assert memory_mb() is None
