"""Whether a dataset is still the one that a run was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from live.errors import SetupError
from training.dataset import FACTS, Dataset
from training.painters import Painter


def check_unchanged(data: Dataset, painters: Mapping[str, Painter]) -> None:
    """Raises SetupError where a painter has not seen this very dataset.

    Otherwise the tail might hold pictures that it was trained on, and the table would flatter.
    """
    now = hashlib.sha256((data.folder / FACTS).read_bytes()).hexdigest()
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
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise SetupError(
                    f"{path} has changed since it was prepared; run training.prepare again"
                )
