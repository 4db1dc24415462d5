"""The house rules catch what they are for: each is tried on a small house that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house
from tests.test_layers import HOST, OWN_PATH, RULES

Build = Callable[[dict[str, str]], list[house.Module]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Writes a tree from {path: text} and reads its modules."""

    def write(files: dict[str, str]) -> list[house.Module]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return house.read_modules(tmp_path)

    return write


def test_a_house_in_order_passes(build: Build, tmp_path: Path) -> None:
    modules = build(
        {
            "run_live.py": "from live.pose import base",
            "live/__init__.py": "",
            "live/frames.py": '"""Frames."""\nimport numpy',
            "live/pose/__init__.py": "",
            "live/pose/base.py": "from live.frames import Frame",
            "live/pose/mediapipe_tasks.py": "def load():\n    import mediapipe",
            "training/__init__.py": "",
            "training/train.py": "import torch\nfrom live import frames",
            "export/__init__.py": "",
            "export/to_onnx.py": "import torch\nimport training.train\nimport live.frames",
            "benchmarks/__init__.py": "",
            "benchmarks/live.py": "import run_live, export.to_onnx, onnxruntime",
        }
    )
    assert house.wrong_arrows(modules, RULES) == []
    assert house.strays(modules, RULES) == []
    assert house.cycles(modules) == []
    assert house.busy_imports(modules) == []
    assert house.shadows(modules, ["numpy", "torch", "mediapipe"]) == []
    assert house.missing_inits(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "text", "part"),
    [
        ("live/show.py", "import training.train", "training"),
        ("live/show.py", "from export import to_onnx", "export"),
        ("live/show.py", "def late():\n    from tests import house", "tests"),
        ("live/show.py", "import importlib\nimportlib.import_module('training.train')", "training"),
        ("live/pose/a.py", "from ... import export", "export"),
        ("live/pose/a.py", "import run_live", "run_live"),
        ("training/train.py", "import export.to_onnx", "export"),
        ("training/train.py", "from benchmarks.live import run", "benchmarks"),
        ("export/to_onnx.py", "import benchmarks", "benchmarks"),
        ("run_live.py", "import training", "training"),
    ],
)
def test_a_wrong_arrow_is_found(build: Build, path: str, text: str, part: str) -> None:
    (found,) = house.wrong_arrows(build({path: text}), RULES)
    assert found.startswith(f"{path} imports {part}/")


@pytest.mark.parametrize(
    ("path", "text", "package"),
    [
        ("live/show.py", "import torch", "torch"),
        ("live/show.py", "import torch.nn.functional as F", "torch"),
        ("live/show.py", "from aiortc.mediastreams import VideoStreamTrack", "aiortc"),
        ("live/pose/base.py", "if True:\n    import mediapipe as mp", "mediapipe"),
        ("live/engines/base.py", "__import__('onnxruntime')", "onnxruntime"),
        ("run_live.py", "import av", "av"),
        ("training/train.py", "import onnxruntime", "onnxruntime"),
    ],
)
def test_a_heavy_package_away_from_home_is_found(
    build: Build, path: str, text: str, package: str
) -> None:
    (found,) = house.strays(build({path: text}), RULES)
    assert found.startswith(f"{path} imports {package},")


def test_a_ring_of_modules_is_found(build: Build) -> None:
    modules = build(
        {
            "live/a.py": "from live import b",
            "live/b.py": "def late():\n    import live.pose.c",
            "live/pose/c.py": "from ..a import thing",
        }
    )
    (found,) = house.cycles(modules)
    assert {"live.a", "live.b", "live.pose.c"} <= set(re.findall(r"[\w.]+", found))


def test_a_package_that_gathers_its_modules_is_no_ring(build: Build) -> None:
    modules = build(
        {
            "live/pose/__init__.py": "from live.pose.base import Pose",
            "live/pose/base.py": "from live.pose import tables",
            "live/pose/tables.py": "",
        }
    )
    assert house.cycles(modules) == []


def test_a_ring_through_a_packages_init_is_found(build: Build) -> None:
    modules = build(
        {
            "live/pose/__init__.py": "from live.pose.base import Pose",
            "live/pose/base.py": "from live.pose import Pose",
        }
    )
    assert len(house.cycles(modules)) == 1


@pytest.mark.parametrize("path", ["live/mediapipe.py", "live/av/track.py", "training/torch.py"])
def test_a_dependencys_name_is_found(build: Build, path: str) -> None:
    (found,) = house.shadows(build({path: ""}), RULES.homes)
    assert found.startswith(path)


@pytest.mark.parametrize(
    "text", ["print('hi')", "for x in []:\n    pass", "import os\nos.getcwd()"]
)
def test_work_at_import_is_found(build: Build, text: str) -> None:
    assert len(house.busy_imports(build({"live/a.py": text}))) == 1


def test_a_folder_without_init_is_found(build: Build, tmp_path: Path) -> None:
    build({"live/__init__.py": "", "live/pose/base.py": ""})
    assert house.missing_inits(tmp_path) == ["live/pose has no __init__.py"]


def test_a_big_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"12345")
    assert house.too_big([tmp_path / "big"], 5) == []
    assert len(house.too_big([tmp_path / "big"], 4)) == 1


@pytest.mark.parametrize("folder", ["root", "home/ann", "Users/ann", "work"])
def test_a_machines_own_folder_is_found(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"first\nsee `/{folder}/clip.mp4`\n")
    assert house.says([path], OWN_PATH) == [f"{path}:2 says '/{folder}/c'"]


def test_a_registrys_host_is_found_and_binary_files_are_passed_over(tmp_path: Path) -> None:
    host = ".".join(("https://py" + "pi", "org"))
    (tmp_path / "text").write_text(f"--index-url {host}/simple")
    (tmp_path / "binary").write_bytes(b"\0" + host.encode())
    assert len(house.says([tmp_path / "text", tmp_path / "binary"], HOST)) == 1


@pytest.mark.parametrize("fine", ["a URL https://x.example/home/me/a", "~/work/clip", "root/x"])
def test_ordinary_paths_are_let_pass(tmp_path: Path, fine: str) -> None:
    (tmp_path / "text").write_text(fine)
    assert house.says([tmp_path / "text"], OWN_PATH) == []
