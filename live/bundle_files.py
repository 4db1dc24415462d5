"""Reads the files of a bundle from a folder or a .zip, whole and no larger than they may be."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from live.errors import SubjectError

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # it is encrypted, or packed in a way that is not known
    ValueError,
)
"""What zipfile raises on an archive that was cut off or altered."""

Reader = Callable[[str, int], bytes]
"""(name, most bytes) -> the file's content. Raises SubjectError that names the file."""


def folder_reader(folder: Path) -> Reader:
    """Reads a bundle's files from `folder`."""

    def read(name: str, limit: int) -> bytes:
        path = folder / name
        if path.is_symlink():
            raise SubjectError(f"{path} is a symbolic link; a bundle holds plain files")
        if not path.is_file():
            raise SubjectError(f"{path} is missing; export the subject again or copy it whole")
        try:
            if path.stat().st_size > limit:
                raise SubjectError(f"{path} is larger than {limit} bytes; it is no subject's file")
            return path.read_bytes()
        except OSError as error:
            raise SubjectError(
                f"{path} cannot be read ({error.strerror}); check its permissions or copy it again"
            ) from error

    return read


def zip_reader(path: Path, manifest: str) -> Reader:
    """Reads a bundle's files from a .zip, from the one folder in it that holds `manifest`.

    Nothing is unpacked to the disk. Raises SubjectError for what is no such .zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except BROKEN_ZIP as error:
        raise SubjectError(
            f"{path} is neither a folder nor a readable .zip ({error}); copy or export it again"
        ) from error
    found = [name for name in names if name.split("/")[-1] == manifest]
    if len(found) != 1:
        raise SubjectError(f"{path} holds {len(found)} files named {manifest}; it must be 1")
    prefix = found[0][: -len(manifest)]

    def read(name: str, limit: int) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(prefix + name) as member:
                content = member.read(limit + 1)
        except KeyError as error:
            raise SubjectError(f"{name} is missing from {path}; export it again") from error
        except BROKEN_ZIP as error:
            raise SubjectError(
                f"{name} in {path} cannot be read ({error}); copy or export it again"
            ) from error
        if len(content) > limit:
            raise SubjectError(f"{name} in {path} is larger than {limit} bytes")
        return content

    return read
