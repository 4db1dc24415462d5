"""Video servers on the loopback: HTTP (a clip, a multipart JPEG feed, bad answers) and RTSP."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO

import av
import cv2

from tests.live.sources.clips import BITS, coded

FRAME_S = 0.02  # real time between a live feed's pictures


class Site(ThreadingHTTPServer):
    """What the handler serves, and what was asked of it."""

    daemon_threads = True

    def __init__(self, clip: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clip = clip
        self.asked: list[str] = []
        self.feeds = 0  # connections to a live feed so far
        self.feed_length = 1 << 30  # pictures per connection of /feed
        self.stall = False  # /feed stops talking after `feed_length`, instead of hanging up
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def site(clip: bytes = b"") -> Iterator[Site]:
    """An HTTP server that is gone, with its threads, at the end."""
    with Site(clip) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = {"/clip.mp4": self._clip, "/feed": self._feed, "/moved": self._moved,
                  "/list.m3u8": self._playlist, "/text": self._text}.get(self.path)  # fmt: skip
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_error(404) if answer is None else answer()

    def _clip(self) -> None:
        self._send("video/mp4", self.server.clip)

    def _text(self) -> None:
        self._send("text/plain", b"nothing to see\n" * 50)

    def _playlist(self) -> None:
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", f"{self.server.url}/clip.mp4"]
        self._send("application/vnd.apple.mpegurl", "\n".join([*lines, "#EXT-X-ENDLIST"]).encode())

    def _moved(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.server.url}/clip.mp4")
        self.end_headers()

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _feed(self) -> None:
        self.server.feeds += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(self.server.feed_length):
            if self.server.over.wait(FRAME_S):
                return
            _, jpeg = cv2.imencode(".jpg", coded(number % (1 << BITS)))
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {jpeg.size}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")
        if self.server.stall:
            self.server.over.wait()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _nal_units(count: int) -> list[list[bytes]]:
    """`count` coded pictures in H.264, each as its NAL units, every one a keyframe."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 96, 64, "yuv420p"
    codec.framerate, codec.time_base = Fraction(30), Fraction(1, 30)
    codec.options = {"tune": "zerolatency", "g": "1", "x264-params": "sliced-threads=0"}
    pictures = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(coded(number), format="bgr24")
        frame.pts = number
        pictures += [_split(bytes(packet)) for packet in codec.encode(frame)]
    return pictures


def _split(annex_b: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in annex_b.split(b"\0\0\1") if unit.strip(b"\0")]


class Rtsp:
    """As much of an RTSP server (RFC 2326) as one player over TCP needs; H.264 by RFC 6184."""

    def __init__(self, count: int = 200) -> None:
        self.plays = 0
        self.hang_up = threading.Event()  # once
        self._pictures = _nal_units(count)
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/stage"

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(link,), daemon=True))
            self._threads[-1].start()

    def _serve(self, link: socket.socket) -> None:
        link.settimeout(5)
        try:
            with link, link.makefile("rb") as lines:
                while self._answer(link, lines.readline().decode(), lines):
                    pass
        except OSError:
            pass

    def _answer(self, link: socket.socket, request: str, lines: BinaryIO) -> bool:
        sequence = "0"
        while line := lines.readline().decode().strip():
            if line.lower().startswith("cseq:"):
                sequence = line.split(":")[1].strip()
        method = request.split(" ")[0]
        extra, body = {
            "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
            "DESCRIBE": ("Content-Type: application/sdp\r\n", self._sdp()),
            "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
        }.get(method, ("Session: 1\r\n", ""))
        head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        link.sendall((head + body).encode())
        if method == "PLAY":
            self._play(link)
        return method in ("OPTIONS", "DESCRIBE", "SETUP")

    def _sdp(self) -> str:
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=stage", "c=IN IP4 127.0.0.1", "t=0 0",
                 "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000",
                 "a=fmtp:96 packetization-mode=1", "a=control:track0"]  # fmt: skip
        return "\r\n".join(lines) + "\r\n"

    def _play(self, link: socket.socket) -> None:
        self.plays += 1
        counter = 0
        for number in itertools.count():
            if self._over.wait(FRAME_S) or self.hang_up.is_set():
                self.hang_up.clear()
                return
            units = self._pictures[number % len(self._pictures)]
            for unit in units:
                marker = 0x80 if unit is units[-1] else 0
                head = struct.pack("!BBHII", 0x80, marker | 96, counter & 0xFFFF, number * 3000, 7)
                link.sendall(struct.pack("!cBH", b"$", 0, 12 + len(unit)) + head + unit)
                counter += 1


@contextmanager
def rtsp(count: int = 200) -> Iterator[Rtsp]:
    """An RTSP server that is gone, with its threads, at the end."""
    server = Rtsp(count)
    try:
        yield server
    finally:
        server.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
