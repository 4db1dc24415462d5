"""HTTP for the fuzzing: a real server with all its routes, and what a stranger could send to it."""

from __future__ import annotations

import random
import select
import socket
import string
from typing import cast

from aiohttp import web

from benchmarks.fuzz_errors import Errors
from benchmarks.fuzz_mutate import ODD_LARGE, ODD_TEXTS, spoiled_bytes, spoiled_lines
from benchmarks.fuzz_offers import offers
from benchmarks.fuzz_target import LetInError, Verdict
from live.frames import Frame, Picture
from live.latest import Latest
from live.stream.access import AccessSettings, Right, needs
from live.stream.access_tokens import Tokens
from live.stream.camera_link import CameraLink
from live.stream.camera_page import add_camera
from live.stream.hub import Hub
from live.stream.mjpeg import Preview, add_preview
from live.stream.preview_settings import PreviewSettings
from live.stream.server import ServerSettings, ShowServer
from live.stream.viewers import ViewerLimits

PATIENCE_S = 5.0
MARK = b"changed-by-a-stranger"

LOGS = ("aiohttp.server", "asyncio", "live.stream.server")
"""Where a handler's failure is written."""

_PATHS = (
    "", "whep", "whep/x", "status", "static/viewer.js", "static/x", "preview.jpg", "preview.mjpg",
    "pass", "camera", "camera/whip", "camera/whip/x", "camera/link", "camera/static/camera.js",
    "change", "nothing", "static/..%2f..%2fserver.py", "static//etc/passwd", "camera/whip/../link",
)  # fmt: skip
_METHODS = ("GET", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "PUT", "TRACE", "CONNECT", "BREW")
_PROTECTED = (b"/change", b"/camera/whip")


class Requests:
    """Raw requests over real sockets. No input has a right token, so none may change anything."""

    name, share = "http", 0.1

    def __init__(self) -> None:
        self._offers = offers()
        self._hub = Hub()
        self._errors = Errors(LOGS)
        settings = ServerSettings(
            port=0,
            limits=ViewerLimits(most=4, connect_s=0.5, silence_s=0.5),
            access=AccessSettings(Tokens()),
        )
        self._server = ShowServer(settings, self._hub, dict, more=[self._routes])
        self._server.start()

    def make(self, rng: random.Random) -> object:
        body = self._body(rng)
        method, path = rng.choice(_METHODS), rng.choice(_PATHS)
        if rng.random() < 0.6:
            method, path = rng.choice((("POST", "whep"), ("POST", "camera/whip"), ("GET", path)))
        head = "".join(f"{name}: {value}\r\n" for name, value in self._headers(rng, len(body)))
        whole = f"{method} /{path} HTTP/1.{rng.choice('1110')}\r\n{head}\r\n".encode(
            "utf-8", "surrogatepass"
        )
        if rng.random() < 0.5:
            return whole + body
        if rng.random() < 0.5:
            text = spoiled_lines(rng, whole.decode("utf-8", "replace"))
            return text.encode("utf-8", "surrogatepass") + body
        return spoiled_bytes(rng, whole + body)

    def feed(self, given: object) -> Verdict:
        sent = cast(bytes, given)
        answer = self._exchange(sent)
        if self._errors.seen:
            raise RuntimeError(f"the server logged {self._errors.take()}")
        if b"\r\nexpect:" in sent.lower() and answer.startswith(b"HTTP/1.1 500 "):
            return Verdict.REFUSED  # aiohttp 3.14.5: an Expect that is no UTF-8 is refused as 500
        statuses = [int(part[2:5]) for part in answer.split(b"HTTP/1.")[1:] if part[2:5].isdigit()]
        if any(status >= 500 and status not in (501, 503, 505) for status in statuses):
            raise RuntimeError(f"the server answered {statuses}")
        if MARK in answer:
            raise LetInError("a stranger changed the show")
        first = sent.split(b" ", 2)[1:2]
        if first and first[0].startswith(_PROTECTED) and statuses[:1] in ([200], [201]):
            raise LetInError(f"{first[0]!r} answered {statuses[0]}")
        return Verdict.TAKEN if any(200 <= one < 300 for one in statuses) else Verdict.REFUSED

    def close(self) -> None:
        self._server.close()
        self._hub.close()
        self._errors.close()

    def _exchange(self, sent: bytes) -> bytes:
        """What comes back until the server closes. Half of a request is ended by us."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self._server.port), PATIENCE_S) as link:
            try:
                link.sendall(sent)
                if not select.select([link], [], [], 0.03)[0]:
                    link.shutdown(socket.SHUT_WR)
                while len(answer) < 1 << 20 and (more := link.recv(65_536)):
                    answer += more
                    if not select.select([link], [], [], 0.01)[0]:
                        link.shutdown(socket.SHUT_WR)
            except (ConnectionError, BrokenPipeError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise TimeoutError("no answer and no end of the connection") from error
        return answer

    def _headers(self, rng: random.Random, length: int) -> list[tuple[str, str]]:
        found = [("Host", f"127.0.0.1:{self._server.port}")]
        if rng.random() < 0.9:
            found.append(("Connection", "close"))
        if length or rng.random() < 0.1:
            odd = rng.random() < 0.05
            found.append(("Content-Length", str(rng.choice(ODD_LARGE) if odd else length)))
        kinds = ("application/sdp", "application/sdp; charset=x", "text/plain", "application/json")
        found.append(("Content-Type", rng.choice(kinds)))
        for name in ("Origin", "Authorization", "X-Forwarded-For", "Cookie", "Range", "Expect"):
            if rng.random() < 0.15:
                found.append((name, self._value(rng, name)))
        if rng.random() < 0.1:
            name = "".join(rng.choice(string.printable) for _ in range(rng.choice((1, 8))))
            found.append((name, rng.choice(ODD_TEXTS)))
        if rng.random() < 0.03:
            found[0] = ("Host", rng.choice(ODD_TEXTS))
        rng.shuffle(found)
        return found

    def _value(self, rng: random.Random, name: str) -> str:
        odd = rng.choice(ODD_TEXTS)
        likely = {
            "Origin": ("http://attacker.example", "null", "http://[", f"http://{odd}"),
            "Authorization": ("Bearer", f"Bearer {odd}", "Basic x", f"{odd} {odd}"),
            "X-Forwarded-For": ("192.0.2.1", f"192.0.2.1, {odd}", "::1%x", odd),
            "Cookie": (f"understudy-pass={odd}", f"a={odd}; b", "=;=", odd),
            "Range": ("bytes=0-", "bytes=9-1", odd),
            "Expect": ("100-continue", odd),
        }[name]
        return rng.choice(likely)

    def _body(self, rng: random.Random) -> bytes:
        if rng.random() < 0.3:
            return b""
        if rng.random() < 0.1:
            return rng.randbytes(rng.choice((1, 100, 70_000)))
        offer = rng.choice(self._offers)
        return spoiled_lines(rng, offer, self._offers).encode("utf-8", "surrogatepass")

    def _routes(self, app: web.Application) -> None:
        inbox: Latest[Frame] = Latest()
        pictures: Latest[Picture] = Latest()
        add_camera(app, inbox, Tokens().camera, link=lambda: CameraLink("http://x/", None))
        add_preview(app, Preview(PreviewSettings(first_s=0.01), pictures))

        @needs(Right.OPERATOR)
        async def change(request: web.Request) -> web.StreamResponse:
            return web.Response(body=MARK)

        app.router.add_route("*", "/change", change)
