"""How far from its beat a cue goes: `python -m benchmarks.beats`.

Real cues on the real clock, `go` pressed at any moment: alone, beside two threads in native code,
as a show's stages are, and beside two that hold Python's lock, as they must not. The distance is
from when the cue was to go (the beat, less the lead) to when its values counted; the picture stage
reads them with its next picture, up to 33 ms later.

Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from live.desk.cue_book import CueBook
from live.desk.cue_stack import CueStack
from live.desk.cues import CueSettings
from live.desk.desk import Change, Desk
from live.desk.tempo import Tempo
from live.timing import Spread, spread

Work = Callable[[], None]

BPM = 240.0
LEAD_MS = 60.0
SEED = 5
WAIT_S = 10.0
"""For one cue, at most."""


def measure(cues: int, work: Work | None) -> Spread:
    """`cues` times: milliseconds off, early or late, beside two threads that do `work`."""
    desk = Desk({"tempo": BPM, "on": "beat", "tempo.lead": LEAD_MS})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "beats.toml"
        cue = '[[cues]]\nname = "x"\nset = {{ "figure.x" = {} }}\n'
        path.write_text("".join(cue.format(n % 2) for n in range(cues)), encoding="utf-8")
        book = CueBook(desk, CueSettings(path, asked=True))
    tempo = Tempo(desk)
    stack = CueStack(desk, book, tempo)
    went, at_s = threading.Event(), [0.0]

    def heed(change: Change) -> None:
        if "figure.x" in change.values:
            at_s[0] = time.monotonic()
            went.set()

    desk.listen(heed)
    dice, off_s = random.Random(SEED), []
    with _busy(work):
        stack.start()
        for _ in range(cues):
            time.sleep(dice.uniform(0, 60 / BPM))
            went.clear()
            desk.do("go", by="benchmark")
            if not went.wait(WAIT_S):
                raise RuntimeError("the cue never went")
            off_s.append(abs(tempo.grid.off_s(at_s[0] + LEAD_MS / 1e3)))
        stack.close()
    return spread(off_s)


def in_native_code() -> None:
    """A few milliseconds without Python's lock."""
    square = np.ones((256, 256), np.float32)
    np.matmul(square, square)


def in_python() -> None:
    """A few milliseconds with it."""
    sum(range(100_000))


@contextmanager
def _busy(work: Work | None) -> Iterator[None]:
    over = threading.Event()

    def until_over(work: Work) -> None:
        while not over.is_set():
            work()

    working = [threading.Thread(target=until_over, args=(work,)) for _ in range(2) if work]
    for one in working:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in working:
            one.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """The table, and the same as JSON."""
    parser = argparse.ArgumentParser(description="How far from its beat a cue goes.")
    parser.add_argument("--cues", type=int, default=100, help="cues that go (default: 100)")
    options = parser.parse_args(arguments)
    works = {"alone": None, "beside native code": in_native_code, "beside Python": in_python}
    rows = {words: measure(options.cues, work) for words, work in works.items()}
    print(f"{'off the beat, ms':<20}{'p50':>8}{'p95':>8}{'p99':>8}{'cues':>8}")
    for words, off in rows.items():
        print(f"{words:<20}{off.p50:>8.2f}{off.p95:>8.2f}{off.p99:>8.2f}{off.count:>8}")
    told = [{"name": words, "p50": off.p50, "p95": off.p95} for words, off in rows.items()]
    print(json.dumps({"beats_ms": told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
