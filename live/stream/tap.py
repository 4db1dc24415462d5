"""All coded pictures, for one who is no viewer."""

from __future__ import annotations

from collections.abc import Callable

from live.stream.encoder import Coded
from live.stream.lane import Lane


class Tap:
    """Every coded picture of one codec's full rung, for one who is no viewer: the recorder."""

    def __init__(
        self, lane: Lane, put: Callable[[Coded], None], leave: Callable[[Tap], None]
    ) -> None:
        self.codec = lane.codec
        self._lane = lane
        self._put = put
        self._leave = leave
        self._needs_key_frame = True

    def ask_key_frame(self) -> None:
        """Want a key frame, soon. From any thread."""
        self._lane.gate.ask()

    def put(self, coded: Coded) -> None:
        """On the encoder's thread."""
        if coded.key_frame or not self._needs_key_frame:
            self._needs_key_frame = False
            self._put(coded)

    def close(self) -> None:
        """No more pictures. From any thread; may be called twice."""
        self._leave(self)
