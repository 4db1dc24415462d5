"""Compiled engines between runs, in the user's cache folder.

An entry is one file: a line of JSON (what it was made of, its SHA-256), then the content. Its name
says model, runtime, precision and GPU, so an entry of another driver or version of the runtime is
found, seen to be of another, and replaced. Writing is whole-then-rename: a reader sees the old
entry or the new one, never half of one, and of two processes that build at once the last one stays.

The hash guards against damage, not against malice: an engine is native code, and only what this
user's own processes wrote here is loaded. Never put files from elsewhere into this folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from live.cache import CACHE_VARIABLE, cache_folder

log = logging.getLogger(__name__)

FORMAT = 1
LEFT_AFTER_S = 24 * 3600.0  # a half-written file as old as this is a killed process'
MAX_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class EngineKey:
    """What an entry was made of, and for."""

    model_sha256: str  # of the bundle's ONNX file
    runtime: str  # name and version: "tensorrt 11.4.0"
    gpu: str  # "NVIDIA GeForce RTX 4090 sm_89", or "sm_89" for what fits every such GPU
    driver: str  # "580.95.05", or "any"
    precision: str  # "fp32", "fp16", "int8" or "fp8"
    # Or "timing", "jit": what makes the next build or start faster; "verdict": `engine_verdict`.
    kind: str = "engine"

    def file_name(self) -> str:
        """Where its entry is. The version and the driver are not in it, see the module."""
        runtime = self.runtime.partition(" ")[0]
        gpu = re.sub(r"\W+", "-", self.gpu).strip("-")
        return f"{self.model_sha256[:16]}-{runtime}-{self.precision}-{gpu}.{self.kind}"


class EngineCache:
    """The entries in one folder."""

    def __init__(self, folder: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        """`folder` need not exist; without one it is the user's cache folder.

        clock: seconds as files are stamped with.
        """
        self.folder = folder or cache_folder() / "engines"
        self._clock = clock

    def load(self, key: EngineKey) -> bytes | None:
        """The entry's content, or None, where the log says why one that exists is not used."""
        path = self.folder / key.file_name()
        try:
            with path.open("rb") as file:
                problem = _not_ours(os.fstat(file.fileno()))
                header = file.readline(MAX_HEADER_BYTES)
                content = b"" if problem else file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read (%s); it is made anew", path, error.strerror)
            return None
        problem = problem or _problem(header, content, key)
        if problem:
            log.warning("%s %s; it is made anew", path, problem)
            return None
        return content

    def store(self, key: EngineKey, content: bytes) -> bool:
        """Keep `content`. Where that fails, one warning says so, and the show goes on without."""
        try:
            self.write(key, content)
        except OSError as error:
            log.warning(
                "the %s of %.1f MB cannot be kept in %s (%s): it is used now and made again at the "
                "next start; free some room there, or name another folder with %s",
                key.kind, len(content) / 1e6, self.folder, error.strerror, CACHE_VARIABLE,
            )  # fmt: skip
            return False
        return True

    def write(self, key: EngineKey, content: bytes) -> Path:
        """Keep `content`, and say where. Raises OSError, and leaves nothing half-written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        number, name = tempfile.mkstemp(".partial", dir=self.folder)
        partial = Path(name)
        try:
            with open(number, "wb") as file:
                file.write(json.dumps(_header(key, content)).encode() + b"\n")
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            place = self.folder / key.file_name()
            partial.replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        return place

    def _sweep(self) -> None:
        """Delete what killed processes have left half-written; engines are large."""
        for partial in self.folder.glob("*.partial"):
            with contextlib.suppress(OSError):  # another process was faster
                if self._clock() - partial.stat().st_mtime > LEFT_AFTER_S:
                    partial.unlink()

    def drop(self, key: EngineKey) -> None:
        """Forget an entry, if there is one. Raises OSError."""
        (self.folder / key.file_name()).unlink(missing_ok=True)


def _header(key: EngineKey, content: bytes) -> dict[str, object]:
    return {
        "format": FORMAT,
        "key": asdict(key),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _problem(header: bytes, content: bytes, key: EngineKey) -> str:
    """What is wrong with an entry, or ""."""
    try:
        found = json.loads(header)
    except ValueError:
        return "is no engine of ours"
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return "is of another format"
    if found.get("key") != asdict(key):
        key_of_it = found.get("key")
        theirs = key_of_it if isinstance(key_of_it, dict) else {}
        differing = [
            f"{name} {theirs.get(name)!r} and not {ours!r}"
            for name, ours in asdict(key).items()
            if theirs.get(name) != ours
        ]
        return f"was made for {', '.join(differing) or 'something else'}"
    if found != _header(key, content):
        return f"is damaged ({len(content)} bytes)"
    return ""


def _not_ours(facts: os.stat_result) -> str:
    """Why a file may not be trusted: another user wrote it, or could have."""
    if not hasattr(os, "getuid"):  # Windows keeps other users out of the profile's folder
        return ""
    if facts.st_uid != os.getuid():
        return f"belongs to the user {facts.st_uid}"
    return "may be written by everybody" if facts.st_mode & 0o022 else ""
