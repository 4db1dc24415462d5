"""Arrows run one way, heavy packages stay at home, and nothing of this machine is in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).parents[1]
LARGEST_FILE_BYTES = 8 * 2**20

RULES = house.Rules(
    arrows={
        "run_live": frozenset({"live"}),
        "live": frozenset(),
        "training": frozenset({"live"}),
        "export": frozenset({"training", "live"}),
        "benchmarks": frozenset(house.PARTS),
        "tests": frozenset(house.PARTS),
    },
    homes={
        "aioice": ("live/stream/host_candidates.py", "live/stream/relay.py"),
        "aiortc": ("live/stream/*.py",),
        "anny": ("training/studio/*.py",),
        "av": (
            "live/sources/clip.py",
            "live/stream/encoder.py",
            "live/stream/opus.py",
            "live/stream/provenance_remux.py",
            "live/stream/recording.py",
            "live/stream/sound_file.py",
            "training/studio/*.py",
        ),
        "c2pa": ("live/stream/provenance_c2pa.py",),
        "cuda": ("live/engines/cuda_memory.py",),
        "mediapipe": ("live/pose/mediapipe_tasks.py",),
        "mido": ("live/desk/midi_backend.py",),
        "onnx": ("export/*.py",),
        "onnxruntime": ("live/engines/onnx_runtime.py", "export/int8.py"),
        "playwright": (),
        "pythonosc": ("live/desk/osc_packets.py",),
        "pyvirtualcam": ("live/stream/virtual_camera.py",),
        "rtmidi": (),
        "segno": ("live/stream/qr.py",),
        "sounddevice": ("live/stream/microphone.py",),
        "tensorrt": ("live/engines/*.py", "export/*.py"),
        "tensorrt_rtx": ("live/engines/*.py", "export/*.py"),
        "tensorrt_rtx_bindings": ("live/engines/*.py", "export/*.py"),
        "tomlkit": (
            "live/desk/cue_file.py",
            "live/desk/cue_read.py",
            "live/desk/midi_learn.py",
            "live/desk/midi_map.py",
        ),
        "torch": ("training/*.py", "export/*.py"),  # `*` reaches into folders below, too
    },
    everywhere=("benchmarks", "tests"),
)

# A machine's own folders, and the hosts that packages come from: nobody else has them.
OWN_PATH = re.compile(r"(?<![\w.~-])/(root|home/\w+|Users/\w+|work|mnt/\w+)/\w")
HOST = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|pytorch\.org|nvidia\.com|npmjs\.org|debian\.org)"
)


@pytest.fixture(scope="module")
def modules() -> list[house.Module]:
    found = house.read_modules(ROOT)
    assert {module.part for module in found} >= {"live", "training", "export", "tests"}
    return found


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that is, or would be, in a commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no git checkout: what would be committed is not known")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in files if path.is_file()]


def test_arrows_run_one_way(modules: list[house.Module]) -> None:
    assert house.wrong_arrows(modules, RULES) == []


def test_no_modules_import_one_another(modules: list[house.Module]) -> None:
    assert house.cycles(modules) == []


def test_heavy_packages_stay_at_home(modules: list[house.Module]) -> None:
    assert house.strays(modules, RULES) == []


def test_no_module_bears_a_dependencys_name(modules: list[house.Module]) -> None:
    # pose2sim and sports2d ship top-level names of their own; only what we import can be shadowed.
    imported = house.third_party(modules, sys.stdlib_module_names)
    assert house.shadows(modules, imported | set(RULES.homes)) == []


def test_no_part_is_hidden_by_an_installed_package(modules: list[house.Module]) -> None:
    assert {module.part for module in modules} & set(packages_distributions()) == set()


def test_nothing_happens_at_import(modules: list[house.Module]) -> None:
    ours = [module for module in modules if module.part != "tests"]
    assert house.busy_imports(ours) == []


def test_every_package_folder_has_its_init() -> None:
    assert house.missing_inits(ROOT) == []


def test_the_show_runs_without_torch(modules: list[house.Module]) -> None:
    """Import every module of the show in a fresh interpreter and look at what came along."""
    names = [module.name for module in modules if module.part in ("live", "run_live")]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*sorted({'torch', 'onnx', 'anny', 'training', 'export'} & set(sys.modules)))"
    )
    command = [sys.executable, "-W", "error", "-c", program, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_no_file_is_too_big(tracked: list[Path]) -> None:
    assert house.too_big(tracked, LARGEST_FILE_BYTES) == []


def test_no_file_names_a_machines_own_folder(tracked: list[Path]) -> None:
    assert house.says(tracked, OWN_PATH) == []


def test_no_file_names_a_registrys_host(tracked: list[Path]) -> None:
    assert house.says(tracked, HOST) == []
