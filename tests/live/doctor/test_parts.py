"""Weights, pose, engines and encoders: the real ones, and those that are damaged or slow."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from live.doctor import engines, pose, retouch
from live.doctor.check import Plan
from live.doctor.encoders import look_at_encoders
from live.doctor.engines import look_at_engines
from live.doctor.extras import look_at_sound, look_at_virtual_camera
from live.doctor.finding import Finding, Verdict
from live.doctor.libraries import look_at_libraries
from live.doctor.pose import look_at_pose
from live.doctor.retouch import look_at_net
from live.doctor.table import CHECKS
from live.doctor.weights import look_at_weights
from live.engines.base import Feeds, RecurrentEngine
from live.engines.choose import FEEDBACK, Opener
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.parts import FACE, HANDS, PARTS, Part
from live.pose.base import ScriptedPose
from live.pose.weights import fetch_pose_weights
from live.stream.encoder import ENCODERS, Codec, EncoderKind
from tests.live.doctor.plans import looked, plan_of
from tests.live.sources.clips import write_audio
from tests.tiny_part import add_net, painting_net

SIDE = 32  # of a head and of a hand in the tiny subject's pictures, 64 high


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; what it would hold is fetched before."""
    weights = fetch_pose_weights(progress=False)
    folder = tmp_path / "cache"
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(folder))
    (folder / "pose").mkdir(parents=True)
    shutil.copy(weights.detector, folder / "pose")
    shutil.copy(weights.landmarks, folder / "pose")
    return folder / "pose"


def test_weights_that_are_there(subject: Path, cache: Path) -> None:
    found = looked(look_at_weights, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and str(cache) in found.what


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\xa5")


@pytest.mark.parametrize(("harm", "says"), [(damaged, "damaged"), (Path.unlink, "not there yet")])
def test_weights_that_are_not(
    subject: Path, cache: Path, harm: Callable[[Path], None], says: str
) -> None:
    harm(cache / "pose_landmark_full.tflite")
    before = sorted(cache.iterdir())
    found = looked(look_at_weights, plan_of(subject))
    assert found.verdict is Verdict.WRONG
    assert f"pose_landmark_full.tflite in {cache}: {says}" in found.what
    assert "python -m live.pose.weights" in found.remedy and "--folder" in found.remedy
    assert look_at_pose(plan_of(subject)) is None, "it would be fetched"
    assert sorted(cache.iterdir()) == before, "nothing is fetched"


def test_weights_by_hand(subject: Path, cache: Path, tmp_path: Path) -> None:
    assert looked(look_at_weights, plan_of(subject, "--weights", cache)).verdict is Verdict.RIGHT
    found = looked(look_at_weights, plan_of(subject, "--weights", tmp_path))
    assert found.verdict is Verdict.WRONG and str(tmp_path) in found.what
    assert look_at_pose(plan_of(subject, "--weights", tmp_path)) is None


def test_openpose_needs_no_weights(subject: Path, tmp_path: Path) -> None:
    plan = plan_of(subject, "--pose", "openpose", "--pose-json", tmp_path)
    assert look_at_weights(plan) is None
    assert looked(look_at_pose, plan).verdict is Verdict.WRONG  # the folder is empty
    (tmp_path / "clip_000000000000_keypoints.json").write_text('{"people": []}')
    assert looked(look_at_pose, plan).verdict is Verdict.RIGHT


def test_the_pose_net_sees_the_performer(subject: Path) -> None:
    found = looked(look_at_pose, plan_of(subject))
    assert found.verdict is not Verdict.WRONG and "blazepose" in found.what


def test_a_pose_net_that_sees_nobody(subject: Path) -> None:
    plan = plan_of(subject)
    blind = type(plan)(plan.options, lambda options, source: ScriptedPose([]))
    found = looked(look_at_pose, blind)
    assert found.verdict is Verdict.WRONG
    assert "0 of 25" in found.what and "live.pose.weights" in found.remedy


def test_a_pose_net_that_is_slow(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose, "SLOW_MS", 0.0)
    found = looked(look_at_pose, plan_of(subject))
    assert found.verdict is Verdict.CAREFUL and "pictures a second at most" in found.remedy


def refusing(model: bytes, what: str) -> RecurrentEngine:
    raise SetupError("no driver is installed; install it")


def computing(model: bytes, what: str) -> RecurrentEngine:
    """Stands in for a GPU's: it computes the same."""
    return OnnxRuntimeEngine(model, what, 1, FEEDBACK)


def only(**working: Opener) -> dict[str, Opener]:
    return {"tensorrt": refusing, "tensorrt-rtx": refusing, "cuda": refusing, **working}


def test_the_real_engines(subject: Path) -> None:
    """Whatever this machine has: one works, and the others say why not."""
    found = looked(look_at_engines, plan_of(subject))
    assert found.verdict is not Verdict.WRONG and "ms a picture" in found.what
    assert len(found.details) == 3


def test_the_best_one_is_taken(subject: Path) -> None:
    plan = plan_of(subject)
    found = looked(lambda plan: look_at_engines(plan, only(cuda=computing)), plan)
    assert found.what.startswith("cuda, ") and "the best that works here" in found.what
    assert any(one.startswith("tensorrt: no driver is installed") for one in found.details)
    assert any(one.startswith("cpu, ") for one in found.details)


def test_a_gpu_that_no_engine_uses(subject: Path) -> None:
    plan = plan_of(subject)
    found = looked(lambda plan: look_at_engines(plan, only(), lambda: True), plan)
    assert found.verdict is Verdict.CAREFUL and "no engine uses it" in found.remedy
    found = looked(lambda plan: look_at_engines(plan, only(), lambda: False), plan)
    assert "no engine uses it" not in found.remedy


def test_one_that_was_named_and_cannot_run(subject: Path) -> None:
    plan = plan_of(subject, "--engine", "cuda")
    found = looked(lambda plan: look_at_engines(plan, only()), plan)
    assert found.verdict is Verdict.WRONG
    assert found.what == "--engine cuda: no driver is installed"
    assert found.remedy == "install it"


def test_one_that_hangs(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()

    def hanging(model: bytes, what: str) -> RecurrentEngine:
        end.wait()
        return computing(model, what)

    monkeypatch.setattr(engines, "ONE_S", 2.0)
    found = looked(lambda plan: look_at_engines(plan, only(tensorrt=hanging)), plan_of(subject))
    end.set()
    assert any("not ready within 2 s" in one and "export.engines" in one for one in found.details)


def test_one_that_is_slow(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "FRAME_MS", 0.0)
    found = looked(look_at_engines, plan_of(subject))
    assert found.verdict is Verdict.CAREFUL and "pictures a second at most" in found.remedy


def look_at(part: Part) -> Callable[[Plan], Finding | None]:
    return lambda plan: look_at_net(plan, part)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_parts_net_is_run_and_its_cost_said(
    subject: Path, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at_net(plan_of(subject), part) is None, "the subject has none"
    add_net(subject, painting_net(SIDE, part=part), part)
    plan = plan_of(subject)
    found = looked(look_at(part), plan)
    assert found.verdict is Verdict.RIGHT and f"ms a picture more, for {part.what}" in found.what
    assert [one for one in PARTS if look_at_net(plan, one) is not None] == [part]
    monkeypatch.setattr(retouch, "SLOW_MS", 0.0)
    found = looked(look_at(part), plan)
    assert found.verdict is Verdict.CAREFUL and "--threads 2" in found.remedy


def test_the_doctor_looks_at_every_parts_net() -> None:
    names = [check.name for check in CHECKS]
    at = names.index("engine") + 1
    assert names[at : at + len(PARTS)] == [part.name for part in PARTS]


def test_each_check_is_of_its_own_part(subject: Path) -> None:
    add_net(subject, painting_net(SIDE, part=HANDS), HANDS)
    looks = {check.name: check.look for check in CHECKS}
    assert looks["face"](plan_of(subject)) is None
    assert "the hands" in looked(looks["hands"], plan_of(subject)).what


def test_a_face_net_on_an_engine_that_was_named(subject: Path) -> None:
    add_net(subject, painting_net(SIDE))
    plan = plan_of(subject, "--engine", "cuda")
    found = looked(lambda plan: look_at_net(plan, FACE, only()), plan)
    assert found.verdict is Verdict.WRONG
    assert found.what == "--engine cuda cannot run here: no driver is installed"


def test_a_face_net_that_breaks_the_contract(subject: Path) -> None:
    add_net(subject, painting_net(SIDE + 16))
    found = looked(look_at(FACE), plan_of(subject))
    assert found.verdict is Verdict.WRONG and "face" in found.what


class Gone(OnnxRuntimeEngine):
    """Works while it is tried, and then no more."""

    runs = 0

    def run(self, feeds: Feeds) -> dict[str, NDArray[Any]]:
        self.runs += 1
        if self.runs > 4:
            raise RuntimeError("the card is gone")
        return super().run(feeds)


def test_a_face_net_that_fails_while_it_runs(
    subject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_net(subject, painting_net(SIDE))
    monkeypatch.setattr("live.engines.choose.OnnxRuntimeEngine", Gone)
    found = looked(look_at(FACE), plan_of(subject, "--engine", "cpu"))
    assert found.verdict is Verdict.CAREFUL and "the card is gone" in found.what


def test_a_broken_subject_has_no_face_to_look_at(tmp_path: Path) -> None:
    assert look_at_net(plan_of(tmp_path / "none"), FACE) is None


def test_without_a_subject_there_is_nothing_to_try_engines_on(tmp_path: Path) -> None:
    assert look_at_engines(plan_of(tmp_path / "none")) is None
    assert looked(look_at_encoders, plan_of(tmp_path / "none")).verdict is Verdict.RIGHT


def test_the_real_encoders(subject: Path) -> None:
    found = looked(look_at_encoders, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and "H264 by" in found.what and "128x128" in found.what
    assert any("libx264: " in one and "ms a picture" in one for one in found.details)


NONE = (EncoderKind("no_such_encoder", lambda settings: {}),)


def test_no_encoder_for_h264(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS, Codec.H264, NONE)
    found = looked(look_at_encoders, plan_of(subject))
    assert found.verdict is Verdict.CAREFUL and "none for H.264" in found.what
    assert any("no_such_encoder: not here" in one for one in found.details)


def test_no_encoder_at_all(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for codec in Codec:
        monkeypatch.setitem(ENCODERS, codec, NONE)
    found = looked(look_at_encoders, plan_of(subject))
    assert found.verdict is Verdict.WRONG and "pip install" in found.remedy


def test_an_encoder_that_was_named(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(subject, "--encoder", "libx264")
    assert looked(look_at_encoders, plan).verdict is Verdict.RIGHT
    monkeypatch.setitem(ENCODERS, Codec.H264, NONE)
    found = looked(look_at_encoders, plan)
    assert found.verdict is Verdict.WRONG and "--encoder libx264 does not work" in found.what


def missing(name: str) -> object:
    raise OSError(f"{name}: cannot open shared object file")


def test_libraries(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    plan = plan_of(subject, "--pose", "mediapipe")
    found = looked(lambda plan: look_at_libraries(plan, missing), plan)
    assert found.verdict is Verdict.WRONG
    assert "libEGL.so.1 and libGLESv2.so.2" in found.what and "libegl1 libgles2" in found.remedy
    there = looked(lambda plan: look_at_libraries(plan, lambda name: None), plan)
    assert there.verdict is Verdict.RIGHT
    assert look_at_libraries(plan_of(subject), missing) is None, "BlazePose needs none"


def test_sound(subject: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = write_audio(tmp_path / "song.m4a")
    assert looked(look_at_sound, plan_of(subject, "--sound", song)).verdict is Verdict.RIGHT
    song.write_bytes(b"no sound")
    found = looked(look_at_sound, plan_of(subject, "--sound", song))
    assert found.verdict is Verdict.WRONG and str(song) in found.what
    assert look_at_sound(plan_of(subject)) is None


def test_a_virtual_camera_without_its_driver(
    subject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at_virtual_camera(plan_of(subject)) is None
    found = looked(look_at_virtual_camera, plan_of(subject, "--virtual-camera", "/dev/no-such"))
    assert found.verdict is Verdict.WRONG and "--virtual-camera cannot be used" in found.what
