"""From a bundle's model to a running TensorRT engine: out of the cache, or built now and kept."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator

from live.engines.base import Feedback
from live.engines.cuda_memory import Cuda, Gpu, open_cuda
from live.engines.engine_cache import EngineCache, EngineKey
from live.engines.engine_verdict import EIGHT_BITS, KIND, MEASURED, verdict_of
from live.engines.tensorrt_build import build_plan
from live.engines.tensorrt_library import Flavour, Library, load_library
from live.engines.tensorrt_native import TensorRtEngine
from live.errors import SetupError

log = logging.getLogger(__name__)


def engine_key(
    library: Library, model: bytes, gpu: Gpu | str, precision: str, kind: str = "engine"
) -> EngineKey:
    """The cache's key; `gpu` is the device, or its "sm_89" where none is at hand (RTX only).

    RTX's engines hold for every card of a compute capability and every driver that loads them; the
    classic library's, RTX's finished kernels ("jit") and verdicts only for one card and one driver.
    """
    capability = gpu if isinstance(gpu, str) else gpu.capability
    if isinstance(gpu, str) or (library.flavour.portable and kind == "engine"):
        place, driver = capability, "any"
    else:
        place, driver = f"{gpu.name} {capability}", gpu.driver
    digest = hashlib.sha256(model).hexdigest()
    return EngineKey(digest, library.version, place, driver, precision, kind)


class TensorRtOpener:
    """Opens models on one library and one GPU, with one cache."""

    def __init__(self, library: Library, cuda: Cuda, cache: EngineCache) -> None:
        self._library, self._cuda, self._cache = library, cuda, cache

    def open(self, model: bytes, what: str, feedback: Feedback) -> TensorRtEngine:
        """The best engine that is in the cache, otherwise one in float32, built now.

        The best is one in 8 bits that was measured here (`live.engines.engine_verdict`), then
        float16 where `export.engines` built it ahead. Raises SetupError and SubjectError as
        `build_plan` and `TensorRtEngine` do.
        """
        for precision, plan in self._kept(model):
            try:
                return self._start(model, plan, what, feedback, precision)
            except SetupError as error:
                log.warning("the %s engine from the cache is not used: %s", precision, error)
        return self._start(model, self._build(model, what), what, feedback, "fp32")

    def _kept(self, model: bytes) -> Iterator[tuple[str, bytes]]:
        """(precision, engine) of what is in the cache and may be used, best first."""
        small = []
        for precision in EIGHT_BITS:
            verdict = verdict_of(self._cache.load(self._key(model, precision, KIND)))
            if verdict is not None:
                small.append((verdict.time_share, precision, verdict))
        for _, precision, verdict in sorted(small, key=lambda one: one[0]):
            plan = self._cache.load(self._key(model, precision))
            if plan is not None and verdict.speaks_for(plan):
                yield precision, plan
            else:
                log.warning(
                    "the %s engine that was measured here is not in the cache any more; build it "
                    "again with export.engines --precision %s --data", precision, precision,
                )  # fmt: skip
        for precision in MEASURED:
            plan = self._cache.load(self._key(model, precision))
            if plan is not None:
                yield precision, plan

    def _build(self, model: bytes, what: str) -> bytes:
        library = self._library
        log.info("building %s with %s, this once", what, library.version)
        began_s = time.monotonic()
        timing_key = self._key(model, "fp32", "timing")
        portable = library.flavour.portable
        plan = build_plan(
            library,
            model,
            what,
            capability=self._cuda.gpu.capability if portable else "",
            timing=b"" if portable else self._cache.load(timing_key) or b"",
        )
        log.info("built in %.1f s", time.monotonic() - began_s)
        self._cache.store(self._key(model, "fp32"), plan.content)
        if plan.timing:
            self._cache.store(timing_key, plan.timing)
        return plan.content

    def _start(
        self, model: bytes, plan: bytes, what: str, feedback: Feedback, precision: str
    ) -> TensorRtEngine:
        key = self._key(model, precision, "jit")
        kept = self._cache.load(key) or b"" if self._library.flavour.portable else b""
        engine = TensorRtEngine(self._library, plan, what, self._cuda, feedback, kept)
        finished = engine.jit_cache()
        if finished and finished != kept:
            self._cache.store(key, finished)
        engine.name = f"{engine.name} {precision}"
        return engine

    def _key(self, model: bytes, precision: str, kind: str = "engine") -> EngineKey:
        return engine_key(self._library, model, self._cuda.gpu, precision, kind)


def open_tensorrt(
    flavour: Flavour,
    model: bytes,
    what: str,
    feedback: Feedback,
    connect: Callable[[], Cuda] = open_cuda,
) -> TensorRtEngine:
    """`model` on this machine's GPU. Raises SetupError with the remedy, and SubjectError."""
    library = load_library(flavour)
    return TensorRtOpener(library, connect(), EngineCache()).open(model, what, feedback)
