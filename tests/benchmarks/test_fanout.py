from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fanout
from benchmarks.fanout import FanoutOptions, main
from benchmarks.fanout_churn import churn_table, summarize
from benchmarks.fanout_report import Row, Window, middle, table, times_less, to_row
from benchmarks.fanout_server import Held, Used
from benchmarks.fanout_source import make_ring
from benchmarks.fanout_viewers import Received, Tally
from live.errors import SetupError
from live.frames import Picture
from live.stream.encoder import Codec, EncoderSettings
from live.stream.hub import Hub
from live.timing import Spread

SSRC = 7
LAG = Spread(100, 1.0, 2.0, 3.0)


def packet(sequence: int, marker: bool, ssrc: int = SSRC, size: int = 100) -> bytes:
    kind = 97 | (0x80 if marker else 0)
    return struct.pack("!BBHLL", 0x80, kind, sequence % 65_536, 0, ssrc) + bytes(size - 12)


def test_pictures_count_once_all_their_packets_are_there() -> None:
    tally = Tally(SSRC)
    for sequence, marker in ((65_534, False), (65_535, True), (65_536, True)):
        tally.hear(packet(sequence, marker))
    tally.hear(packet(3, marker=False, ssrc=9))  # sent again, on RTX's SSRC
    assert (tally.pictures, tally.packets, tally.bytes, tally.lost) == (2, 3, 300, 0)
    assert tally.first_s is not None


def test_a_gap_breaks_the_picture_it_is_in_and_no_other() -> None:
    tally = Tally(SSRC)
    for sequence, marker in ((1, True), (2, False), (5, False), (6, True), (7, True)):
        tally.hear(packet(sequence, marker))
    assert (tally.pictures, tally.lost) == (2, 2)


def a_window(viewers: int, core: float, rss_mb: float, share: float = 1.0) -> Window:
    pictures = [round(300 * share)] * viewers
    received = Received(10.0, pictures, viewers * 3_750_000, viewers * 3000, 0, 20.0)
    used = Used([core - 1, core, core + 50], LAG, rss_mb)
    return Window(viewers, used, received, LAG, [0.1, 0.2])


def a_row(name: str, viewers: int, core: float, share: float = 1.0) -> Row:
    return to_row(name, a_window(viewers, core, 100.0, share), a_window(1, 10.0, 100.0), 30.0)


def test_a_further_viewer_costs_what_was_added_since_the_first_row() -> None:
    first = a_window(2, 10.0, 100.0)
    row = to_row("ours", a_window(10, 18.0, 104.0), first, 30.0)
    assert row.core_percent == 18.0, "the median: a hiccup does not count"
    assert row.core_percent_per_viewer == 1.0
    assert row.core_percent_quotient == 1.8
    assert row.memory_mb_per_viewer == 0.5
    assert row.kbit_s == 3000.0
    assert row.frames_delivered_share == 1.0
    assert to_row("ours", first, first, 30.0).core_percent_per_viewer == 5.0


def test_who_never_saw_a_picture_is_not_left_out_of_the_median() -> None:
    assert middle([0.1, 0.2, float("inf")]).p50 == 200.0
    assert middle([0.1, 0.2, float("inf")]).p95 is None
    assert middle([]).p50 is None


def test_an_overloaded_server_is_not_compared() -> None:
    rows = [
        a_row("ours", 32, 10 + 31 * 0.5),
        a_row("stock-vp8", 4, 10 + 3 * 15),
        a_row("stock-vp8", 8, 60.0, share=0.5),
    ]
    assert times_less(rows) == {"stock-vp8": 30.0}
    assert "30.0 times less" in table(rows, [])
    assert "overloaded" in table(rows, [])
    assert times_less(rows[1:]) == {}


def test_the_pictures_fill_the_bitrate_and_are_always_the_same() -> None:
    size = (512, 512)
    ring = make_ring(size, count=24)
    assert ring[0].shape == (*size, 3)
    assert np.array_equal(ring[5], make_ring(size, count=24)[5])
    hub = Hub(EncoderSettings(bitrate_kbps=3000), always_encode=True)
    sizes = [hub.publish(Picture(ring[n % 24], n / 30, n, "generated")).bytes for n in range(90)]
    hub.close()
    assert list(hub.encoders) == [Codec.H264]
    assert 2700 < sum(sizes[30:]) * 8e-3 / (60 / 30) < 3300, "kbit/s"


def held(files: int, rss_mb: float) -> Held:
    return Held(files, 5, 4, 0, rss_mb)


def test_leaks_are_told_by_joins() -> None:
    looks = [held(20, 100.0), held(20, 101.0), held(23, 102.0)]
    churn = summarize(looks, [0.1, 0.3, float("inf")], joins=200, warm_up=100)
    assert churn.leaked_sockets == 3
    assert churn.leaked_tasks == 0
    assert churn.rss_slope_kb_per_join == pytest.approx(10.24)
    assert churn.without_picture == 1
    assert "leaked 3 sockets" in churn_table(churn)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--viewers", "0,4"], "--viewers is"),
        (["--systems", "theirs"], "no system ['theirs']"),
        (["--seconds", "0"], "--seconds is 0"),
        (["--churn", "-1"], "--churn is -1"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_options_refuse_an_empty_list() -> None:
    with pytest.raises(SetupError, match="--viewers"):
        FanoutOptions(viewers=())


@pytest.mark.slow
def test_ours_and_stock_are_measured_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fanout, "WARM_UP_S", 0.5)
    monkeypatch.setattr(fanout, "ENOUGH", 0.5)  # what is asked below: others may use this machine
    out = tmp_path / "fanout.json"
    arguments = ["--viewers", "1,2", "--systems", "ours,stock-vp8", "--seconds", "1"]
    assert main([*arguments, "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said == json.loads(out.read_text(encoding="utf-8"))
    assert str(tmp_path) not in json.dumps(said)
    assert {"date", "machine", "command"} <= set(said)
    ours = [row for row in said["rows"] if row["name"] == "ours"]
    assert [row["viewers"] for row in ours] == [1, 2]
    for row in ours:
        assert row["frames_delivered_share"] > 0.5
        assert row["time_to_first_picture_ms"]["p50"] > 0
        assert row["core_percent"] > 0
    assert any(row["name"] == "stock-vp8" and row["kbit_s"] > 1000 for row in said["rows"])


@pytest.mark.slow
def test_comings_and_goings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--systems", "ours", "--churn", "8", "--churn-warm-up", "4"]) == 0
    churn = json.loads(capsys.readouterr().out.splitlines()[-1])["churn"]
    assert churn["joins"] == 8
    assert churn["leaked_connections"] == 0
    assert churn["without_picture"] == 0
    assert churn["time_to_first_picture_ms"]["p50"] > 0
