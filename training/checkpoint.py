"""Checkpoints that survive a kill at any moment: a whole old one or a whole new one, never half."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from live.errors import SetupError

FORMAT = 1
NAME = "checkpoint.pt"


def save_checkpoint(run: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain data to RUN/checkpoint.pt: beside it, to the disk, then renamed."""
    path = run / NAME
    partial = run / (NAME + ".partial")
    with partial.open("wb") as file:
        torch.save({"format": FORMAT, **content}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(run: Path) -> dict[str, Any] | None:
    """What `save_checkpoint` wrote last, or None. Never unpickles objects.

    Raises SetupError for one that is damaged or newer.
    """
    path = run / NAME
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        newer = content["format"] > FORMAT
    except (
        RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError,
        pickle.UnpicklingError, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise SetupError(f"{path} is damaged ({error}); delete it to train anew") from error
    if newer:
        raise SetupError(f"{path} has format {content['format']}, this program knows {FORMAT}")
    return content
