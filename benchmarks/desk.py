"""What an order from a desk costs, and how soon it is seen.

python -m benchmarks.desk [--orders 1000] [--fps 30] [--out FILE]

OSC: from the datagram that is sent to the value that is set, and to the first `Look` that has it
where a picture stage reads one for each picture. Then the cost of each step by itself. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from live.desk.desk import Change, Desk
from live.desk.look_of import DeskLook, look_of
from live.desk.midi_backend import Heard
from live.desk.midi_backend import Kind as Control
from live.desk.midi_map import Binding, MidiMap
from live.desk.midi_orders import MidiOrders
from live.desk.osc import Osc
from live.desk.osc_packets import read_packet, write_message
from live.desk.osc_settings import OscSettings
from live.timing import spread

ADDRESS = "/understudy/figure/x"
GAP_S = 0.0031
"""Between two orders: no divisor of a picture's time, so that they fall anywhere in it."""

Row = tuple[str, float, float]
"""What, median, p95; microseconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.desk", description=__doc__.split("\n")[0])
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--fps", type=float, default=30.0, help="pictures a second")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as well")
    found = parser.parse_args(arguments)
    rows = [*latencies(found.orders, found.fps), *costs(found.orders)]
    for what, p50, p95 in rows:
        print(f"{what:<52} {p50:>10.1f} {p95:>10.1f} µs")
    figures = {what: {"p50_us": round(p50, 1), "p95_us": round(p95, 1)} for what, p50, p95 in rows}
    text = json.dumps({"orders": found.orders, "fps": found.fps, **figures})
    if found.out is not None:
        found.out.write_text(text + "\n", "utf-8")
    print(text)
    return 0


def latencies(orders: int, fps: float) -> list[Row]:
    """Real UDP on the loopback, and a stage that reads its look `fps` times a second."""
    desk = Desk()
    seen = _Seen(desk)
    osc = Osc(OscSettings(0), desk)
    osc.start()
    stage = threading.Thread(target=seen.play, args=(1 / fps,), name="stage")
    stage.start()
    sent_s = _send(orders, osc.port or 0)
    time.sleep(0.2 + 2 / fps)
    seen.ended.set()
    stage.join()
    osc.close()
    return [
        _row("OSC datagram to value set", _since(sent_s, seen.set_s)),
        _row(f"OSC datagram to first look, {fps:g} pictures a second", _since(sent_s, seen.look_s)),
    ]


class _Seen:
    """When each value was set, and when the stage first had it or a newer one."""

    def __init__(self, desk: Desk) -> None:
        self.set_s: dict[float, float] = {}
        self.look_s: dict[float, float] = {}
        self.ended = threading.Event()
        self._look = DeskLook(desk)
        desk.listen(self._hear)

    def play(self, every_s: float) -> None:
        """The picture stage's way of reading."""
        while not self.ended.wait(every_s):
            now_s = time.monotonic()
            newest = self._look(now_s).figure_x
            for value in [one for one in self.set_s if one not in self.look_s and one <= newest]:
                self.look_s[value] = now_s

    def _hear(self, change: Change) -> None:
        self.set_s[float(change.values["figure.x"])] = time.monotonic()


def _send(orders: int, port: int) -> dict[float, float]:
    """When each value was sent; they rise."""
    sent_s: dict[float, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for number in range(orders):
            value = float(f"{(number + 1) / orders:.7g}")
            data = write_message(ADDRESS, value)
            sent_s[value] = time.monotonic()
            link.sendto(data, ("127.0.0.1", port))
            time.sleep(GAP_S)
    return sent_s


def _since(sent_s: dict[float, float], seen_s: dict[float, float]) -> list[float]:
    missing = [value for value in sent_s if value not in seen_s]
    if missing:
        raise SystemExit(f"{len(missing)} of {len(sent_s)} orders never arrived")
    return [seen_s[value] - at_s for value, at_s in sent_s.items()]


def costs(times: int) -> list[Row]:
    """Each step by itself, in one thread."""
    desk, numbers = Desk(), iter(np.tile(np.linspace(0, 1, 997), 1000).tolist())
    values = desk.values()
    look = DeskLook(desk)
    data = write_message(ADDRESS, 0.5)
    fader = Binding("smoothing", Control.CC, 7)
    midi = MidiOrders(desk, MidiMap((fader,), pickup=False), lambda name: None)
    steps: dict[str, Callable[[], Any]] = {
        "desk.set": lambda: desk.set("figure.x", next(numbers), by="benchmark"),
        "look_of": lambda: look_of(values),
        "DeskLook, nothing new": lambda: look(0.0),
        "read_packet": lambda: read_packet(data),
        "write_message": lambda: write_message(ADDRESS, 0.5),
        "MIDI fader to value set": lambda: midi.hear(
            Heard(Control.CC, 1, 7, int(127 * next(numbers)))
        ),
    }
    return [_row(f"{name}, cost", _timed(step, times)) for name, step in steps.items()]


def _timed(step: Callable[[], Any], times: int) -> list[float]:
    for _ in range(100):
        step()
    found = []
    for _ in range(times):
        began_s = time.perf_counter()
        step()
        found.append(time.perf_counter() - began_s)
    return found


def _row(what: str, durations_s: list[float]) -> Row:
    of = spread(durations_s)
    return what, of.p50 * 1e3, of.p95 * 1e3


if __name__ == "__main__":
    sys.exit(main())
