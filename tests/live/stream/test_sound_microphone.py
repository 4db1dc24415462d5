"""A microphone as the show's sound: with a scripted device, and with a scripted PortAudio."""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from live.errors import SetupError, SourceError
from live.stream.microphone import Input, Microphone, OpenInput, ScriptedInputs, portaudio
from live.stream.opus import RATE_HZ
from tests.live.stream.sounds import clicks, mono

QUIET_S = 0.1
Open = Callable[..., Microphone]


@pytest.fixture
def open_microphone() -> Iterator[Open]:
    opened: list[Microphone] = []

    def make(inputs: OpenInput, device: str | int | None = None) -> Microphone:
        opened.append(Microphone(device, inputs, quiet_s=QUIET_S))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def until(condition: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    end_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        meanwhile()
        time.sleep(0.01)


def hum(inputs: ScriptedInputs) -> float:
    """Let it hear 100 ms that end now; their beginning."""
    at_s = time.monotonic() - 0.1
    inputs.hear(np.full((RATE_HZ // 10, 1), 8000, np.int16), RATE_HZ, at_s)
    return at_s


def test_it_is_heard(open_microphone: Open) -> None:
    inputs = ScriptedInputs()
    microphone = open_microphone(inputs)
    assert microphone.name == "a scripted microphone"
    at_s = hum(inputs)
    assert (microphone.take(at_s + 0.03) == 8000).all(), "one channel fills both"
    assert not microphone.take(at_s - 1.0).any()
    microphone.close()
    microphone.close()
    assert not microphone.take(at_s + 0.05).any()


def test_another_rate_is_resampled(open_microphone: Open) -> None:
    inputs = ScriptedInputs()
    microphone = open_microphone(inputs)
    times_s = 99.9 + np.arange(44_100) / 44_100
    inputs.hear(np.round(clicks(times_s) * 32_767).astype(np.int16)[:, None], 44_100, times_s[0])
    heard = mono(np.concatenate([microphone.take(99.99 + at * 0.02) for at in range(2)]))
    (first, *_) = np.flatnonzero(np.abs(heard) > 0.2)
    assert first / RATE_HZ == pytest.approx(0.01, abs=3e-4)


def test_unplugged_it_is_silent_until_it_is_back(
    open_microphone: Open, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = ScriptedInputs()
    microphone = open_microphone(inputs)
    hum(inputs)
    with caplog.at_level(logging.WARNING):
        inputs.present = False
        until(lambda: microphone.trouble is not None)
        until(lambda: "no microphone" in str(microphone.trouble))
        assert not microphone.take(time.monotonic()).any()
        inputs.present = True
        until(lambda: inputs.opened == 2 and microphone.trouble is None, lambda: hum(inputs))
    at_s = hum(inputs)
    assert microphone.take(at_s + 0.03).any()
    assert sum("unplugged" in one.message for one in caplog.records) == 1
    assert sum("microphone is back" in one.message for one in caplog.records) == 1


def test_one_that_falls_silent_is_opened_again(open_microphone: Open) -> None:
    inputs = ScriptedInputs()
    microphone = open_microphone(inputs)
    until(lambda: inputs.opened >= 2)
    assert microphone.trouble is not None


def test_a_driver_that_hangs_does_not_hang_the_end(caplog: pytest.LogCaptureFixture) -> None:
    let_go = threading.Event()

    class Hangs(ScriptedInputs):
        def close(self) -> None:
            let_go.wait()

    microphone = Microphone(None, Hangs(), quiet_s=QUIET_S)
    microphone.close()
    assert "left behind" in caplog.text
    let_go.set()


def test_one_that_is_absent_at_the_start_is_refused() -> None:
    with pytest.raises(SourceError, match="plug one in"):
        Microphone(None, ScriptedInputs(present=False))


class PortAudioError(Exception):
    """sounddevice's own."""


@dataclass
class Stream:
    """What is used of `sounddevice.InputStream`."""

    given: dict[str, Any]
    running: bool = False
    latency: float = 0.02

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running = False


class PortAudio(ModuleType):
    """What is used of the module: two devices, of which one can be heard, at 44.1 kHz only."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices: list[dict[str, Any]] = [
            {"name": "speaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
            {"name": "table mic", "max_input_channels": 1, "default_samplerate": 44_100.0},
        ]
        self.streams: list[Stream] = []
        self.started_anew = 0

    def query_devices(self, device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        for number, one in enumerate(self.devices):
            if device in (None, number, one["name"]) and one["max_input_channels"]:
                return one
        raise ValueError(f"No input device matching {device!r}")

    def check_input_settings(
        self, device: object, channels: int, dtype: str, samplerate: float
    ) -> None:
        if samplerate != 44_100:
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **given: Any) -> Stream:  # noqa: N802 (sounddevice's name)
        self.streams.append(Stream(given))
        return self.streams[-1]

    def _terminate(self) -> None:
        assert not any(one.running for one in self.streams), "it would close them under us"
        self.started_anew += 1

    def _initialize(self) -> None: ...


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> PortAudio:
    module = PortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def opened(device: str | int | None) -> tuple[Input, list[tuple[NDArray[np.int16], float, float]]]:
    told: list[tuple[NDArray[np.int16], float, float]] = []
    return portaudio()(device, lambda *what: told.append(what)), told


@pytest.mark.parametrize("device", [None, 1, "table mic"])
def test_a_device_is_opened_with_what_it_can(scripted: PortAudio, device: str | int | None) -> None:
    found, told = opened(device)
    assert found.name == "table mic"
    (stream,) = scripted.streams
    assert stream.running
    assert (stream.given["samplerate"], stream.given["channels"]) == (44_100, 1)
    samples, now_s = np.ones((441, 1), np.int16), time.monotonic()
    stream.given["callback"](samples, 441, times(50.0, 50.03), None)
    stream.given["callback"](samples, 441, times(0.0, 0.0), None)
    samples[:] = 7  # PortAudio uses its buffer again
    (first, rate_hz, captured_s), (_, _, guessed_s) = told
    assert first.max() == 1
    assert rate_hz == 44_100
    assert captured_s - now_s == pytest.approx(-0.03, abs=0.02)
    assert guessed_s - now_s == pytest.approx(-0.03, abs=0.02), "10 ms of sound, 20 of latency"
    found.close()
    assert not stream.running


def times(captured: float, now: float) -> SimpleNamespace:
    return SimpleNamespace(inputBufferAdcTime=captured, currentTime=now)


def test_a_device_that_is_not_there_is_told_with_those_that_are(scripted: PortAudio) -> None:
    with pytest.raises(SourceError, match=r"'lapel' does not open .* mic:NUMBER .* 1 \(table mic"):
        opened("lapel")
    scripted.devices.pop()
    with pytest.raises(SourceError, match="there is no microphone"):
        opened(None)


def test_it_looks_for_devices_anew_each_time(scripted: PortAudio) -> None:
    open_input = portaudio()
    open_input(None, lambda *_: None).close()
    assert scripted.started_anew == 0
    open_input(None, lambda *_: None).close()
    assert scripted.started_anew == 1


def test_without_sounddevice_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SetupError, match="pip install sounddevice"):
        Microphone()


def test_without_portaudio_the_system_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As sounddevice says it: an OSError when it is imported."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    found = importlib.util.find_spec("sounddevice")
    assert found is not None
    with pytest.raises(SetupError, match="apt-get install libportaudio2"):
        Microphone()
