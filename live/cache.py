"""Where downloaded and compiled things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "UNDERSTUDY_CACHE"


def cache_folder() -> Path:
    """The user's cache folder for this project; the environment's UNDERSTUDY_CACHE overrides it.

    It need not exist yet.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(platformdirs.user_cache_dir("understudy", appauthor=False))
