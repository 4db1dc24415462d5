"""What a contender takes to build, in a process of its own: seconds, and memory."""

from __future__ import annotations

import multiprocessing
import queue
import time
from dataclasses import dataclass, replace

from benchmarks.contest_nets import Net
from benchmarks.devices import free_gpu_mb
from benchmarks.peers import contenders, import_quietly
from benchmarks.process_memory import forget_peak, memory_mb
from live.errors import UnderstudyError

PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What one contender took, or why it cannot run."""

    build_s: float | None = None  # until the first picture is done, packages already imported
    # Its most meanwhile, beyond what the process held before; on a GPU what it holds there then.
    memory_mb: float | None = None
    why_not: str = ""


def probe(net: Net, place: int, threads: int) -> Probe:
    """Build contender number `place` of `contenders(net, threads)` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Probe] = context.Queue()
    child = context.Process(target=_work, args=(net, place, threads, answers), daemon=True)
    child.start()
    answer = Probe(why_not=f"it gave no answer within {PATIENCE_S:.0f} s")
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            answer = answers.get(timeout=0.5)
            break
        except queue.Empty:
            if not child.is_alive():
                answer = Probe(why_not=f"its process died with exit code {child.exitcode}")
                break
    child.terminate()
    child.join()
    return answer


def _work(
    net: Net, place: int, threads: int, answers: multiprocessing.Queue[Probe]
) -> None:  # in the child
    contender = contenders(net, threads)[place]
    on_gpu = contender.threads == 0
    try:
        import_quietly(contender.package)
        before_mb = free_gpu_mb() if on_gpu else memory_mb("VmRSS")
        forget_peak()
        began_s = time.perf_counter()
        runner = contender.build(net, contender.threads)
        runner.run()
        build_s = time.perf_counter() - began_s
    except UnderstudyError as error:
        answers.put(Probe(why_not=str(error)))
        return
    after_mb = free_gpu_mb() if on_gpu else memory_mb("VmHWM")
    runner.close()
    found = Probe(build_s=build_s)
    if before_mb is not None and after_mb is not None:
        taken_mb = before_mb - after_mb if on_gpu else after_mb - before_mb
        found = replace(found, memory_mb=round(taken_mb, 1))
    answers.put(found)
