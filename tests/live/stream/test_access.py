"""The doors, tried over real sockets: who gets in with which token, name, page and pace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from live.errors import SetupError
from live.frames import Frame
from live.latest import Latest
from live.stream import access_body, access_connections, server
from live.stream.access import Access, AccessSettings, Right, needs
from live.stream.access_caller import host_name, is_local, one_caller
from live.stream.access_connections import ConnectionLimits, Connections
from live.stream.access_limits import MOST_CALLERS, Allowance, Limiter
from live.stream.access_names import checked_names
from live.stream.access_pass import LASTS_S, Passes
from live.stream.access_tokens import Tokens
from live.stream.camera_link import CameraLink, interfaces, lan_address, outward_address
from live.stream.camera_page import add_camera
from live.stream.cors import CorsSettings
from live.stream.hub import Hub
from live.stream.mjpeg import Preview, add_preview
from live.stream.preview_settings import PreviewSettings
from live.stream.server import ServerSettings, ShowServer
from live.stream.viewers import ViewerLimits
from tests.live.stream.pattern import Performance
from tests.live.stream.watcher import SDP, Watcher

AFAR = {"X-Forwarded-For": "192.0.2.44"}
"""As nginx on this machine says of a viewer elsewhere."""

TOKENS = Tokens()
SECRETS = (TOKENS.viewer, TOKENS.camera, TOKENS.operator)


@pytest.fixture
def here() -> str:
    """This machine's address in its network."""
    found = lan_address(interfaces(), outward_address())
    if found is None:
        pytest.skip("this machine is in no network")
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def add_operator(app: web.Application) -> None:
    """A route that changes the show, as a console has them."""

    @needs(Right.OPERATOR)
    async def change(request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    app.router.add_post("/change", change)


@contextlib.contextmanager
def guarded(
    hub: Hub,
    host: str = "127.0.0.1",
    settings: ServerSettings | None = None,
    **access: object,
) -> Iterator[ShowServer]:
    settings = settings or ServerSettings()
    doors = AccessSettings(TOKENS, **access)  # type: ignore[arg-type]
    settings = replace(settings, host=host, port=0, access=doors)
    inbox: Latest[Frame] = Latest()
    preview = Preview(PreviewSettings(first_s=0.05), Latest())

    def more(app: web.Application) -> None:
        add_operator(app)
        add_preview(app, preview)
        add_camera(app, inbox, TOKENS.camera, link=lambda: CameraLink("http://x/", None))

    with ShowServer(settings, hub, lambda: {"fps": 30.0, "secret": 1}, more=[more]) as made:
        yield made


@pytest_asyncio.fixture
async def web_() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, body: str = "", **headers: str
) -> tuple[int, str]:
    async with session.request(method, url, data=body or None, headers=headers) as got:
        return got.status, await got.text()


PROTECTED = (
    ("POST", "whep", {"viewer", "operator"}),
    ("DELETE", "whep/nobody", {"viewer", "operator"}),
    ("GET", "status", {"viewer", "operator"}),
    ("GET", "preview.jpg", {"viewer", "operator"}),
    ("GET", "preview.mjpg", {"viewer", "operator"}),
    ("POST", "pass", {"viewer", "operator"}),
    ("POST", "camera/whip", {"camera"}),
    ("GET", "camera/whip/nobody", {"camera"}),
    ("DELETE", "camera/whip/nobody", {"camera"}),
    ("POST", "change", {"operator"}),
)


@pytest.mark.parametrize(("method", "path", "rights"), PROTECTED)
async def test_each_door_opens_to_its_own_token_alone(
    hub: Hub, web_: aiohttp.ClientSession, method: str, path: str, rights: set[str]
) -> None:
    with guarded(hub) as show:
        for right in ("viewer", "camera", "operator"):
            token = getattr(TOKENS, right)
            got, _ = await ask(web_, method, show.url + path, **AFAR, **bearer(token))
            assert (got not in (401, 403, 429)) == (right in rights), (right, got)
        for headers in ({}, bearer("wrong"), {"Authorization": f"Basic {TOKENS.operator}"}):
            got, text = await ask(web_, method, show.url + path, **AFAR, **headers)
            assert (got, "key is missing or wrong" in text) == (401, True)
        for query in (TOKENS.operator, TOKENS.viewer):
            url = f"{show.url}{path}?token={query}&access_token={query}#{query}"
            assert (await ask(web_, method, url, **AFAR))[0] == 401, "never in an address"


async def test_on_this_machine_the_demo_needs_no_token_to_watch_and_one_to_change(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    with guarded(hub) as show, Performance(hub):
        async with Watcher(show.url) as watcher:
            assert len(await watcher.pictures(2)) == 2
        assert (await ask(web_, "POST", show.url + "change"))[0] == 401
        status, text = await ask(web_, "GET", show.url + "status")
        assert status == 200
        assert "secret" in text


async def test_the_whole_status_is_for_the_operator(hub: Hub, web_: aiohttp.ClientSession) -> None:
    with guarded(hub) as show:
        _, told = await ask(web_, "GET", show.url + "status", **AFAR, **bearer(TOKENS.viewer))
        assert "fps" in told and "secret" not in told and "bitrate" not in told
        _, told = await ask(web_, "GET", show.url + "status", **AFAR, **bearer(TOKENS.operator))
        assert "secret" in told and "bitrate" in told


async def test_from_the_network_a_viewer_needs_the_token(
    hub: Hub, web_: aiohttp.ClientSession, here: str
) -> None:
    with guarded(hub, "0.0.0.0") as show:
        url = f"http://{here}:{show.port}/"
        assert (await ask(web_, "POST", url + "whep", **SDP))[0] == 401
        assert (await ask(web_, "POST", url + "whep", **SDP, **bearer(TOKENS.viewer)))[0] == 422
        assert (await ask(web_, "GET", url))[0] == 200, "the page is for all; its key is not sent"
    with guarded(hub, "0.0.0.0", anybody=True) as show:
        url = f"http://{here}:{show.port}/"
        assert (await ask(web_, "POST", url + "whep", **SDP))[0] == 422
        assert (await ask(web_, "POST", url + "change"))[0] == 401


async def test_without_tokens_an_operators_part_is_this_machines_alone(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    with ShowServer(ServerSettings(port=0), hub, dict, more=[add_operator]) as show:
        assert (await ask(web_, "POST", show.url + "change"))[0] == 204
        assert (await ask(web_, "POST", show.url + "change", **AFAR))[0] == 403


async def test_wrong_tokens_are_slowed_and_the_right_one_still_gets_in(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    with guarded(hub) as show:
        got = []
        for number in range(14):
            wrong = bearer(f"guess-{number}")
            got.append((await ask(web_, "POST", show.url + "change", **AFAR, **wrong))[0])
        assert got == [401] * 10 + [429] * 4
        async with web_.post(show.url + "change", headers=AFAR | bearer("more")) as answer:
            assert int(answer.headers["Retry-After"]) >= 1
        right = bearer(TOKENS.operator)
        assert (await ask(web_, "POST", show.url + "change", **AFAR, **right))[0] == 204
        other = {"X-Forwarded-For": "192.0.2.45"}
        assert (await ask(web_, "POST", show.url + "change", **other, **bearer("x")))[0] == 401


async def test_no_token_is_ever_logged_or_told(
    hub: Hub, web_: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = repr(AccessSettings(TOKENS)) + str(TOKENS)
    with guarded(hub) as show:
        for method, path, _ in PROTECTED:
            for token in (*SECRETS, *(f"a-guess-at-a-secret-{n}" for n in range(13))):
                got = await ask(web_, method, show.url + path, **AFAR, **bearer(token))
                seen += got[1]
    seen += caplog.text
    assert not any(secret in seen for secret in (*SECRETS, "a-guess-at-a-secret"))
    assert "many wrong tokens from 192.0.2.44" in caplog.text


# ---- the preview, for which no header can be sent ------------------------------------------


async def test_a_pass_opens_the_preview_and_nothing_else(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    with guarded(hub) as show:
        headers = AFAR | bearer(TOKENS.viewer)
        async with web_.post(show.url + "pass", headers=headers) as got:
            assert got.status == 204
            (cookie,) = got.cookies.values()
            said = got.headers["Set-Cookie"]
        assert "HttpOnly" in said and "SameSite=Strict" in said and "Path" not in said
        assert not any(secret in said for secret in SECRETS)
        given = {"Cookie": f"{cookie.key}={cookie.value}"}
        # 503: let in, and there is no picture yet.
        assert (await ask(web_, "GET", show.url + "preview.jpg", **AFAR, **given))[0] == 503
        for path in ("change", "whep", "camera/whip"):
            assert (await ask(web_, "POST", show.url + path, **AFAR, **given))[0] == 401
        forged = {"Cookie": f"{cookie.key}=9{cookie.value}"}
        assert (await ask(web_, "GET", show.url + "preview.jpg", **AFAR, **forged))[0] == 401


def test_a_pass_ends_and_is_of_one_server_only() -> None:
    now = [100.0]
    passes = Passes(lambda: now[0])
    made = passes.made()
    assert passes.good(made)
    assert not Passes(lambda: now[0]).good(made)
    for wrong in ("", ".", "9" * 400, "nan." + "0" * 64, made.replace(".", "0."), "é.ü"):
        assert not passes.good(wrong)
    now[0] += LASTS_S + 1
    assert not passes.good(made)


# ---- names and pages -----------------------------------------------------------------------


async def test_only_known_hosts_are_answered(
    hub: Hub, web_: aiohttp.ClientSession, here: str
) -> None:
    settings = ServerSettings(cors=CorsSettings(frozenset({"https://theatre.example"})))
    machine = socket.gethostname()
    with guarded(hub, "0.0.0.0", settings, names=frozenset({"show.example"})) as show:
        url = f"http://{here}:{show.port}/"
        for host, status in {
            here: 200,
            f"{here}:{show.port}": 200,
            f"{machine}:{show.port}": 200,
            f"{machine}.local": 200,
            "localhost": 200,
            "SHOW.example:1234": 200,
            "theatre.example": 200,
            "attacker.example": 403,
            "203.0.113.9": 403,
            "show.example.attacker.example": 403,
            "": 403,
            "[::1": 403,
            "a:b:c": 403,
            "show.example@attacker.example": 403,
        }.items():
            got, text = await ask(web_, "GET", url, Host=host)
            assert got == status, (host, text)


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: attacker.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
    ],
)
async def test_no_host_or_two_of_them_get_nothing(hub: Hub, head: str) -> None:
    with guarded(hub) as show:
        got = await raw(show.port, head.encode())
    assert got.split(b" ")[1] in (b"400", b"403"), got


async def test_pages_of_others_may_ask_for_nothing(hub: Hub, web_: aiohttp.ClientSession) -> None:
    with guarded(hub) as show:
        right = bearer(TOKENS.operator)
        for origin in ("http://attacker.example", "null", "http://[", "file://", ""):
            for method, path in (("GET", ""), ("POST", "change"), ("POST", "whep")):
                got = await ask(web_, method, show.url + path, Origin=origin, **right)
                assert got[0] == 403, (origin, method, path)
        own = show.url.rstrip("/")
        assert (await ask(web_, "POST", show.url + "change", Origin=own, **right))[0] == 204


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""]
)
@pytest.mark.parametrize("path", ["whep", "camera/whip"])
async def test_what_a_form_can_send_is_not_taken(
    hub: Hub, web_: aiohttp.ClientSession, path: str, kind: str
) -> None:
    with guarded(hub) as show:
        headers = {"Content-Type": kind} | bearer(TOKENS.camera)
        assert (await ask(web_, "POST", show.url + path, "v=0", **headers))[0] == 415
        packed = SDP | {"Content-Encoding": "gzip"} | bearer(TOKENS.camera)
        assert (await ask(web_, "POST", show.url + path, "v=0", **packed))[0] == 415


async def test_every_answer_has_the_policy_and_none_tells_our_versions(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    with guarded(hub) as show:
        for path in ("", "status", "nothing", "whep", "static/x", "camera", "preview.jpg"):
            async with web_.get(show.url + path) as got:
                assert "default-src 'none'" in got.headers["Content-Security-Policy"], path
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                assert got.headers["Server"] == "understudy"
                assert "Access-Control-Allow-Origin" not in got.headers


# ---- how much, how fast --------------------------------------------------------------------


async def raw(port: int, sent: bytes, patience_s: float = 20.0) -> bytes:
    """What a server says to `sent` until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with asyncio.timeout(patience_s):
            with contextlib.suppress(ConnectionError):
                return await reader.read()
    finally:
        writer.close()
    return b""


async def trickle(port: int, head: bytes) -> bytes:
    """`head`, and then a byte now and then for as long as the server bears it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    reading = asyncio.create_task(reader.read())
    try:
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                while not reading.done():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.wait([reading], timeout=0.1)
            with contextlib.suppress(ConnectionError):
                return await reading
    finally:
        reading.cancel()
        writer.close()
    return b""


async def test_heads_and_bodies_that_never_end_are_cut_off(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_S", 0.5)
    monkeypatch.setattr(access_body, "BODY_S", 0.5)
    with guarded(hub) as show:
        host = f"Host: 127.0.0.1:{show.port}\r\n".encode()
        assert await raw(show.port, b"") == b"", "one that says nothing"
        assert await trickle(show.port, b"GET / HTTP/1.1\r\n" + host + b"X: ") == b""
        again = b"GET /nothing HTTP/1.1\r\n" + host + b"\r\nGET / HTTP/1.1\r\nX: "
        assert (await trickle(show.port, again)).count(b"HTTP/1.1") == 1
        offer = b"POST /whep HTTP/1.1\r\nContent-Type: application/sdp\r\n" + host
        got = await trickle(show.port, offer + b"Content-Length: 5000\r\n\r\n")
        assert b" 408 " in got and b"did not come whole" in got
        ignored = b"GET / HTTP/1.1\r\nContent-Length: 5000\r\n" + host + b"\r\n"
        assert b" 200 " in await trickle(show.port, ignored)


async def test_one_address_holds_only_so_many_connections(
    hub: Hub, web_: aiohttp.ClientSession, here: str
) -> None:
    settings = ServerSettings(connections=ConnectionLimits(most=20, each=8))
    with guarded(hub, "0.0.0.0", settings) as show:
        idle = [await asyncio.open_connection(here, show.port) for _ in range(8)]
        with pytest.raises(aiohttp.ClientError):
            await ask(web_, "GET", f"http://{here}:{show.port}/")
        assert (await ask(web_, "GET", show.url))[0] == 200, "others are served meanwhile"
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.2)
        assert (await ask(web_, "GET", f"http://{here}:{show.port}/"))[0] == 200


def test_connections_are_counted_and_given_back() -> None:
    connections = Connections(ConnectionLimits(most=3, each=2))
    assert [connections.enter("a"), connections.enter("a"), connections.enter("a")] == [
        True,
        True,
        False,
    ]
    assert connections.enter("127.0.0.1")
    assert not connections.enter("127.0.0.1"), "all places are taken"
    connections.leave("a")
    assert connections.enter("b")
    for who in ("a", "b", "127.0.0.1"):
        connections.leave(who)
    assert len(connections) == 0
    assert access_connections.REQUEST_S == 10


async def test_offers_from_one_address_are_paced(hub: Hub, web_: aiohttp.ClientSession) -> None:
    settings = ServerSettings(limits=ViewerLimits(offers=Allowance(3, 0.5)))
    with guarded(hub, settings=settings) as show:
        headers = SDP | AFAR | bearer(TOKENS.viewer)
        got = [(await ask(web_, "POST", show.url + "whep", "v=0", **headers))[0] for _ in range(5)]
        assert got == [422, 422, 422, 429, 429]
        near = [(await ask(web_, "POST", show.url + "whep", "v=0", **SDP))[0] for _ in range(5)]
        assert near == [422] * 5, "this machine itself is trusted"


async def test_two_sections_with_one_name_are_refused_and_hold_no_place(
    hub: Hub, web_: aiohttp.ClientSession
) -> None:
    viewer = Watcher("", sound=True)
    offer = re.sub(r"a=mid:\d", "a=mid:1", await viewer.offer())
    await viewer.connection.close()
    with guarded(hub, settings=ServerSettings(limits=ViewerLimits(most=1))) as show:
        for _ in range(3):
            status, text = await ask(web_, "POST", show.url + "whep", offer, **SDP)
            assert (status, "contradicts itself" in text) == (400, True)
        assert hub.counts.viewers == 0


async def test_one_address_has_only_so_many_viewers(hub: Hub, web_: aiohttp.ClientSession) -> None:
    settings = ServerSettings(limits=ViewerLimits(each=2))
    viewer = Watcher("")
    offer = await viewer.offer()
    await viewer.connection.close()
    with guarded(hub, settings=settings) as show:
        headers = SDP | AFAR | bearer(TOKENS.viewer)
        got = [await ask(web_, "POST", show.url + "whep", offer, **headers) for _ in range(3)]
        assert [status for status, _ in got] == [201, 201, 503]
        assert "2 viewers from 192.0.2.44 watch already" in got[2][1]
        headers |= {"X-Forwarded-For": "192.0.2.45"}
        assert (await ask(web_, "POST", show.url + "whep", offer, **headers))[0] == 201


def test_a_limiter_lets_a_burst_through_then_a_trickle_and_forgets() -> None:
    now = [0.0]
    limiter = Limiter(Allowance(2, 0.5), lambda: now[0])
    assert [limiter.wait_s("a"), limiter.wait_s("a"), limiter.wait_s("a")] == [0.0, 0.0, 2.0]
    now[0] = 1.0
    assert limiter.wait_s("a") == 1.0
    now[0] = 2.0
    assert limiter.wait_s("a") == 0.0
    for number in range(MOST_CALLERS + 50):
        limiter.wait_s(str(number))
    assert len(limiter) == MOST_CALLERS


# ---- small things --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, ""),
        ("nobody", "nobody"),
    ],
)
def test_a_network_counts_as_one_caller(address: str | None, counted: str) -> None:
    assert one_caller(address) == counted


def test_what_is_this_machine() -> None:
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert is_local(name)
    for other in (None, "", "localhost.attacker.example", "0.0.0.0", "192.0.2.1", "127.0.0.1."):
        assert not is_local(other)


@pytest.mark.parametrize(
    ("netloc", "name"),
    [
        ("Show.example:80", "show.example"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("[x]", None),
        ("a]", None),
        ("::1", None),
        ("a:x", None),
        ("a@b", None),
        ("", None),
        (":80", None),
    ],
)
def test_the_name_in_a_host(netloc: str, name: str | None) -> None:
    assert host_name(netloc) == name


def test_settings_that_make_no_sense_are_refused() -> None:
    for name in ("*", "a:80", "http://a", "a b", ""):
        with pytest.raises(SetupError, match="--name"):
            checked_names([name])
    assert checked_names(["Show.Example"]) == {"show.example"}
    assert Access(AccessSettings(TOKENS)) is not None
