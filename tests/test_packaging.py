"""A fresh machine gets what was tested, and no more: requirements, pins, wheel, system packages."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import house

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]

# Brought on purpose by a package that we do name; see the comment in pyproject.toml.
BROUGHT_ALONG = {"opencv-contrib-python": "mediapipe"}

# The parts of the house and the extras with which each must run.
PARTS = {
    "run_live": ("cpu",),
    "live": ("cpu",),
    "training": ("cpu", "train", "studio"),
    "export": ("cpu", "train", "export"),
    "benchmarks": ("cpu", "train", "export", "studio", "dev"),
    "tests": ("cpu", "midi", "provenance", "train", "export", "studio", "dev"),
}


def named(extras: tuple[str, ...]) -> set[str]:
    """Canonical names of the packages that the project requires with `extras`."""
    lines = [*PROJECT["project"]["dependencies"], *(line for e in extras for line in EXTRAS[e])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def pins() -> dict[str, str]:
    """constraints.txt as {canonical name: version}."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    requirements = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): pin for name, pin in requirements}


def build_wheel(project: Path) -> list[str]:
    """Build the wheel of `project`, without a network, and list what is in it."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (project / "dist").glob("*.whl")
    return ZipFile(wheel).namelist()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a build reads: building in the checkout would litter it."""
    for name in ("pyproject.toml", "LICENSE", "run_live.py"):
        shutil.copy(ROOT / name, tmp_path)
    for part in ("live", "training", "export", "benchmarks", "tests"):
        (tmp_path / part).mkdir()
        shutil.copy(ROOT / part / "__init__.py", tmp_path / part)
    return tmp_path


def test_the_wheel_ships_no_top_level_package(project: Path) -> None:
    inside = build_wheel(project)
    assert {name.partition("/")[0] for name in inside} == {"understudy-0.1.0.dist-info"}
    assert any(name.endswith("LICENSE") for name in inside)


def test_a_wheel_that_ships_one_would_be_noticed(project: Path) -> None:
    settings = (project / "pyproject.toml").read_text("utf-8")
    assert "\npackages = []" in settings
    (project / "pyproject.toml").write_text(
        settings.replace("\npackages = []", '\npackages = ["live"]'), "utf-8"
    )
    assert "live/__init__.py" in build_wheel(project)


def test_installing_puts_nothing_importable_beside_the_dependencies(tmp_path: Path) -> None:
    """`pip install -e .` is how everybody installs: from elsewhere, `import live` must fail."""
    names = ("live", "training", "export", "benchmarks", "tests", "run_live")
    program = (
        "import importlib.util, sys\n"
        "print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))"
    )
    assert version("understudy"), "install the project first: make test"
    command = [sys.executable, "-I", "-c", program, *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_one_opencv_only() -> None:
    assert set(packages_distributions()["cv2"]) == {"opencv-contrib-python"}


def test_the_extras_are_those_that_the_readme_names() -> None:
    assert set(EXTRAS) == {
        "cpu",
        "gpu",
        "rtx",
        "camera",
        "midi",
        "provenance",
        "train",
        "export",
        "studio",
        "dev",
    }


def test_torch_is_pinned_exactly() -> None:
    asked = [line for extra in EXTRAS.values() for line in extra if line.startswith("torch=")]
    assert set(asked) == {"torch==2.13.0"}
    assert pins()["torch"] == "2.13.0"


def test_the_show_needs_no_torch() -> None:
    assert "torch" not in named(("cpu",)) | named(("gpu",))


@pytest.mark.parametrize("part", PARTS)
def test_every_import_is_a_named_requirement(part: str) -> None:
    """What a part imports is required by name, not by the luck of another package's needs."""
    modules = [module for module in house.read_modules(ROOT) if module.part == part]
    providers = packages_distributions()
    required = named(PARTS[part])
    assert set(BROUGHT_ALONG.values()) <= required
    # Asked for when such an engine is opened.
    optional = {
        "c2pa", "cuda", "lpips", "mido", "pyvirtualcam", "tensorrt", "tensorrt_rtx",
        "tensorrt_rtx_bindings", "torchvision",
    }  # fmt: skip
    for package in sorted(house.third_party(modules, sys.stdlib_module_names) - optional):
        distributions = {canonicalize_name(name) for name in providers.get(package, [])}
        assert distributions & (required | set(BROUGHT_ALONG)), (
            f"{part} imports {package}, which pyproject.toml does not require with {PARTS[part]}"
        )


def test_everything_required_is_pinned() -> None:
    extras = tuple(set(EXTRAS) - {"gpu"})  # it is not in the tested environment
    assert named(extras) | set(BROUGHT_ALONG) <= set(pins())
    assert all("==" in line for line in EXTRAS["gpu"] + EXTRAS["rtx"])


def test_pins_are_exact_sorted_and_for_every_machine() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert lines == sorted(lines, key=str.lower)
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []


def test_what_is_installed_is_what_is_pinned() -> None:
    different = []
    for name, pin in pins().items():
        try:
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue  # another system's package
        if installed != pin:
            different.append(f"{name} is {installed}, pinned {pin}")
    assert different == []


def test_readme_names_the_system_packages_that_ci_installs() -> None:
    """README has one line `sudo apt-get install NAME ...` with exactly CI's packages."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (in_ci,) = re.findall(r"^packages=\((.*)\)$", script, re.MULTILINE)
    readme = (ROOT / "README.md").read_text("utf-8")
    in_readme = re.findall(r"^\s*sudo apt-get install (.*)$", readme, re.MULTILINE)
    assert shlex.split(in_ci) in [shlex.split(line) for line in in_readme]
