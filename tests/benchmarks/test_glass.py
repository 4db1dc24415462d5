from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.glass import main
from benchmarks.glass_figures import (
    FREEZE_LEAST,
    freezes,
    glass,
    jitter,
    match,
    per_frame,
    recoveries,
)
from benchmarks.glass_source import Moment, Source, film, latest
from benchmarks.lossy import Line, Weather
from benchmarks.timecode import BITS, TICK_S, code_of, read_code, stamp
from live.errors import EXIT_BAD_INPUT
from live.stream.encoder import Codec, EncoderSettings, open_encoder
from live.stream.planes import to_i420
from tests.live.stream.test_encoder import decode

ROOT = Path(__file__).parents[2]


@given(st.integers(0, 2**BITS - 1), st.sampled_from([(512, 512), (720, 1280), (256, 300)]))
def test_a_code_is_read_as_it_was_written(code: int, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 127, np.uint8)
    stamp(image, code)
    assert read_code(image) == code
    assert (image[16:] == 127).all()


@given(st.floats(0, 1e7), st.floats(0, 1000))
def test_a_code_tells_the_time_to_a_tenth_of_a_millisecond(time_s: float, later_s: float) -> None:
    found_s = latest(code_of(time_s), time_s + later_s + TICK_S)
    assert math.isclose(found_s, time_s, abs_tol=TICK_S)


@pytest.mark.parametrize("codec", list(Codec))
def test_the_code_survives_the_codec(codec: Codec) -> None:
    source = Source((512, 512), 30.0, 0.0)
    encoder = open_encoder(codec, (512, 512), EncoderSettings(bitrate_kbps=500))
    coded, codes = [], []
    for number in range(30):
        codes.append(code_of(1000 + number / 30))
        image = to_i420(source.picture(codes[-1]))
        coded.append(encoder.encode(image, number * 3000, 0.0, number == 0))
    assert [read_code(one) for one in decode(codec, coded)] == codes


def test_the_film_moves_and_does_not_jump() -> None:
    pictures = film((256, 256), count=8)
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(pictures)]
    assert min(steps) > 0 and max(steps) < 40


def test_freezes_are_counted_as_webrtc_statistics_have_it() -> None:
    steady = [number * 0.033 for number in range(20)]
    assert freezes(steady) == []
    last = steady[-1]
    assert freezes([*steady, last + 0.18]) == []  # 33 ms + 150 ms are not exceeded
    assert freezes([*steady, last + 0.19]) == pytest.approx([0.19])
    slow = [number * 0.2 for number in range(20)]  # 3 x the mean is the more
    assert freezes([*slow, slow[-1] + 0.59]) == []
    assert freezes([*slow, slow[-1] + 0.61]) == pytest.approx([0.61])
    few = steady[:FREEZE_LEAST]
    assert freezes([*few, few[-1] + 5]) == []  # too few to know what is usual
    assert freezes([]) == freezes([1.0]) == []


def test_the_figures_of_a_list_made_by_hand() -> None:
    """Pictures every 100 ms, ready after 10 ms, in the page after 30 ms; the third one never."""
    moments = {number: Moment(number / 10, number / 10 + 0.01) for number in range(10)}
    noted = [(number, (number / 10 + 0.04 - 5) * 1e3, 0, 0, None) for number in (0, 1, 3, 4, 4, 99)]
    shown, unread = match(noted, moments, offset_s=5.0)  # type: ignore[arg-type]
    assert [one.code for one in shown] == [0, 1, 3, 4]
    assert unread == 1
    seen = glass(shown, unread, moments, (0.1, 0.5))
    assert seen.capture_to_page.count == 3  # 1, 3 and 4: the window leaves 0 out
    assert seen.capture_to_page.p50 == pytest.approx(40)
    assert seen.frame_ready_to_page.p99 == pytest.approx(30)
    assert seen.dropped == 1
    assert seen.fps == pytest.approx(3 / 0.4)
    assert seen.page_jitter.p99 == pytest.approx(0, abs=1e-6)
    assert seen.freezes == 0


def test_percentiles_are_of_all_delays() -> None:
    moments = {number: Moment(number * 0.1, number * 0.1) for number in range(101)}
    noted = [(number, number * 100 + number, 0, 0, None) for number in range(101)]
    shown, _ = match(noted, moments, 0.0)  # type: ignore[arg-type]
    found = glass(shown, 0, moments, (0.0, 20.0)).capture_to_page
    assert (found.p50, found.p95, found.p99) == pytest.approx((50, 95, 99))
    assert jitter(shown) == pytest.approx([0.001] * 100)


def test_a_freeze_that_outlasts_the_window_counts() -> None:
    moments = {number: Moment(number / 30, number / 30) for number in range(90)}
    noted = [(number, number / 30 * 1e3, 0, 0, None) for number in range(30)]
    shown, _ = match(noted, moments, 0.0)  # type: ignore[arg-type]
    seen = glass(shown, 0, moments, (0.0, 3.0))
    assert (seen.freezes, seen.dropped) == (1, 60)
    assert seen.frozen_s == pytest.approx(3 - 29 / 30)


def test_recovery_is_the_first_picture_after_the_end() -> None:
    moments = {number: Moment(number, number) for number in range(3)}
    noted = [(0, 500, 0, 0, None), (1, 2250, 0, 0, None), (2, 2300, 0, 0, None)]
    shown, _ = match(noted, moments, 0.0)  # type: ignore[arg-type]
    first, second = recoveries(shown, [2.0, 3.0])
    assert first == pytest.approx(0.25) and second is None


def test_a_share_of_nothing_is_none() -> None:
    assert per_frame({"t": 1, "n": 5}, {"t": 1, "n": 5}, "t", "n") is None
    assert per_frame({}, {"t": 0.5, "n": 5}, "t", "n") == pytest.approx(100)


def test_loss_is_the_same_with_the_same_seed() -> None:
    def fates(weather: Weather) -> list[float | None]:
        line = Line(weather)
        return [line.due_s(float(number)) for number in range(2000)]

    lossy = Weather(loss=0.05, seed=7)
    assert fates(lossy) == fates(lossy) != fates(Weather(loss=0.05, seed=8))
    assert 60 <= fates(lossy).count(None) <= 140
    # One kind of trouble does not move the other.
    both = fates(Weather(loss=0.05, reorder=0.1, seed=7))
    assert [one is None for one in both] == [one is None for one in fates(lossy)]
    assert fates(Weather()) == [float(number) for number in range(2000)]


def test_a_stall_holds_all_and_lets_all_go_at_once() -> None:
    line = Line(Weather(stall_s=0.1, stall_every_s=1.0))
    found = [line.due_s(at_s) for at_s in (5.0, 5.04, 5.1, 5.5, 6.02)]
    assert found == pytest.approx([5.1, 5.1, 5.1, 5.5, 6.1])


def test_a_blackout_loses_everything_and_ends() -> None:
    line = Line(Weather())
    line.black_out(1.0, 2.0)
    assert [line.due_s(at_s) for at_s in (0.5, 1.0, 1.9, 2.0)] == [0.5, None, None, 2.0]
    assert line.lost == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--names", "ours,theirs"], "theirs"),
        (["--fps", "fast"], "--fps"),
        (["--loss", "200"], "--loss 200"),
        (["--size", "512"], "WIDTHxHEIGHT"),
        (["--size", "64x64"], "out of range"),
        (["--seconds", "0.1"], "--seconds"),
        (["--work-ms", "100"], "--work-ms"),
        (["--blackout", "--seconds", "2"], "no room"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


@pytest.mark.slow
def test_a_short_run_prints_a_table_and_json(tmp_path: Path) -> None:
    """Ours and the rivals, over a line with every kind of trouble at once."""
    out = tmp_path / "glass.json"
    command = [sys.executable, "-m", "benchmarks.glass", "--seconds", "2.5", "--loss", "2",
               "--stalls", "--reorder", "--blackout", "--out", str(out)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    found = json.loads(last)
    runs = {run["name"]: run for run in found["runs"]}
    assert list(runs) == ["ours", "stock-vp8", "stock-h264"]
    for name, run in runs.items():
        assert any(name in line for line in lines)
        assert (run["fps"], run["size"], run["loss"]) == (30.0, [512, 512], 0.02)
        delays = run["frame_ready_to_page_ms"]
        assert 0 < delays["p50"] <= delays["p95"] <= delays["p99"]
        assert run["capture_to_page_ms"]["p50"] >= delays["p50"] + 10, "the work between"
        assert {"freezes", "dropped", "jitter_buffer_ms", "decode_ms", "page_jitter_ms"} <= set(run)
        assert run["packets_lost"] > 0
    written = json.loads(out.read_text("utf-8"))
    assert written["runs"] == found["runs"]
    assert written["machine"]["cores"] >= 1
