"""A phone's camera, from the picture on it to the show's source: how late, how smooth.

python -m benchmarks.camera_in [--seconds 10] [--runs NAME,...] [--out FILE]

Headless Chromium opens the camera's page; in place of a camera it has a canvas, in which each
picture holds the time at which it was drawn. The source's frames are read as the show's grabber
reads them, and the time is read off their pixels. `stock` is aiortc's own receiver, drained at
once, in the same browser, one run after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from playwright.async_api import Browser, async_playwright

from benchmarks.timecode import BITS, ROWS, TICK_S, code_of, read_code
from export.machine import machine_facts
from live.frames import Frame, Image
from live.latest import Latest
from live.sources.browser import BrowserSource
from live.stream import camera_peer, camera_seat
from live.stream.camera_link import CameraLink, new_key
from live.stream.camera_offer import read_camera_offer
from live.stream.camera_page import add_camera
from live.stream.camera_receiver import receive_newest
from live.stream.encoder import Codec
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.timing import Spread, spread
from tests.conftest import CHROMIUM_FLAGS
from tests.live.stream.watcher import tap

WARM_UP_S = 3.0  # Chromium begins with a low bitrate

CANVAS = """
const [W, H, FPS, BITS, ROWS, TICK_MS] = [%d, %d, %d, %d, %d, %g];
const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [W, H];
const pen = canvas.getContext("2d", { alpha: false });
window.drawn = 0;
function draw() {
  pen.fillStyle = "#445"; pen.fillRect(0, 0, W, H);
  for (let n = 0; n < 12; n += 1) { // a figure that moves, so that there is something to code
    const x = W / 2 + Math.sin(window.drawn / 9 + n) * W / 3, y = H * (n + 1.5) / 14;
    pen.fillStyle = `hsl(${n * 30} 60%% 55%%)`; pen.fillRect(x - 30, y, 60, H / 12);
  }
  const now = Math.round((performance.timeOrigin + performance.now()) / TICK_MS) %% 2 ** BITS;
  for (let bit = 0; bit < BITS; bit += 1) {
    pen.fillStyle = now >> bit & 1 ? "#ebebeb" : "#101010";
    pen.fillRect(bit * W / BITS, 0, W / BITS + 1, ROWS);
  }
  window.drawn += 1;
}
navigator.mediaDevices.getUserMedia = async () => {
  draw();
  const stream = canvas.captureStream(0);
  const [track] = stream.getVideoTracks();
  setInterval(() => { draw(); track.requestFrame(); }, 1000 / FPS);
  return stream;
};
"""


Receive = Callable[[RTCRtpReceiver, Codec, Callable[[Image, float], None]], object]


@dataclass(slots=True)
class Seen:
    """What the source gave."""

    to_source_s: list[float] = field(default_factory=list)  # drawn to `read` has it
    to_arrival_s: list[float] = field(default_factory=list)  # drawn to its last packet
    sequences: list[int] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    name: str
    codec: Codec
    stock: bool = False  # aiortc's own jitter buffer and queues
    slow_ms: float = 0.0  # the show takes so long for each frame
    loss: float = 0.0  # share of RTP packets that do not arrive, seeded


RUNS = (
    Run("stock-vp8", Codec.VP8, stock=True),
    Run("stock-h264", Codec.H264, stock=True),
    Run("ours-vp8", Codec.VP8),
    Run("ours-h264", Codec.H264),
    Run("ours-h264-slow-show", Codec.H264, slow_ms=120.0),
    Run("stock-h264-loss-2", Codec.H264, stock=True, loss=0.02),
    Run("ours-h264-loss-2", Codec.H264, loss=0.02),
    Run("stock-h264-loss-5", Codec.H264, stock=True, loss=0.05),
    Run("ours-h264-loss-5", Codec.H264, loss=0.05),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="delay of a phone's camera on its way to the show")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run, after a warm-up")
    parser.add_argument("--runs", default="", metavar="NAMES", help="with commas between; all")
    parser.add_argument("--size", default="640x480", metavar="WxH")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as well")
    found = parser.parse_args(arguments)
    if unknown := set(filter(None, found.runs.split(","))) - {run.name for run in RUNS}:
        parser.error(f"no run {', '.join(unknown)}; there are {', '.join(r.name for r in RUNS)}")
    wanted = [run for run in RUNS if not found.runs or run.name in found.runs.split(",")]
    width, height = map(int, found.size.split("x"))
    report = asyncio.run(measure_all(wanted, (width, height), found.fps, found.seconds))
    print(table(report))
    result = {"size": [height, width], "runs": report}
    if found.out is not None:
        command = " ".join(["python -m benchmarks.camera_in", *(arguments or sys.argv[1:])])
        about = {"machine": machine_facts("aiortc", "av", "playwright"), "command": command}
        found.out.write_text(json.dumps(about | result, indent=2) + "\n", "utf-8")
    print(json.dumps(result))
    return 0


async def measure_all(
    runs: Sequence[Run], size: tuple[int, int], fps: int, seconds: float
) -> list[dict[str, object]]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_FLAGS, "--use-fake-ui-for-media-stream"]
        )
        report = [await measure(browser, run, size, fps, seconds) for run in runs]
        await browser.close()
    return report


async def measure(
    browser: Browser, run: Run, size: tuple[int, int], fps: int, seconds: float
) -> dict[str, object]:
    with ExitStack() as opened:
        opened.enter_context(as_asked(run))
        inbox: Latest[Frame] = Latest()
        key = new_key()
        hub = Hub()
        opened.callback(hub.close)
        add = partial(add_camera, inbox=inbox, key=key, link=lambda: CameraLink("", None))
        server = opened.enter_context(
            ShowServer(ServerSettings(port=0), hub, lambda: {}, more=[add])
        )
        source = BrowserSource(inbox)
        opened.callback(source.close)
        page = await browser.new_page()
        await page.add_init_script(CANVAS % (*size, fps, BITS, ROWS, TICK_S * 1e3))
        await page.goto(f"{server.url}camera#{key}")
        await page.wait_for_selector("body[data-state=sending]", timeout=20_000)
        await asyncio.sleep(WARM_UP_S)
        seen, stop = Seen(), threading.Event()
        reader = threading.Thread(target=read, args=(source, seen, stop, run.slow_ms))
        dropped, drawn = inbox.dropped, await page.evaluate("window.drawn")
        cpu_s = time.process_time()
        reader.start()
        await asyncio.sleep(seconds)
        stop.set()
        cpu = (time.process_time() - cpu_s) / seconds
        drawn = await page.evaluate("window.drawn") - drawn
        await asyncio.to_thread(reader.join)
        dropped = inbox.dropped - dropped
        await page.close()
    return summary(run, seen, drawn, dropped, cpu, seconds)


@contextmanager
def as_asked(run: Run) -> Iterator[None]:
    """The server as this run wants it."""
    with ExitStack() as patched:

        def swap(module: object, name: str, value: object) -> None:
            patched.enter_context(mock.patch.object(module, name, value))

        swap(camera_seat, "read_camera_offer", partial(read_camera_offer, preference=(run.codec,)))
        receive = receive_stock if run.stock else receive_newest
        swap(camera_peer, "receive_newest", partial(receive_lossy, receive, run.loss))
        yield


def receive_lossy(
    receive: Receive,
    loss: float,
    receiver: RTCRtpReceiver,
    codec: Codec,
    deliver: Callable[[Image, float], None],
) -> object:
    """`receive`, behind a wire that loses the share `loss` of the packets."""
    if loss:
        chance = random.Random(7)
        tap(receiver, lambda packet: chance.random() >= loss)
    return receive(receiver, codec, deliver)


def receive_stock(
    receiver: RTCRtpReceiver, codec: Codec, deliver: Callable[[Image, float], None]
) -> asyncio.Task[None]:
    """aiortc's own way, in which the newest frame is whatever `recv` gives next."""

    async def drain() -> None:
        while True:
            try:
                frame = await receiver.track.recv()
            except MediaStreamError:
                return
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)  # type: ignore[union-attr]
            deliver(image, time.monotonic())

    return asyncio.get_running_loop().create_task(drain())


def read(source: BrowserSource, seen: Seen, stop: threading.Event, slow_ms: float) -> None:
    """As the show's grabber reads."""
    while not stop.is_set() and (frame := source.read()) is not None:
        now_s, code = time.monotonic(), code_of(time.time())  # the browser's clock is the same
        late_s = (code - read_code(frame.image)) % 2**BITS * TICK_S
        if late_s > 60:
            continue  # a block was misread
        seen.to_source_s.append(late_s)
        seen.to_arrival_s.append(late_s - (now_s - frame.captured_s))
        seen.sequences.append(frame.sequence)
        seen.at_s.append(now_s)
        if slow_ms:
            time.sleep(slow_ms / 1e3)


def summary(
    run: Run, seen: Seen, drawn: int, dropped: int, cpu: float, seconds: float
) -> dict[str, object]:
    gaps = np.diff(seen.at_s) * 1e3
    return {
        "name": run.name,
        "fps": round(len(seen.at_s) / seconds, 1),
        "drawn_fps": round(drawn / seconds, 1),
        "picture_to_source_ms": rounded(spread(seen.to_source_s)),
        "picture_to_arrival_ms": rounded(spread(seen.to_arrival_s)),
        "longest_gap_ms": round(float(gaps.max()), 1) if len(gaps) else None,
        "over_200_ms": int((gaps > 200).sum()),
        "dropped": dropped,
        "cores": round(cpu, 2),
    }


def rounded(of: Spread) -> dict[str, float]:
    return {"p50": round(of.p50, 1), "p95": round(of.p95, 1), "p99": round(of.p99, 1)}


def table(report: Sequence[dict[str, object]]) -> str:
    lines = [
        f"{'':28} {'picture to source, ms':>24} {'to arrival':>10} {'fps':>6} {'drawn':>6}"
        f" {'dropped':>8} {'gap ms':>7} {'>200':>5} {'cores':>6}",
        f"{'':28} {'p50':>8}{'p95':>8}{'p99':>8} {'p50':>10}",
    ]
    for one in report:
        whole, part = one["picture_to_source_ms"], one["picture_to_arrival_ms"]
        assert isinstance(whole, dict)
        assert isinstance(part, dict)
        lines.append(
            f"{one['name']!s:28} {whole['p50']:8}{whole['p95']:8}{whole['p99']:8} {part['p50']:10}"
            f" {one['fps']:6} {one['drawn_fps']:6} {one['dropped']:8} {one['longest_gap_ms']:7}"
            f" {one['over_200_ms']:5} {one['cores']:6}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
