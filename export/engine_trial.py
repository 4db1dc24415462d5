"""Whether the show may prefer an 8-bit engine: tried on the very GPU, against float16."""

from __future__ import annotations

import hashlib
from pathlib import Path

from export.engine_options import EngineOptions, Job
from export.engine_precision import to_float16
from export.engine_sources import Source
from export.race import Player, race
from live.engines.cuda_memory import Cuda
from live.engines.engine_cache import EngineCache, EngineKey
from live.engines.engine_verdict import KIND, Verdict
from live.engines.heats import MOST_TIME
from live.engines.tensorrt_build import Plan, build_plan
from live.engines.tensorrt_library import Library
from live.engines.tensorrt_native import TensorRtEngine
from live.engines.tensorrt_open import engine_key
from live.errors import SetupError


def judged(source: Source, job: Job, plan: Plan, options: EngineOptions, cache: EngineCache) -> str:
    """Keep a verdict where an 8-bit engine has earned one; what there is to say about it."""
    gpu = job.cuda.gpu if job.cuda is not None else job.capability
    verdict = engine_key(job.library, source.model, gpu, options.precision, KIND)
    _forget(cache, verdict)  # what was found before need not hold any more
    if source.losses:
        _forget(cache, engine_key(job.library, source.model, gpu, options.precision))
        return f"not kept: it {'; '.join(source.losses)}"
    missing = [] if source.seen else ["its quality was not measured (--data)"]
    if job.cuda is None:
        missing.append("its speed was not measured (no such GPU here)")
    if missing or job.cuda is None:
        return f"not preferred by the show: {'; '.join(missing)}"
    share = _time_share(source, job.library, job.cuda, plan, options.seconds)
    if share > MOST_TIME:
        return f"not preferred by the show: it takes {share:.2f} of the time of float16"
    digest = hashlib.sha256(plan.content).hexdigest()
    keep(cache, verdict, Verdict(digest, share).to_bytes())
    return f"the show prefers it: as good, and {share:.2f} of the time of float16"


def _time_share(source: Source, library: Library, cuda: Cuda, plan: Plan, seconds: float) -> float:
    """The engine's median as a share of that of a float16 engine, side by side on this GPU."""
    capability = cuda.gpu.capability if library.flavour.portable else ""
    half = build_plan(library, to_float16(source.model, source.what), source.what, capability)
    engines = {
        name: TensorRtEngine(library, content, source.what, cuda, source.feedback)
        for name, content in (("fp16", half.content), ("small", plan.content))
    }
    try:
        players = {name: Player(engine, source.labels) for name, engine in engines.items()}
        laps = race(players, seconds)
    finally:
        for engine in engines.values():
            engine.close()
    return laps["small"].median_ms / laps["fp16"].median_ms


def keep(cache: EngineCache, key: EngineKey, content: bytes) -> Path:
    """Put `content` into the cache, and say where. Raises SetupError with the remedy."""
    try:
        return cache.write(key, content)
    except OSError as error:
        raise SetupError(
            f"the engine of {len(content) / 1e6:.1f} MB cannot be kept in {cache.folder} "
            f"({error.strerror}); free some room there, or set UNDERSTUDY_CACHE to another folder"
        ) from error


def _forget(cache: EngineCache, key: EngineKey) -> None:
    try:
        cache.drop(key)
    except OSError as error:
        raise SetupError(
            f"{cache.folder / key.file_name()} cannot be deleted ({error.strerror}); delete it, or "
            f"set UNDERSTUDY_CACHE to another folder"
        ) from error
