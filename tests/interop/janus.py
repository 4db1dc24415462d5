"""Janus, Debian's own, with its videoroom, and the doors that a show needs: WHIP in, viewers out.

Janus by itself speaks no WHIP. Meetecho's server for that is in no registry, so a small front does
the same here, over Janus' WebSocket API (https://janus.conf.meetecho.com/docs/rest.html).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.interop.service import Service, free_tcp_port, program

H264_ROOM, VP8_ROOM = 1, 2

SDP = "application/sdp"

_LIBRARIES = Path("/usr/lib")

_MAIN = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{library}/plugins"
    transports_folder = "{library}/transports"
    events_folder = "{library}/events"
    loggers_folder = "{library}/loggers"
    admin_secret = "{secret}"
    debug_level = 4
    debug_colors = false
}}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""

_SOCKET = """
general: {{ json = "compact", ws = true, ws_ip = "127.0.0.1", ws_port = {port}, wss = false }}
admin: {{ admin_ws = false, admin_wss = false }}
"""

_ROOMS = f"""
room-{H264_ROOM}: {{
    description = "h264", publishers = 1, videocodec = "h264", h264_profile = "42e01f"
    notify_joining = false
}}
room-{VP8_ROOM}: {{ description = "vp8", publishers = 1, videocodec = "vp8" }}
"""


def janus_service(folder: Path, address: str) -> tuple[Service, str]:
    """Janus with two rooms, and the address of its API. It never gathers loopback candidates."""
    binary = program("janus", "janus")
    library = next(_LIBRARIES.glob("*/janus/plugins")).parent
    port = free_tcp_port()
    others = {
        kind: ",".join(path.name for path in (library / kind).glob("*.so") if keep not in path.name)
        for kind, keep in (("plugins", "videoroom"), ("transports", "websockets"))
    }
    files = {
        "janus.jcfg": _MAIN.format(
            folder=folder, library=library, secret=secrets.token_hex(8), address=address, **others
        ),
        "janus.transport.websockets.jcfg": _SOCKET.format(port=port),
        "janus.plugin.videoroom.jcfg": _ROOMS,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    command = [binary, "-F", str(folder), "-C", str(folder / "janus.jcfg")]
    return Service(command, folder, ("127.0.0.1", port)), f"ws://127.0.0.1:{port}/"


class JanusError(Exception):
    """What Janus refused, in its own words."""


class JanusApi:
    """A session at Janus."""

    def __init__(self, url: str) -> None:
        self.events: list[Mapping[str, Any]] = []  # what Janus told unasked: webrtcup, hangup
        self._url = url
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session = 0

    async def __aenter__(self) -> JanusApi:
        self._web = aiohttp.ClientSession()
        self._socket = await self._web.ws_connect(self._url, protocols=["janus-protocol"])
        self._reader = asyncio.create_task(self._read())
        self._session = (await self.ask({"janus": "create"}))["data"]["id"]
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._keeper, self._reader):
            task.cancel()
        await asyncio.wait({self._keeper, self._reader})
        await self._socket.close()
        await self._web.close()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            told = json.loads(message.data)
            waiting = self._asked.get(told.get("transaction", ""))
            if waiting is None:
                self.events.append(told)
            elif told["janus"] != "ack" and not waiting.done():
                waiting.set_result(told)

    async def _keep(self) -> None:
        """Janus forgets a session that is silent for a minute."""
        while True:
            await asyncio.sleep(20)
            with contextlib.suppress(ConnectionError):
                await self._send({"janus": "keepalive", "transaction": secrets.token_hex(8)})

    async def _send(self, body: Mapping[str, Any]) -> None:
        whole = {**body, "session_id": self._session} if self._session else body
        await self._socket.send_json(whole)

    async def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """One request and what comes of it. Raises `JanusError`."""
        number = secrets.token_hex(8)
        waiting = asyncio.get_running_loop().create_future()
        self._asked[number] = waiting
        try:
            await self._send({**body, "transaction": number})
            told: dict[str, Any] = await asyncio.wait_for(waiting, 10.0)
        finally:
            del self._asked[number]
        data = told.get("plugindata", {}).get("data", {})
        if told["janus"] == "error" or "error" in data:
            raise JanusError(str(told.get("error") or data["error"]))
        return told

    async def attach(self) -> int:
        """A new handle on the videoroom."""
        asked = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        return int((await self.ask(asked))["data"]["id"])

    async def detach(self, handle: int) -> None:
        await self.ask({"janus": "detach", "handle_id": handle})

    async def tell(
        self, handle: int, body: Mapping[str, Any], kind: str = "", sdp: str = ""
    ) -> dict[str, Any]:
        """A request to the videoroom, with an offer or answer where `kind` says which."""
        asked: dict[str, Any] = {"janus": "message", "handle_id": handle, "body": body}
        if kind:
            asked["jsep"] = {"type": kind, "sdp": sdp}
        return await self.ask(asked)

    async def publishers(self, room: int) -> list[int]:
        """Who publishes in `room`."""
        handle = await self.attach()
        try:
            told = await self.tell(handle, {"request": "listparticipants", "room": room})
        finally:
            await self.detach(handle)
        found = told["plugindata"]["data"]["participants"]
        return [int(one["id"]) for one in found if one["publisher"]]

    def receives(self, handle: int) -> bool:
        """Whether pictures of that publisher have come to Janus."""
        told = [one for one in self.events if one.get("sender") == handle]
        return any(one["janus"] == "media" and one["receiving"] for one in told)

    async def subscribe(self, room: int) -> tuple[int, str]:
        """A viewer of the room's publisher: its handle, and Janus' offer."""
        publisher = (await self.publishers(room))[0]
        handle = await self.attach()
        body = {
            "request": "join",
            "ptype": "subscriber",
            "room": room,
            "streams": [{"feed": publisher}],
        }
        return handle, str((await self.tell(handle, body))["jsep"]["sdp"])

    async def begin(self, handle: int, answer: str) -> None:
        """The viewer's answer; pictures come from then on."""
        await self.tell(handle, {"request": "start"}, "answer", answer)


class WhipFront:
    """WHIP for Janus' rooms: `POST /whip/<room>`, `DELETE /session/<id>`, a bearer token."""

    def __init__(self, api: JanusApi, token: str, port: int = 0) -> None:
        self.port = port  # 0: any free one
        self.asked: list[tuple[str, int]] = []  # (method, status) of each request
        self._api = api
        self._token = token
        self._handles: dict[str, int] = {}
        self.url = ""

    async def __aenter__(self) -> WhipFront:
        app = web.Application()
        app.router.add_post("/whip/{room}", self._publish)
        app.router.add_delete("/session/{id}", self._end)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{self.port}/whip/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def on_air(self) -> bool:
        """Whether the newest publisher's pictures come to Janus."""
        return bool(self._handles) and self._api.receives([*self._handles.values()][-1])

    async def _publish(self, request: web.Request) -> web.Response:
        response = await self._answer(request)
        self.asked.append(("POST", response.status))
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.Response(status=401)
        body = {
            "request": "joinandconfigure",
            "ptype": "publisher",
            "room": int(request.match_info["room"]),
            "display": "the show",
        }
        handle = await self._api.attach()
        try:
            told = await self._api.tell(handle, body, "offer", await request.text())
        except JanusError as error:
            await self._api.detach(handle)
            return web.Response(status=406, text=str(error))
        session = secrets.token_urlsafe(8)
        self._handles[session] = handle
        return web.Response(
            status=201,
            text=told["jsep"]["sdp"],
            content_type=SDP,
            headers={"Location": f"/session/{session}"},
        )

    async def _end(self, request: web.Request) -> web.Response:
        await self._api.detach(self._handles.pop(request.match_info["id"]))
        self.asked.append(("DELETE", 200))
        return web.Response()
