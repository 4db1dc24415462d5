"""What a part's record may hold, and that two nets are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from live.errors import SetupError
from live.parts import FACE, HANDS
from training.face_net import FaceShape, FaceStudent
from training.face_run import PartRecord, net_sha256, read_part_record, record_path

GOOD = PartRecord("a" * 64, "b" * 64, FaceShape(32, (8, 16), (1, 1)), {"seed": 3})


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    GOOD.write(tmp_path, FACE)
    assert read_part_record(tmp_path, FACE) == GOOD
    assert [path.name for path in tmp_path.iterdir()] == ["face.json"]
    with pytest.raises(SetupError, match=r"hands.json cannot be used .*train the hands again"):
        read_part_record(tmp_path, HANDS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 2'),
        ('"format": 1', '"format": "1"'),
        ('"side": 32', '"side": 33'),
        ('"side": 32', '"sides": 32'),
        ('"seed": 3', '"seed": '),
        ('"student_sha256"', '"student"'),
    ],
)
def test_a_record_of_another_kind_is_one_sentence(tmp_path: Path, old: str, new: str) -> None:
    GOOD.write(tmp_path, FACE)
    text = record_path(tmp_path, FACE).read_text()
    assert text.count(old) == 1
    record_path(tmp_path, FACE).write_text(text.replace(old, new))
    with pytest.raises(SetupError, match=r"face.json cannot be used .*train the face again"):
        read_part_record(tmp_path, FACE)


@pytest.mark.parametrize("text", ["[]", "7", '{"format": 1, "student_sha256": "", '
                          '"data_sha256": "", "shape": [32], "settings": {}}'])  # fmt: skip
def test_json_of_another_shape_is_one_sentence(tmp_path: Path, text: str) -> None:
    record_path(tmp_path, FACE).write_text(text)
    with pytest.raises(SetupError, match="cannot be used"):
        read_part_record(tmp_path, FACE)


def test_one_weight_makes_another_net() -> None:
    torch.manual_seed(0)
    net = FaceStudent(FaceShape(32, (8, 16), (1, 1)))
    before = net_sha256(net)
    assert net_sha256(net.to(memory_format=torch.channels_last)) == before  # type: ignore[call-overload]
    with torch.no_grad():
        net.stem.get_parameter("bias")[0] += 1e-4
    assert net_sha256(net) != before
