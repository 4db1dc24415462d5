"""Where a training's figures go: log.jsonl always, TensorBoard where it was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from live.errors import SetupError

Figure = float | str | None


class Board:
    """Writes figures and pictures of steps."""

    def __init__(self, folder: Path, tensorboard: bool) -> None:
        """Raises SetupError where tensorboard is wanted and not installed."""
        self._folder = folder
        self._writer: Any = _open_writer(folder) if tensorboard else None

    def write(self, step: int, figures: Mapping[str, Figure]) -> None:
        """One line of log.jsonl, and one point a figure. None: nothing could be measured.

        Raises SetupError where the disk is full.
        """
        path = self._folder / "log.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **figures}) + "\n")
            self._to_tensorboard(step, figures)
        except OSError as error:
            raise SetupError(
                f"{path} cannot be written ({error.strerror or error}); the last checkpoint is "
                f"whole: make room and run the same command again"
            ) from error

    def _to_tensorboard(self, step: int, figures: Mapping[str, Figure]) -> None:
        if self._writer is None:
            return
        for name, value in figures.items():
            if isinstance(value, str):
                self._writer.add_text(name, value, step)
            elif value is not None:
                self._writer.add_scalar(name, value, step)

    def picture(self, step: int, path: Path) -> None:
        """A grid that was written to `path`."""
        if self._writer is not None:
            bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
            assert bgr is not None
            self._writer.add_image("samples", bgr[:, :, ::-1], step, dataformats="HWC")

    def close(self) -> None:
        """May be called twice."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _open_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise SetupError("tensorboard is not installed: pip install tensorboard") from error
    return SummaryWriter(str(folder / "tensorboard"))
