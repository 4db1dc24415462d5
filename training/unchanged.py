"""Whether a dataset is still the one that a run was trained on."""

from __future__ import annotations

from collections.abc import Mapping

from live.errors import SetupError
from training.dataset import Dataset, digest
from training.disk import file_sha256
from training.painters import Painter


def check_unchanged(data: Dataset, painters: Mapping[str, Painter]) -> None:
    """Raises SetupError where a painter has not seen this very dataset.

    Otherwise the tail might hold pictures that it was trained on, and the table would flatter.
    """
    now = digest(data.folder)
    for painter in painters.values():
        if painter.data_sha256 != now:
            raise SetupError(
                f"{data.folder} is not the dataset that {painter.run} was trained on (it was "
                f"{painter.data}): prepared anew, or another one; name the old one with --data, "
                f"or train again"
            )
    for name, expected in data.facts["files"].items():
        path = data.folder / name
        if not path.is_file():
            raise SetupError(f"{path} is missing; run training.prepare again")
        if file_sha256(path) != expected:
            raise SetupError(
                f"{path} has changed since it was prepared; run training.prepare again"
            )
