"""The benchmark of pictures a second: what is compared really differs, and all of it is told."""

from __future__ import annotations

import json
import logging
import multiprocessing
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.live import Measured
from benchmarks.rate import (
    BEGAN,
    OURS,
    SMALL,
    SOURCE_FPS,
    WAYS,
    Run,
    Way,
    apart,
    copy_without_small,
    engines_said,
    main,
    play_at,
    ratio,
    table,
    to_json,
    turns,
    warn,
)
from live.errors import EXIT_BAD_INPUT, SourceError, UnderstudyError
from live.options import DEMO, DEMO_PERFORMER, parse
from live.show import Summary
from live.sources.file import read_through
from live.subject import load_subject
from live.timing import Spread

NAMES = ["ours", "mediapipe", "float generator", "as it began"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "0"], "--seconds is 0.0; give more than 0"),
        (["--seconds", "nan"], "--seconds is nan; give more than 0"),
        (["--seconds", "1e9"], "--seconds is 1000000000.0; give"),
        (["--seconds", "long"], "invalid float value: 'long'"),
        (["--rounds", "0"], "--rounds is 0; give 1 to 100"),
        (["--rounds", "1.5"], "invalid int value: '1.5'"),
        (["--round-trips", "3"], "there is no --round-trips"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and said in err
    assert err.startswith("benchmarks.rate: ") and len(err.splitlines()) == 1


def test_the_clip_is_the_demos_played_faster(tmp_path: Path) -> None:
    demo, clip = DEMO / "performer.mp4", tmp_path / "clip.mp4"
    play_at(demo, clip, SOURCE_FPS)
    times_s = []
    for slow, fast in zip(read_through(demo), read_through(clip), strict=True):
        assert np.array_equal(fast.image, slow.image)
        times_s.append(fast.captured_s)
    assert len(times_s) > 100
    assert np.diff(times_s) == pytest.approx(1 / SOURCE_FPS, rel=1e-3)


def test_the_ways_differ_in_what_their_names_say(tmp_path: Path) -> None:
    assert [way.name for way in WAYS] == NAMES
    copy_without_small(tmp_path / "float")
    usual = parse(["--demo", "--no-open"])
    options = {
        way.name: parse(way.arguments(tmp_path / "c.mp4", tmp_path / "float")) for way in WAYS
    }
    assert [one.pose for one in options.values()] == [usual.pose, "mediapipe"] * 2
    small = {name: load_subject(one.subject).small is not None for name, one in options.items()}
    assert list(small.values()) == [True, True, False, False]
    assert {one.performer for one in options.values()} == {usual.performer} == {DEMO_PERFORMER}
    assert {one.engine for one in options.values()} == {usual.engine}


def test_the_float_subject_lacks_the_8_bit_net_alone(tmp_path: Path) -> None:
    copy_without_small(tmp_path / "float")
    whole, other = load_subject(DEMO / "subject"), load_subject(tmp_path / "float")
    assert whole.small is not None and other.small is None
    assert not (tmp_path / "float" / SMALL).exists()
    assert other.generator == whole.generator and other.parts == whole.parts
    assert other.manifest == whole.manifest


def test_every_way_is_run_once_a_round_back_and_forth() -> None:
    assert [way.name for way in turns(3)] == NAMES + NAMES[::-1] + NAMES


def test_the_ratio_is_taken_round_by_round() -> None:
    """The machine was busy in the second round: 20 against 10 is still twice."""
    rounds = {way: [_run(1.0)] * 3 for way in WAYS}
    rounds[OURS] = [_run(60.0), _run(20.0), _run(90.0)]
    rounds[BEGAN] = [_run(20.0), _run(10.0), _run(45.0)]
    assert ratio(rounds) == pytest.approx(2.0)
    told = json.loads(json.dumps(to_json(rounds)))
    assert told["ours_over_as_it_began"] == 2.0 and told["rows"][0]["fps"] == 60.0
    assert "2.00 times" in table(told) and "60.0, 20.0, 90.0" in table(told)


def test_it_warns_of_a_figure_that_is_not_what_it_seems(caplog: pytest.LogCaptureFixture) -> None:
    warn({OURS: [_run(100.0)], BEGAN: [_run(50.0)]})
    assert caplog.messages == []
    warn({OURS: [_run(119.0)], BEGAN: [_run(50.0, held=50)]})
    assert "ours: the source's 120 a second may be the limit" in caplog.messages
    assert any("as it began: only 50 %" in line for line in caplog.messages)


def test_what_is_said_of_engines_is_kept_and_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("live.character_open")
    with engines_said() as said:
        log.info("engine %s", "a")
    log.warning("after")
    assert said == ["engine a"] and caplog.messages == ["after"]


def test_an_error_in_the_process_of_a_run_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"):
        apart(OURS, Way("x").arguments(tmp_path / "absent.mp4", tmp_path), 1.0)


def test_a_run_whose_process_dies_is_one_sentence(tmp_path: Path) -> None:
    """Killed, as by a system that is out of memory."""
    others = set(multiprocessing.active_children())

    def kill() -> None:
        while not (own := set(multiprocessing.active_children()) - others):
            time.sleep(0.01)
        own.pop().kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(UnderstudyError, match="the process of 'ours' died"):
        apart(OURS, OURS.arguments(DEMO / "performer.mp4", tmp_path), 60.0)
    killer.join()


@pytest.mark.slow
@pytest.mark.timeout(600)  # four starts of the show, where all cores may be busy
def test_the_real_show_is_measured_all_four_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "1", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    assert [row["name"] for row in told["rows"]] == NAMES
    for row in told["rows"]:
        (once,) = row["rounds"]
        assert row["fps"] == once["fps"] > 0 and once["generated"] > 0
        assert 0 < row["grab_to_encoded_ms"]["p50"] <= row["grab_to_encoded_ms"]["p95"]
        assert any(line.startswith(row["name"]) for line in lines)
    ours, _, floats, began = told["rows"]
    expected = ours["fps"] / began["fps"]
    assert told["ours_over_as_it_began"] == pytest.approx(expected, rel=0.02)
    # With the 8-bit net the show at least says why it did not take it.
    assert "8 bits" in ours["rounds"][0]["engines"][0]
    assert not any("8 bits" in row["rounds"][0]["engines"][0] for row in (floats, began))
    assert told["cpu_cores"] >= 1 and told["encoders"] and told["size"] == [288, 224]


def _run(fps: float, held: int = 0) -> Run:
    """A run of 100 pictures at `fps`, of which so many were not generated."""
    rungs = {"generated": 100 - held, "held": held}
    delay = Spread(100, 20.0, 30.0, 40.0)
    summary = Summary(100 / fps, fps, {"pose": delay}, delay, 0, rungs, {}, 0)
    facts = {"busy_cores": 1.5, "peak_rss_mb": 500.0, "size": [288, 224], "stage": [512, 512]}
    return Run(Measured(summary, 1.5), facts | {"engine": "x", "encoders": ["y"]}, ("engine x",))
