"""Python and its packages: there, in the versions that were tested, and none twice.

Nothing but the standard library is imported here, so that `python -m live.doctor` can say what is
missing where `run_live.py` cannot even begin.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from live.doctor.finding import Finding, careful, right, wrong

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
OPENCV = tuple(f"opencv-{kind}" for kind in (
    "contrib-python", "python", "contrib-python-headless", "python-headless"
))  # fmt: skip
ONNX_RUNTIME = tuple(f"onnxruntime{kind}" for kind in (
    "", "-gpu", "-directml", "-openvino", "-rocm", "-qnn"
))  # fmt: skip
NATIVE = ("numpy", "cv2", "av", "numba", "aiortc", "cryptography")
"""Modules with libraries of their own, which may lack some of the system's."""
INSTALL = f'{Path(sys.executable).name} -m pip install -c constraints.txt -e ".[cpu]"'

Versions = Mapping[str, str]
"""What is installed, by the package's name."""


def look_at_python() -> Finding:
    """Python itself: new enough, and whose."""
    found = ".".join(str(number) for number in sys.version_info[:3])
    if sys.version_info[:2] < OLDEST:
        return wrong(
            f"this is Python {found}; Understudy needs {OLDEST[0]}.{OLDEST[1]} or newer",
            "install one and name it: make PYTHON=python3.12",
        )
    return right(f"Python {found}, {sys.prefix}")


def look_at_packages(root: Path = ROOT, installed: Versions | None = None) -> Finding:
    """What pyproject.toml asks for, held against constraints.txt. `installed`: None asks Python."""
    wanted, pins = _required(root), _pins(root)
    names = {*wanted, *OPENCV, *ONNX_RUNTIME}
    there = _installed(names) if installed is None else installed
    missing = [name for name in wanted if name not in there]
    opencvs = [name for name in OPENCV if name in there]
    runtimes = [name for name in ONNX_RUNTIME if name in there]
    if missing:
        return _missing(missing)
    if len(opencvs) != 1:
        return _not_one("OpenCV", opencvs, "opencv-contrib-python")
    if len(runtimes) != 1:
        return _not_one("ONNX Runtime", runtimes, "onnxruntime")
    other = [
        f"{name} is {there[name]}, tested with {pins[name]}"
        for name in (*wanted, *opencvs, *runtimes)
        if name in pins and there[name].partition("+")[0] != pins[name]
    ]
    if other:
        return careful(
            f"{len(other)} of {len(wanted) + 2} packages are of another version than was tested",
            f"if anything is odd, install the tested ones: {INSTALL}", other,
        )  # fmt: skip
    return right(f"all {len(wanted) + 2} in the versions that were tested, none twice")


def missing_packages(root: Path = ROOT) -> list[str]:
    """What pyproject.toml asks for and this Python has not."""
    wanted = _required(root)
    there = _installed(wanted)
    return [name for name in wanted if name not in there]


def look_at_imports(modules: Iterable[str] = NATIVE) -> Finding:
    """What is installed may still not load."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            return wrong(f"{name} does not load: {error}", f"install it again: {INSTALL}")
        except (ImportError, OSError) as error:
            return wrong(
                f"{name} does not load: {error}",
                "where a lib...so is named, it is a library of the system: on Debian or Ubuntu "
                "sudo apt-get install libgl1 libglib2.0-0",
            )
    return right("those with native code load")


def _missing(names: list[str]) -> Finding:
    return wrong(
        f"{_listed(names)} {'is' if len(names) == 1 else 'are'} not installed in {sys.prefix}",
        f"run the show by the Python of `make demo` (.venv/bin/python), or install: {INSTALL}",
    )


def _not_one(what: str, found: list[str], one: str) -> Finding:
    if not found:
        return wrong(f"there is no {what}", f"install it: {INSTALL}")
    pip = f"{Path(sys.executable).name} -m pip"
    return wrong(
        f"there are {len(found)} of {what} in one and the same folder: {_listed(found)}",
        f"keep one: {pip} uninstall -y {' '.join(found)}, then {pip} install --force-reinstall "
        f"--no-deps -c constraints.txt {one}",
    )


def _required(root: Path) -> list[str]:
    """Names of what the show itself needs; those of extras are asked for elsewhere."""
    import tomllib  # new in 3.11: an older Python is told so above

    try:
        lines = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return []
    found = [re.match(r"[\w.-]+", line) for line in lines["dependencies"]]
    return [match.group().lower() for match in found if match]


def _pins(root: Path) -> dict[str, str]:
    try:
        lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("==") for line in lines if "==" in line and line[0] != "#")
    return {name.strip().lower(): pin.strip() for name, _, pin in pairs}


def _installed(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names)
