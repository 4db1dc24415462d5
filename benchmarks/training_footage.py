"""A dataset out of nothing: a drawn figure walks over a textured stage."""

from __future__ import annotations

from pathlib import Path

from tests.training.tiny_footage import KnownPose, write_video
from training.prepare import PrepareOptions, prepare

SIZE = (256, 512)  # (height, width), pixels


def ready_dataset(folder: Path, frames: int = 80) -> Path:
    """Prepare it in `folder`; returns where it is."""
    video = write_video(folder / "walk.avi", frames, SIZE)
    options = PrepareOptions((video,), folder / "data", size=96, stage=SIZE[0], progress=False)
    prepare(options, KnownPose())
    return folder / "data"
