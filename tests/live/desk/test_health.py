"""Every fault has its light, says what it is in plain words, and what to do."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from live.desk import health
from live.desk.gpu_load import GpuUse
from live.desk.health import JUDGES, judge, overall
from live.desk.snapshot import Light, Snapshot

WELL = Snapshot()
GONE = replace(WELL, source_fps=0.0, source_trouble="camera 0 gives no picture", fps=0.0)

FAULTS = [
    (replace(WELL, panic=True), Light.CAREFUL, "background only"),
    (replace(WELL, frozen=True), Light.CAREFUL, "stands still"),
    (replace(WELL, dark=True), Light.CAREFUL, "the audience sees black"),
    (replace(WELL, consent=False), Light.BAD, "answered for the consent"),
    (GONE, Light.BAD, "camera 0 gives no picture"),
    (replace(WELL, source_trouble="camera 0 is black"), Light.CAREFUL, "camera 0 is black"),
    (replace(WELL, source_fps=0.0, fps=0.0), Light.BAD, "the source gives no pictures"),
    (replace(WELL, source_fps=12.0, fps=12.0), Light.CAREFUL, "gives 12 pictures a second"),
    (replace(WELL, stuck_s=9.0, fps=0.0), Light.BAD, "no new picture has been made for 9 s"),
    (replace(WELL, generator_fails=True), Light.BAD, "generator fails"),
    (replace(WELL, nets_fail=["face"]), Light.CAREFUL, "face net fails, and the show goes on"),
    (replace(WELL, nets_fail=["face", "hands"]), Light.CAREFUL, "face and hands nets fail"),
    (replace(WELL, pose_fails=True), Light.BAD, "search for the performer fails"),
    (replace(WELL, encoder_fails=True), Light.BAD, "not encoded"),
    (replace(WELL, fps=20.0), Light.CAREFUL, "20 pictures a second are made of the 30"),
    (replace(WELL, fps=8.0), Light.BAD, "8 pictures a second are made"),
    (replace(WELL, delay_p95_ms=180.0), Light.CAREFUL, "180 ms"),
    (replace(WELL, delay_p95_ms=400.0), Light.BAD, "400 ms"),
    (replace(WELL, nobody_s=12.0), Light.CAREFUL, "nobody has been seen for 12 s"),
    (replace(WELL, nobody_s=12.0, picked=True), Light.CAREFUL, "person who was picked"),
    (replace(WELL, restarts=1), Light.CAREFUL, "began anew once"),
    (replace(WELL, restarts=5), Light.BAD, "began anew 5 times"),
    (replace(WELL, viewers=20, lossy=2), Light.CAREFUL, "2 of 20 viewers have a bad line"),
    (replace(WELL, viewers=20, lossy=12), Light.CAREFUL, "12 of 20 viewers have bad lines"),
    (replace(WELL, recording=True, disk_mb=900.0), Light.CAREFUL, "900 MB left"),
    (replace(WELL, recording=True, disk_mb=90.0), Light.BAD, "90 MB left"),
    (replace(WELL, recording=True, disk_hangs=True), Light.BAD, "does not answer"),
    (replace(WELL, gpu=GpuUse(50, 23_900.0, 24_000.0)), Light.CAREFUL, "23900 of 24000 MB"),
    (replace(WELL, novelty=2.6, beyond_s=6.0), Light.CAREFUL, "novelty 2.6"),
    (replace(WELL, unmarked=("the visible mark is",)), Light.CAREFUL, "the visible mark is"),
]


def test_a_show_without_fault_has_nothing_to_say() -> None:
    assert judge(WELL) == []
    assert overall([]) is Light.GOOD


@pytest.mark.parametrize(("snapshot", "light", "words"), FAULTS, ids=[one[2] for one in FAULTS])
def test_each_fault_alone(snapshot: Snapshot, light: Light, words: str) -> None:
    (found,) = judge(snapshot)
    assert found.light is light
    assert words in found.what
    assert len(found.remedy) > 10
    assert overall([found]) is light


def test_every_judge_is_tried_above() -> None:
    for one in JUDGES:
        assert any(one(snapshot) is not None for snapshot, _, _ in FAULTS), one.__name__


def test_the_worst_comes_first_and_is_the_light() -> None:
    found = judge(replace(GONE, panic=True, restarts=1, encoder_fails=True))
    assert [one.light for one in found] == sorted(
        (one.light for one in found), key=lambda light: light is not Light.BAD
    )
    assert overall(found) is Light.BAD


def test_one_cause_is_told_once() -> None:
    """Without a camera nobody is seen and nothing is made; that needs no words of its own."""
    assert len(judge(replace(GONE, nobody_s=60.0))) == 1
    assert len(judge(replace(WELL, panic=True, frozen=True))) == 1


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(WELL, delay_p95_ms=health.LATE_MS - 1),
        replace(WELL, nobody_s=health.NOBODY_S - 0.1),
        replace(WELL, beyond_s=health.BEYOND_S - 0.1, novelty=3.0),
        replace(WELL, disk_mb=1.0),  # nothing is recorded
        replace(WELL, recording=True, disk_mb=None),  # nobody knows
        replace(WELL, source_fps=25.0, fps=24.0),  # a film's pace is no fault
    ],
    ids=range(6),
)
def test_what_is_no_fault(snapshot: Snapshot) -> None:
    assert judge(snapshot) == []


def test_words_are_sentences_without_jargon() -> None:
    for snapshot, _, _ in FAULTS:
        for finding in judge(snapshot):
            for text in (finding.what, finding.remedy):
                assert not text.endswith("."), text
                assert "_" not in text, text
                assert not any(one.name in text.split() for one in fields(Snapshot)
                               if "_" in one.name)  # fmt: skip
