"""The cue file on the disk: read whole, and presets written into it with people's comments kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from live.desk.cue_read import parsed
from live.desk.cues import CueErrors, CueSettings, Sheet, Values
from live.desk.desk import Desk
from live.errors import DeskError

LARGEST_BYTES = 256 * 1024


class CueFile:
    """One file of cues and presets."""

    def __init__(self, settings: CueSettings) -> None:
        self._settings = settings

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return self._settings.path

    def read(self, desk: Desk) -> Sheet:
        """What it holds; nothing where it is not there and nobody named it. Raises CueErrors."""
        return parsed(self._text(), self.path.name, desk)

    def put(self, name: str, values: Values) -> None:
        """Write the preset `name`, over the one of that name. Raises DeskError."""

        def change(document: TOMLDocument) -> None:
            presets = _presets_of(document)
            if name not in presets:
                presets[name] = tomlkit.table()
            preset = presets[name]
            for key in [key for key in preset if key not in values]:
                del preset[key]
            for key, value in values.items():
                if preset.get(key) != value:  # what stays keeps its comment
                    preset[key] = value

        self._change(change, name, values)

    def drop(self, name: str) -> None:
        """Delete the preset `name`. Raises DeskError."""

        def change(document: TOMLDocument) -> None:
            del document["presets"][name]

        self._change(change, name, None)

    def _text(self) -> str:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            if not self._settings.asked:
                return ""
            raise CueErrors(
                (f"{self.path}: there is no such file; write one (an empty one will do)",)
            ) from None
        except OSError as error:
            raise CueErrors(
                (f"{self.path} cannot be read ({error.strerror}); give another file",)
            ) from error
        if len(data) > LARGEST_BYTES:
            raise CueErrors((f"{self.path} has {len(data)} bytes; {LARGEST_BYTES} are the most",))
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise CueErrors(
                (f"{self.path.name}, line {line}: this is no UTF-8; save the file as UTF-8",)
            ) from error

    def _change(
        self, change: Callable[[TOMLDocument], None], name: str, values: Values | None
    ) -> None:
        """The file as it is now, which somebody may have edited since, with one preset changed."""
        text = self._text()
        try:
            document = tomlkit.parse(text)
            wanted = {"presets": {}, **document.unwrap()}
            if values is None:
                wanted["presets"].pop(name, None)
            else:
                wanted["presets"][name] = dict(values)
            change(document)
            text = _with_ends_of(text, tomlkit.dumps(document))
            if {"presets": {}, **tomlkit.parse(text).unwrap()} != wanted:  # however odd it was
                raise ValueError("its layout is too unusual to write into")
        except (TOMLKitError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise DeskError(
                f"preset {name!r} is not written: {self.path.name} has an error ({error}); mend "
                "it first"
            ) from error
        self._write(text)

    def _write(self, text: str) -> None:
        """Whole or not at all; where the file is a link, what it leads to."""
        path = self.path.resolve()
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, partial)
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise DeskError(
                f"presets cannot be saved in {path} ({error.strerror}); give another --cues FILE"
            ) from error


def _presets_of(document: TOMLDocument) -> Any:
    """The table of presets, made where there is none; on lines of their own."""
    presets = document.get("presets")
    if isinstance(presets, InlineTable):  # a table does not fit in there
        held = presets.unwrap()
        del document["presets"]
        document["presets"] = held
    elif presets is None:
        document["presets"] = tomlkit.table(is_super_table=True)
    return document["presets"]


def _with_ends_of(before: str, text: str) -> str:
    """The lines of `text`, ended as Windows does where they were so before."""
    if "\r\n" not in before:
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
