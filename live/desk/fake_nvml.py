"""A graphics card that says what a test wants it to, through NVML's own functions."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

from live.desk.gpu_load import Memory, Rates

NOT_SUPPORTED = 3
"""`NVML_ERROR_NOT_SUPPORTED`."""


@dataclass
class FakeNvml:
    """`live.desk.gpu_load.Nvml`."""

    percent: int = 40
    used_mb: int = 6_000
    total_mb: int = 24_000
    fails: set[str] = field(default_factory=set)  # functions that do
    asked: list[str] = field(default_factory=list)

    def nvmlInit_v2(self) -> int:  # noqa: N802 (NVML's names)
        return self._result("nvmlInit_v2")

    def nvmlDeviceGetHandleByIndex_v2(  # noqa: N802
        self, index: ctypes.c_uint, device: ctypes._Pointer[ctypes.c_void_p], /
    ) -> int:
        device.contents.value = 0xCA4D
        return self._result("nvmlDeviceGetHandleByIndex_v2")

    def nvmlDeviceGetUtilizationRates(  # noqa: N802
        self, device: ctypes.c_void_p, rates: ctypes._Pointer[Rates], /
    ) -> int:
        assert device.value == 0xCA4D
        rates.contents.gpu = self.percent
        return self._result("nvmlDeviceGetUtilizationRates")

    def nvmlDeviceGetMemoryInfo(  # noqa: N802
        self, device: ctypes.c_void_p, memory: ctypes._Pointer[Memory], /
    ) -> int:
        assert device.value == 0xCA4D
        memory.contents.used, memory.contents.total = self.used_mb * 10**6, self.total_mb * 10**6
        return self._result("nvmlDeviceGetMemoryInfo")

    def _result(self, name: str) -> int:
        self.asked.append(name)
        return NOT_SUPPORTED if name in self.fails else 0
