"""A microphone as the show's sound, through PortAudio. The home of sounddevice."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError, SourceError
from live.sources.watch import Backoff
from live.stream.opus import CHANNELS, RATE_HZ, Samples
from live.stream.sound_ring import SoundRing
from live.stream.sound_source import silence
from live.timing import Clock

log = logging.getLogger(__name__)

LAG_S = 0.05
"""For a driver to hand over what was captured."""

QUIET_S = 1.0
"""A device from which nothing has come for so long, not even silence, is opened again."""

CLOSE_S = 1.0

Hear = Callable[[NDArray[np.int16], float, float], None]
"""Told int16 (N, 1 or 2), its rate in Hz and the capture time of its first sample."""


class Input(Protocol):
    """An open device, which tells what it hears on a thread of its own."""

    @property
    def name(self) -> str: ...
    def close(self) -> None: ...


OpenInput = Callable[[str | int | None, Hear], Input]
"""Opens a device by name or number (None: the system's own choice). Raises `SourceError`."""


class Microphone:
    """Hears until it is closed. One that is unplugged is silent until it is back."""

    lag_s = LAG_S

    def __init__(
        self,
        device: str | int | None = None,
        open_input: OpenInput | None = None,
        clock: Clock = time.monotonic,
        quiet_s: float = QUIET_S,
    ) -> None:
        """Opens `device`. Raises `SetupError` without PortAudio, `SourceError` without device."""
        self.trouble: str | None = None
        self._device = device
        self._open_input = open_input or portaudio()
        self._clock = clock
        self._quiet_s = quiet_s
        self._ring = SoundRing(RATE_HZ)
        self._heard_s = self._opened_s = clock()
        self._backoff = Backoff()
        self._closed = threading.Event()
        self._input: Input | None = self._open_input(device, self._hear)
        self.name = self._input.name
        self._thread = threading.Thread(target=self._watch, name="microphone", daemon=True)
        self._thread.start()

    def take(self, captured_s: float) -> Samples:
        """The 20 ms from `captured_s` on; silence where nothing was heard."""
        return silence() if self._closed.is_set() else self._ring.take(captured_s)

    def close(self) -> None:
        """Free the device. May be called twice."""
        self._closed.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("%s hangs in its driver; left behind", self.name)

    def _hear(self, samples: NDArray[np.int16], rate_hz: float, captured_s: float) -> None:
        if rate_hz != self._ring.rate_hz:
            self._ring = SoundRing(rate_hz)
        self._ring.put(samples, captured_s)
        self._heard_s = self._clock()

    def _watch(self) -> None:
        """Everything that the driver may hang in happens here."""
        try:
            while not self._closed.wait(self._wait_s()):
                self._look()
        except Exception:  # the thread's top: say it, and let the show go on
            log.exception("the microphone is not watched any more")
        finally:
            self._leave()

    def _wait_s(self) -> float:
        if self._input is None:
            return self._backoff.after(self._heard_s - self._opened_s)
        return self._quiet_s

    def _look(self) -> None:
        if self._input is None:
            self._reopen()
        elif self._clock() - self._heard_s > self._quiet_s:
            self._lose(
                f"{self.name} gives no sound any more: unplugged, or used by another program"
            )
        elif self.trouble is not None:
            log.warning("%s is back", self.name)
            self.trouble = None

    def _lose(self, reason: str) -> None:
        if self.trouble is None:
            log.warning("%s; silence until it is back", reason)
        self.trouble = reason
        self._leave()

    def _reopen(self) -> None:
        self._opened_s = self._heard_s = self._clock()
        try:
            self._input = self._open_input(self._device, self._hear)
        except SourceError as error:
            self.trouble = str(error)

    def _leave(self) -> None:
        left, self._input = self._input, None
        if left is not None:
            left.close()


@dataclass(slots=True)
class ScriptedInputs:
    """A fake machine with one microphone, for tests and rehearsals: plug, unplug, and `hear`."""

    name: str = "a scripted microphone"
    present: bool = True
    opened: int = 0  # so often
    _hear: Hear | None = None

    def __call__(self, device: str | int | None, hear: Hear) -> ScriptedInputs:
        if not self.present:
            raise SourceError("there is no microphone; plug one in")
        self.opened += 1
        self._hear = hear
        return self

    def hear(self, samples: NDArray[np.int16], rate_hz: float, captured_s: float) -> None:
        """Let the microphone hear int16 (N, 1 or 2); nothing happens while nobody listens."""
        if self._hear is not None and self.present:
            self._hear(samples, rate_hz, captured_s)

    def close(self) -> None:
        self._hear = None


def portaudio() -> OpenInput:
    """The real devices. Raises `SetupError` where sounddevice or PortAudio is missing."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except ImportError as error:
        raise SetupError(
            f"a microphone needs sounddevice ({error}): pip install sounddevice"
        ) from error
    except OSError as error:  # what it says where its native library is missing
        raise SetupError(
            f"a microphone needs PortAudio, which this system lacks ({error}); on Debian: "
            "sudo apt-get install libportaudio2"
        ) from error
    return _PortAudio(sounddevice)


class _PortAudio:
    """Opens PortAudio's devices, each time looking for them anew."""

    def __init__(self, module: ModuleType) -> None:
        self._module: Any = module  # it says nothing of its types
        self._used = False

    def __call__(self, device: str | int | None, hear: Hear) -> _PortAudioInput:
        if self._used:  # PortAudio sees what was plugged in meanwhile only when it starts anew
            self._module._terminate()
            self._module._initialize()
        self._used = True
        try:
            return _PortAudioInput(self._module, device, hear)
        except (self._module.PortAudioError, ValueError) as error:
            raise SourceError(self._why_not(device, error)) from error

    def _why_not(self, device: str | int | None, error: Exception) -> str:
        present = [
            f"{number} ({one['name']})"
            for number, one in enumerate(self._module.query_devices())
            if one["max_input_channels"] > 0
        ]
        if not present:
            return "there is no microphone, nor any other sound input; plug one in"
        which = "the microphone" if device is None else f"the microphone {device!r}"
        return (
            f"{which} does not open ({error}); give --sound mic:NUMBER with one of "
            f"{', '.join(present)}"
        )


class _PortAudioInput:
    """An open device."""

    def __init__(self, module: Any, device: str | int | None, hear: Hear) -> None:
        found = module.query_devices(device, "input")
        self.name = str(found["name"])
        self._hear = hear
        channels = min(CHANNELS, int(found["max_input_channels"]))
        self._rate_hz = _rate_hz(module, device, channels, float(found["default_samplerate"]))
        self._stream = module.InputStream(
            device=device,
            channels=channels,
            samplerate=self._rate_hz,
            dtype="int16",
            latency="low",
            callback=self._heard,
        )
        try:
            self._stream.start()
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        self._stream.close()

    def _heard(self, samples: NDArray[np.int16], frames: int, times: Any, status: object) -> None:
        """On PortAudio's thread. Some drivers give no capture time: then the latency must do."""
        age_s = float(times.currentTime - times.inputBufferAdcTime)
        if times.inputBufferAdcTime <= 0 or not 0 <= age_s < 1:
            age_s = frames / self._rate_hz + float(self._stream.latency)
        self._hear(samples.copy(), self._rate_hz, time.monotonic() - age_s)


def _rate_hz(module: Any, device: str | int | None, channels: int, default_hz: float) -> float:
    """48 kHz where the device has it, else its own rate."""
    try:
        module.check_input_settings(device, channels, "int16", samplerate=RATE_HZ)
    except module.PortAudioError:
        return default_hz
    return RATE_HZ
