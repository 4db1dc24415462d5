"""How much room a disk has, from one that may hang: a folder on a network that is gone."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path


class FreeSpace:
    """Asks in a thread of its own and waits a moment. For one thread."""

    def __init__(self, folder: Path, patience_s: float = 0.5) -> None:
        """Nothing is asked before `ask`."""
        self._folder = folder
        self._patience_s = patience_s
        self._asking: threading.Thread | None = None
        self._mb: float | None = None

    @property
    def hangs(self) -> bool:
        """Whether the last question is not answered yet."""
        return self._asking is not None and self._asking.is_alive()

    def ask(self) -> float | None:
        """Millions of bytes that are free, or were when it answered last; None: it is gone."""
        if not self.hangs:
            # A daemon: the show's end does not wait for it either.
            self._asking = threading.Thread(target=self._look, name="free space", daemon=True)
            self._asking.start()
            self._asking.join(self._patience_s)
        return self._mb

    def _look(self) -> None:
        try:
            self._mb = shutil.disk_usage(self._folder).free / 1e6
        except OSError:  # it is gone, or was never made
            self._mb = None
