"""Content Credentials (C2PA) put into a file, and read from it: the home of c2pa.

Nothing is fetched and nobody is asked: no manifest from elsewhere, no revocation list, no time
stamp. What c2pa reads and writes goes through `_Watched`, which tells how far it is, can be
stopped, and keeps the system's own error, of which c2pa reports only that there was one.
"""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from live.errors import SetupError, UnderstudyError
from live.stream.provenance_identity import Identity

Progress = Callable[[float], None]
"""Told the share that is done, in [0, 1]; may raise, which stops the signing."""

PIP_LINE = "pip install c2pa-python"
MP4, WAV = "video/mp4", "audio/wav"
CHUNK_KB = 8192
"""Of the film's hash tree. Without one c2pa 0.91 takes 500 MB of memory to hash an hour."""

TIMES_MOVED = 3
"""How often c2pa moves the film's bytes to sign it: copied (read and written), and read again."""

_SETTINGS: dict[str, Any] = {
    "version": 1,
    "core": {"merkle_tree_chunk_size_in_kb": CHUNK_KB},
    "verify": {
        "verify_after_sign": True,
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
    },
    "builder": {"thumbnail": {"enabled": False}},
}


def load_c2pa() -> ModuleType:
    """The package. Raises SetupError with the pip line."""
    try:
        import c2pa  # type: ignore[import-untyped]
    except ImportError as error:
        raise SetupError(
            f"recordings are signed and checked by c2pa-python, which is absent ({error}): "
            f"{PIP_LINE}"
        ) from error
    module: ModuleType = c2pa
    return module


def rehearse(identity: Identity, definition: dict[str, Any]) -> None:
    """Sign a moment of silence that nobody keeps, so that a certificate is refused before the show.

    Raises SetupError.
    """
    silence = io.BytesIO()
    with wave.open(silence, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(160))
    silence.seek(0)
    try:
        _sign(WAV, silence, io.BytesIO(), identity, definition)
    except UnderstudyError as error:
        raise SetupError(
            f"the certificate {identity.name} cannot sign recordings ({error}); C2PA wants an "
            "end-entity certificate with key usage digitalSignature and extended key usage "
            "emailProtection, and its authority's certificates after it in the file"
        ) from error


def sign(
    source: Path, target: Path, identity: Identity, definition: dict[str, Any], progress: Progress
) -> None:
    """Write `source`, an MP4, to `target` with a signed manifest, and verify that.

    Raises UnderstudyError, OSError (the disk is full, say), or what `progress` raised.
    """
    with open(source, "rb") as film, open(target, "w+b") as signed:
        moved = _Moved(source.stat().st_size, progress)
        reading, writing = _Watched(film, moved), _Watched(signed, moved)
        try:
            _sign(MP4, reading, writing, identity, definition)
        except UnderstudyError as error:
            raise reading.trouble or writing.trouble or error from error


def read(path: Path) -> dict[str, Any] | None:
    """The manifest store, validated, as c2pa tells it (JSON); None where the file has none.

    Raises UnderstudyError for a file that cannot be taken apart, OSError for one that is not there.
    """
    c2pa = load_c2pa()
    with open(path, "rb") as file:
        try:
            with c2pa.Context.from_dict(_SETTINGS) as context:
                reader = c2pa.Reader.try_create(MP4, file, context=context)
                if reader is None:
                    return None
                with reader:
                    store: dict[str, Any] = json.loads(reader.json())
                    return store
        except c2pa.C2paError as error:
            raise UnderstudyError(f"{path} cannot be checked ({error})") from error


def _sign(
    kind: str, source: Any, target: Any, identity: Identity, definition: dict[str, Any]
) -> None:
    c2pa = load_c2pa()
    info = c2pa.C2paSignerInfo(
        identity.algorithm, identity.chain.encode(), identity.key.encode(), None
    )
    try:
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(definition, context) as builder,
        ):
            builder.sign(signer, kind, source, target)
    except c2pa.C2paError as error:
        raise UnderstudyError(str(error)) from error


class _Moved:
    """How much was read and written so far, of what c2pa reads and writes to sign a film."""

    def __init__(self, size: int, progress: Progress) -> None:
        self.bytes = 0
        self._whole = max(1, round(TIMES_MOVED * size))
        self._progress = progress

    def add(self, count: int) -> None:
        self.bytes += count
        self._progress(min(self.bytes / self._whole, 1.0))


class _Watched:
    """A file as c2pa uses it. After the first error every call fails."""

    def __init__(self, file: BinaryIO, moved: _Moved) -> None:
        self.trouble: BaseException | None = None
        self._file = file
        self._moved = moved

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._guarded(lambda: self._file.read(size))
        self._guarded(lambda: self._moved.add(len(data)))
        return data

    def write(self, data: bytes) -> int:
        self._guarded(lambda: self._moved.add(len(data)))
        return int(self._guarded(lambda: self._file.write(data)))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._guarded(lambda: self._file.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._guarded(self._file.tell))

    def flush(self) -> None:
        self._guarded(self._file.flush)

    def _guarded(self, do: Callable[[], Any]) -> Any:
        if self.trouble is not None:
            raise self.trouble
        try:
            return do()
        except BaseException as error:  # c2pa's callback would swallow it
            self.trouble = error
            raise
