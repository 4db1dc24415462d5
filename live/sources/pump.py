"""`Pump`: one opening of a device that may hang, read on a thread that can be left behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from live.errors import SourceError
from live.frames import Frame, Image
from live.latest import Latest
from live.sources.rate import Rate
from live.timing import Clock

log = logging.getLogger(__name__)


class Device(Protocol):
    """Something open that gives pictures. Every call may hang; one thread makes them all."""

    def read(self) -> Image | None:
        """The next picture, BGR uint8 (H, W, 3), never overwritten later; None at its end for
        good. Raises `SourceError` when it is lost."""

    def close(self) -> None:
        """Let go of the hardware or connection."""


OpenDevice = Callable[[], Device]
"""Opens the device, perhaps at another index than last time. Raises `SourceError`."""


class Pump:
    """Opens a device, reads it on a daemon thread and leaves the newest frame in `box`.

    The box closes when the device ends or fails: then `error` says how (None: ended for good).
    """

    def __init__(
        self, name: str, open_device: OpenDevice, clock: Clock, sequence: Iterator[int]
    ) -> None:
        self.box: Latest[Frame] = Latest()
        self.rate = Rate()
        self.error: SourceError | None = None
        self._name = name
        self._open_device = open_device
        self._clock = clock
        self._sequence = sequence
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """The thread still holds the device."""
        return self._thread.is_alive()

    def leave(self) -> None:
        """Take nothing more from it. The thread lets go of the device as soon as it returns
        from the call that it is in; if that hangs, it is left behind. Returns at once."""
        self._left.set()
        self.box.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False when it still hangs."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            device = self._open_device()
            try:
                self._read(device)
            finally:
                device.close()
        except SourceError as error:
            self.error = error
        except Exception as error:
            log.exception("%s: reading it failed", self._name)
            self.error = SourceError(f"{self._name} failed: {error}")
        finally:
            self.box.close()

    def _read(self, device: Device) -> None:
        while not self._left.is_set() and (image := device.read()) is not None:
            now_s = self._clock()
            if self._left.is_set():
                return
            self.rate.add(now_s)
            self.box.put(Frame(image, now_s, next(self._sequence)))
