"""The user's folders for this project: what is set, and what is remembered between shows.

What can be made again is in `live.cache`. None of them need exist yet.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CONFIG_VARIABLE = "UNDERSTUDY_CONFIG"
STATE_VARIABLE = "UNDERSTUDY_STATE"


def config_folder() -> Path:
    """The user's settings: tokens, a certificate. UNDERSTUDY_CONFIG overrides it."""
    usual = platformdirs.user_config_dir("understudy", appauthor=False)
    return _chosen(CONFIG_VARIABLE) or Path(usual)


def state_folder() -> Path:
    """What programs remember: acknowledgements, a killed show's state. UNDERSTUDY_STATE overrides
    it."""
    usual = platformdirs.user_state_dir("understudy", appauthor=False)
    return _chosen(STATE_VARIABLE) or Path(usual)


def _chosen(variable: str) -> Path | None:
    chosen = os.environ.get(variable)
    return Path(chosen).expanduser().absolute() if chosen else None
