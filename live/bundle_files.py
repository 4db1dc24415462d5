"""Reads the files of a bundle from a folder or a .zip, whole and no larger than they may be."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

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

MOST_MEMBERS = 64
"""Files in an archive; a bundle has seven."""

MOST_DIRECTORY_BYTES = 64 * 1024
"""Of an archive's list of its files, which zipfile reads whole, whatever it says."""

MOST_RATIO, SMALL_BYTES = 200, 1 << 20
"""What a file may grow by when it is unpacked, unless it stays small. Deflate could do 1032."""

_END = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20

Reader = Callable[[str, int], bytes]
"""(name, most bytes) -> the file's content. Raises SubjectError that names the file."""


def folder_reader(folder: Path) -> Reader:
    """Reads a bundle's files from `folder`."""

    def read(name: str, limit: int) -> bytes:
        path = folder / name
        try:
            content = _plain_file(path, limit)
        except FileNotFoundError as error:
            raise SubjectError(
                f"{path} is missing; export the subject again or copy it whole"
            ) from error
        except OSError as error:
            raise SubjectError(
                f"{path} cannot be read ({error.strerror}); check its permissions or copy it again"
            ) from error
        if len(content) > limit:
            raise SubjectError(f"{path} is larger than {limit} bytes; it is no subject's file")
        return content

    return read


def _plain_file(path: Path, limit: int) -> bytes:
    """Up to one byte more than `limit`. Looked at once it is open: a name may change hands."""
    if path.is_symlink():  # where the system knows no O_NOFOLLOW, and for the better sentence
        raise SubjectError(f"{path} is a symbolic link; a bundle holds plain files")
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would hang
    with open(os.open(path, flags), "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SubjectError(f"{path} is no plain file, and missing as such; copy it whole")
        found = bytearray()
        while len(found) <= limit and (more := file.read(min(limit + 1 - len(found), 1 << 24))):
            found += more
        return bytes(found)


def zip_reader(path: Path, manifest: str) -> Reader:
    """Reads a bundle's files from a .zip, from the one folder in it that holds `manifest`.

    Nothing is unpacked to the disk. Raises SubjectError for what is no such .zip.
    """
    try:
        with open_archive(path) as archive:
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
            with open_archive(path) as archive:
                check_member(archive.getinfo(prefix + name), limit)
                with archive.open(prefix + name) as member:
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


def open_archive(source: Path | io.BytesIO) -> zipfile.ZipFile:
    """An archive with a short list of files. Raises `BROKEN_ZIP`'s errors."""
    if isinstance(source, Path):
        with open(source, "rb") as file:
            _check_end(file)
    else:
        _check_end(source)
    archive = zipfile.ZipFile(source)
    if len(archive.infolist()) > MOST_MEMBERS:
        archive.close()
        raise ValueError(f"it lists more than {MOST_MEMBERS} files")
    return archive


def _check_end(file: BinaryIO) -> None:
    """Refuse an archive whose list of files is long, before zipfile reads it.

    The end of central directory record is at the very end, or a comment is after it (APPNOTE.TXT
    4.3.16); a bundle has no comment, and no need of the zip64 records that could say otherwise.
    """
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(size - _END.size - _LOCATOR_BYTES, 0))
    tail = file.read()
    file.seek(0)
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise ValueError("it does not end as a .zip does")
    _, disk, first_disk, here, members, length, _, comment = _END.unpack(tail[-_END.size :])
    if tail[: -_END.size][-_LOCATOR_BYTES:][:4] == b"PK\x06\x07" or comment or disk or first_disk:
        raise ValueError("it has a comment, several parts, or is larger than 4 GiB")
    if here != members or members > MOST_MEMBERS or length > MOST_DIRECTORY_BYTES:
        raise ValueError(f"it lists {members} files in {length} bytes; a subject has seven")


def check_member(member: zipfile.ZipInfo, limit: int) -> None:
    """Refuse what would not be a plain file of `limit` bytes. Raises ValueError.

    zipfile never unpacks more of a member than is announced, so that this is enough.
    """
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError("it is a symbolic link or the like, and no plain file")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in another way than stored or deflated")
    if member.file_size > limit:
        raise ValueError(f"it is larger than {limit} bytes")
    grows = member.file_size / max(member.compress_size, 1)
    if member.file_size > SMALL_BYTES and grows > MOST_RATIO:
        raise ValueError(f"it would grow {grows:.0f} times when it is unpacked")
