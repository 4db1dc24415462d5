"""What the graphics card is at, as NVIDIA's own library tells it; that comes with the driver.

NVML API Reference: nvmlDeviceGetUtilizationRates, nvmlDeviceGetMemoryInfo.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

log = logging.getLogger(__name__)

LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
CARD = 0
"""The one that is told of: the machine's first."""

Load = Callable[[str], object]
"""Loads a library by its name; raises OSError."""


@dataclass(frozen=True, slots=True)
class GpuUse:
    """Of the whole card, whoever uses it. None: the card does not say."""

    percent: int | None = None  # of the last moments in which it computed at all
    memory_mb: float | None = None  # taken, millions of bytes
    memory_total_mb: float | None = None


class Rates(ctypes.Structure):
    """`nvmlUtilization_t`: percents."""

    gpu: int
    memory: int
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Memory(ctypes.Structure):
    """`nvmlMemory_t`: bytes."""

    total: int
    free: int
    used: int
    _fields_ = tuple((name, ctypes.c_ulonglong) for name in ("total", "free", "used"))


class Nvml(Protocol):
    """The functions that are called here, by their own names; 0 is success.

    `live.desk.fake_nvml` is the one for machines without a card.
    """

    def nvmlInit_v2(self) -> int: ...  # noqa: N802 (NVML's names)
    def nvmlDeviceGetHandleByIndex_v2(  # noqa: N802
        self, index: ctypes.c_uint, device: ctypes._Pointer[ctypes.c_void_p], /
    ) -> int: ...
    def nvmlDeviceGetUtilizationRates(  # noqa: N802
        self, device: ctypes.c_void_p, rates: ctypes._Pointer[Rates], /
    ) -> int: ...
    def nvmlDeviceGetMemoryInfo(  # noqa: N802
        self, device: ctypes.c_void_p, memory: ctypes._Pointer[Memory], /
    ) -> int: ...


class GpuLoad:
    """Asks the card. For one thread at a time; a question may take some milliseconds."""

    def __init__(self, load: Load = ctypes.CDLL) -> None:
        """Nothing is loaded before the first question, which may take longer."""
        self._load: Load | None = load
        self._nvml: Nvml | None = None
        self._device = ctypes.c_void_p()

    def __call__(self) -> GpuUse | None:
        """None where there is no card, or none that tells."""
        if self._load is not None:
            self._nvml = self._opened(self._load)
            self._load = None  # once: what is absent stays so
        if self._nvml is None:
            return None
        rates, memory = Rates(), Memory()
        # Of a card that is divided (MIG) and of a laptop's, one of both may not be known.
        loaded = not self._nvml.nvmlDeviceGetUtilizationRates(self._device, ctypes.pointer(rates))
        filled = not self._nvml.nvmlDeviceGetMemoryInfo(self._device, ctypes.pointer(memory))
        if not loaded and not filled:
            return None
        return GpuUse(
            rates.gpu if loaded else None,
            memory.used / 1e6 if filled else None,
            memory.total / 1e6 if filled else None,
        )

    def _opened(self, load: Load) -> Nvml | None:
        try:
            nvml = cast(Nvml, load(LIBRARY))
            failed = nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByIndex_v2(
                ctypes.c_uint(CARD), ctypes.pointer(self._device)
            )
        except (OSError, AttributeError) as error:  # no driver, or one too old to have these
            log.debug("no graphics card is told of (%s)", error)
            return None
        return None if failed else nvml
