from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import time
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from live.errors import SetupError, StreamError
from live.frames import Picture
from live.stream.hub import Hub
from live.stream.network import NetworkSettings
from live.stream.whip import WhipPublisher
from live.stream.whip_settings import WhipSettings, add_whip_arguments, wait_s, whip_settings
from tests.live.stream.endpoint import Asked, Endpoint, Misdeed, answers, breaks_off, hangs
from tests.live.stream.pattern import Performance, pattern, psnr_db, read_number
from tests.live.stream.test_network import free_ports
from tests.live.stream.test_whep import until

TOKEN = "t0ken-of-ours"
BEARER = f"Bearer {TOKEN}"


@contextlib.asynccontextmanager
async def publishing(
    hub: Hub, url: str, network: NetworkSettings | None = None, **how: Any
) -> AsyncIterator[WhipPublisher]:
    """Publishes to `url` on this test's own loop."""
    patience: dict[str, Any] = {"first_wait_s": 0.05, "longest_wait_s": 0.1, "farewell_s": 1.0}
    publisher = WhipPublisher(hub, WhipSettings(url, TOKEN, **(patience | how)), network)
    work = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        work.cancel()
        await asyncio.wait({work})
        assert work.cancelled() or work.exception() is None


def assert_it_plays(seen: list, show: Performance) -> None:
    numbers = [read_number(picture) for picture in seen]
    assert numbers == sorted(set(numbers)), "each picture once, in order"
    assert numbers[-1] <= show.published
    for number, picture in zip(numbers, seen, strict=True):
        assert psnr_db(pattern(number), picture) > 27


@pytest.mark.parametrize("location", ["session/{}", "/elsewhere/{}", "{root}far/{}", "?id=/{}"])
async def test_the_endpoint_sees_what_is_published(hub: Hub, location: str) -> None:
    async with Endpoint(location=location) as endpoint:
        with Performance(hub) as show:
            async with publishing(hub, endpoint.url) as publisher:
                await until(lambda: publisher.says == "publishing")
                assert_it_plays(await endpoint.pictures(10), show)
                assert hub.counts.viewers == 1
        assert hub.counts.viewers == 0
        posted, ended = endpoint.asked
        assert (posted.method, posted.path, posted.token) == ("POST", "/whip/stage", BEARER)
        assert posted.kind == "application/sdp"
        assert (ended.method, ended.token) == ("DELETE", BEARER)
        assert publisher.says == "ended"


async def test_the_offer_is_whole(hub: Hub) -> None:
    async with Endpoint() as endpoint, publishing(hub, endpoint.url):
        await until(lambda: endpoint.offers)
        offer = endpoint.offers[0]
    for line in ("a=sendonly", "a=setup:actpass", "a=candidate:", "a=end-of-candidates",
                 "a=group:BUNDLE", "a=rtcp-mux", "playout-delay", " H264/90000"):  # fmt: skip
        assert line in offer
    assert "VP8" not in offer


async def test_it_runs_on_a_thread_of_its_own_too(hub: Hub) -> None:
    async with Endpoint() as endpoint:
        with Performance(hub):
            publisher = WhipPublisher(hub, WhipSettings(endpoint.url, TOKEN))
            publisher.close()  # before start: nothing
            publisher.start()
            await until(lambda: publisher.says == "publishing")
            assert len(await endpoint.pictures(3)) == 3
            await asyncio.to_thread(publisher.close)
            await asyncio.to_thread(publisher.close)
        assert len(endpoint.farewells()) == 1
        assert publisher.says == "ended"
        assert hub.counts.viewers == 0


async def test_the_end_of_the_show_ends_the_session(hub: Hub) -> None:
    async with Endpoint() as endpoint:
        publisher = WhipPublisher(hub, WhipSettings(endpoint.url, first_wait_s=0.05))
        with Performance(hub), publisher:
            await until(lambda: publisher.says == "publishing")
            hub.close()
            await until(lambda: publisher.says == "ended")
        assert len(endpoint.farewells()) == 1
        assert endpoint.posts()[0].token is None  # none was given


async def test_packets_leave_from_the_named_port(hub: Hub) -> None:
    ports = free_ports(1)
    network = NetworkSettings(udp_ports=ports, interfaces=("127.0.0.1",))
    async with Endpoint() as endpoint, publishing(hub, endpoint.url, network):
        with Performance(hub):
            await until(lambda: endpoint.sessions)
            assert len(await endpoint.pictures(2)) == 2
        lines = [line for line in endpoint.offers[0].splitlines() if "candidate:" in line]
        assert [line.split()[4:6] for line in lines] == [["127.0.0.1", str(ports[0])]]


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_at_home_keeps_the_token(hub: Hub, status: int) -> None:
    home = answers(status, headers={"Location": "/other/door"})
    async with Endpoint(home) as endpoint:
        with Performance(hub):
            async with publishing(hub, endpoint.url):
                await until(lambda: endpoint.sessions)
                await endpoint.pictures(2)
        seen = [(one.method, one.path, one.token) for one in endpoint.asked]
    assert seen == [
        ("POST", "/whip/stage", BEARER),
        ("POST", "/other/door", BEARER),
        ("DELETE", "/other/session/0", BEARER),
    ]


async def test_a_redirect_to_another_origin_gets_no_token(hub: Hub) -> None:
    async with Endpoint() as other:
        away = answers(307, headers={"Location": other.url})
        async with Endpoint(away) as endpoint:
            with Performance(hub):
                async with publishing(hub, endpoint.url):
                    await until(lambda: other.sessions)
                    await other.pictures(2)
        assert [one.token for one in endpoint.asked] == [BEARER]
    assert [(one.method, one.token) for one in other.asked] == [("POST", None), ("DELETE", None)]


async def test_a_session_at_another_origin_gets_no_token(hub: Hub) -> None:
    async with Endpoint() as other:
        other.sessions.append(None)  # type: ignore[arg-type]
        async with Endpoint(location=other.root + "s/{}") as endpoint:
            with Performance(hub):
                async with publishing(hub, endpoint.url):
                    await until(lambda: endpoint.sessions)
                    await endpoint.pictures(1)
        other.sessions.clear()
    assert [(one.method, one.token) for one in other.asked] == [("DELETE", None)]


_HERE = {"Location": "/session/0"}
_NO_VIDEO = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
_REFUSES = _NO_VIDEO + "m=video 0 UDP/TLS/RTP/SAVPF 97\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"

BAD: dict[str, tuple[Misdeed, str]] = {
    "401": (answers(401), "answered 401: the token is missing or wrong"),
    "403": (answers(403), "answered 403: the token may not publish"),
    "404": (answers(404), "answered 404: there is no such stream"),
    "418": (answers(418), "answered 418: that is no answer of WHIP"),
    "500": (answers(500), "answered 500: it is broken for the moment"),
    "502": (answers(502, "<html>", "text/html"), "answered 502: it is broken"),
    "503": (answers(503, headers={"Retry-After": "0"}), "answered 503: it has no room"),
    "200": (answers(200, _NO_VIDEO, headers=_HERE), "answered 200: that is no answer of WHIP"),
    "301": (answers(301, headers={"Location": "/x"}), "redirects with 301, which makes a GET"),
    "nowhere": (answers(307), "redirects without saying where to"),
    "ftp": (answers(307, headers={"Location": "ftp://x/y"}), "'ftp://x/y', which is no HTTP"),
    "port": (answers(307, headers={"Location": "http://x:y/"}), "which is no address"),
    "html": (answers(201, "<html>", "text/html", _HERE), "answered 201 with text/html"),
    "no location": (answers(201, _NO_VIDEO), "answered 201 without a Location"),
    "garbage": (answers(201, "v=0\r\nm=video\r\n", headers=_HERE), "is not SDP that can be read"),
    "noise": (answers(201, "\x00\x01\x02" * 99, headers=_HERE), "has no video section"),
    "empty": (answers(201, "", headers=_HERE), "has no video section"),
    "no video": (answers(201, _NO_VIDEO, headers=_HERE), "has no video section"),
    "refused": (answers(201, _REFUSES, headers=_HERE), "takes no H264 video from us"),
    "enormous": (answers(201, "a" * 65_537, headers=_HERE), "an answer of more than 65536 bytes"),
    "lines": (answers(201, "a\n" * 1001, headers=_HERE), "has 1001 lines"),
    "hangs": (hangs, "did not answer within 0.5 s"),
    "breaks off": (breaks_off, "cannot be reached"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_endpoint_is_told_once_and_tried_again(
    hub: Hub, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    misdeed, words = BAD[what]
    async with Endpoint(misdeed, misdeed, misdeed, misdeed) as endpoint:
        endpoint.sessions.append(None)  # type: ignore[arg-type]
        with Performance(hub) as show:
            async with publishing(hub, endpoint.url, answer_s=0.5) as publisher:
                await until(lambda: publisher.says == "publishing")
                assert_it_plays(await endpoint.pictures(3), show)
        del endpoint.sessions[0]
    told = [one.getMessage() for one in caplog.records if words in one.getMessage()]
    assert len(told) == 1
    assert "the show goes on, and tries again" in told[0]
    assert all(TOKEN not in one.getMessage() for one in caplog.records)
    assert hub.counts.viewers == 0


async def test_a_redirect_without_end_is_left(hub: Hub) -> None:
    circle = answers(307, headers={"Location": "/whip/stage"})
    async with Endpoint(*[circle] * 6) as endpoint, publishing(hub, endpoint.url) as publisher:
        with Performance(hub):
            await until(lambda: "redirects more than 5 times" in publisher.says)
            await until(lambda: publisher.says == "publishing")


async def test_an_endpoint_that_is_not_there_yet(hub: Hub) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Performance(hub):
        async with publishing(hub, f"http://127.0.0.1:{port}/whip/stage") as publisher:
            await until(lambda: "cannot be reached" in publisher.says)
            async with Endpoint(port=port) as endpoint:
                await until(lambda: endpoint.sessions)
                assert len(await endpoint.pictures(2)) == 2


async def test_a_session_that_the_endpoint_ends_is_begun_again(hub: Hub) -> None:
    async with Endpoint() as endpoint, publishing(hub, endpoint.url):
        with Performance(hub):
            for session in (1, 2, 3):
                await until(lambda session=session: len(endpoint.sessions) == session)
                assert len(await endpoint.pictures(2)) == 2
                await endpoint.sessions[-1].close()


async def test_an_sfu_that_falls_silent_is_left(hub: Hub) -> None:
    async with Endpoint() as endpoint, publishing(hub, endpoint.url, silence_s=2.5) as publisher:
        with Performance(hub):
            await until(lambda: endpoint.sessions)
            await endpoint.pictures(2)
            receiver = endpoint.sessions[0].getReceivers()[0]

            async def silence(*_: object) -> None:
                pass

            agent = receiver.transport.transport._connection
            setattr(agent, "sendto", silence)  # noqa: B010 (mypy refuses `=`)
            await until(lambda: len(endpoint.sessions) == 2)
            assert len(await endpoint.pictures(2)) == 2
            assert publisher.says == "publishing"


async def test_a_media_server_that_cannot_be_reached_is_said(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    async with Endpoint() as endpoint:
        endpoint.changed = lambda answer: answer.replace("a=ice-pwd:", "a=ice-pwd:x")
        async with publishing(hub, endpoint.url, connect_s=0.3) as publisher:
            await until(lambda: "no packets pass to its media server" in publisher.says)
            endpoint.changed = lambda answer: answer
            with Performance(hub):
                await until(lambda: publisher.says == "publishing")
        told = [one for one in caplog.records if "no packets pass" in one.getMessage()]
    assert len(told) == 1


async def test_an_answer_with_a_false_fingerprint_gets_no_picture(hub: Hub) -> None:
    """Whoever stands between and answers in the SFU's place has another certificate."""

    def falsified(answer: str) -> str:
        return re.sub(r"(a=fingerprint:\S+) ..:..", r"\1 00:00", answer)

    async with Endpoint() as endpoint:
        endpoint.changed = falsified
        async with publishing(hub, endpoint.url, connect_s=2.0) as publisher:
            with Performance(hub):
                await until(lambda: "no packets pass to its media server" in publisher.says)
                assert not endpoint.sessions[0].getReceivers()[0].getSynchronizationSources()
                endpoint.changed = lambda answer: answer
                await until(lambda: publisher.says == "publishing")


@pytest.mark.parametrize(
    "farewell", [hangs, answers(500), answers(307, headers={"Location": "/session/0"}), breaks_off]
)
async def test_an_endpoint_that_does_not_let_go_holds_nothing_up(
    hub: Hub, farewell: Misdeed
) -> None:
    class Clinging(Endpoint):
        async def _serve(self, request: web.Request) -> web.StreamResponse:
            if request.method == "DELETE":
                self.asked.append(Asked("DELETE", request.path, None, ""))
                return await farewell(request)
            return await super()._serve(request)

    async with Clinging() as endpoint:
        with Performance(hub):
            async with publishing(hub, endpoint.url, farewell_s=0.3) as publisher:
                await until(lambda: publisher.says == "publishing")
        assert endpoint.farewells()
        assert publisher.says == "ended"
        assert hub.counts.viewers == 0


async def test_an_endpoint_without_h264_gets_vp8(hub: Hub) -> None:
    async with Endpoint(codec="VP8") as endpoint, publishing(hub, endpoint.url):
        with Performance(hub) as show:
            await until(lambda: len(endpoint.sessions) == 2)
            assert_it_plays(await endpoint.pictures(5), show)
        assert "H264" in endpoint.offers[0]
        assert "VP8" in endpoint.offers[1]
        assert "H264" not in endpoint.offers[1]


async def test_used_up_ports_leave_the_show_alone(hub: Hub) -> None:
    ports = free_ports(1)
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", ports[0]))
    network = NetworkSettings(udp_ports=ports, interfaces=("127.0.0.1",))
    async with Endpoint() as endpoint, publishing(hub, endpoint.url, network) as publisher:
        await until(lambda: "give --udp-ports a wider range" in publisher.says)
        assert not endpoint.asked
        taken.close()
        with Performance(hub):
            await until(lambda: publisher.says == "publishing")


async def test_a_capture_clock_that_jumps_is_ridden_out(hub: Hub) -> None:
    stop = asyncio.Event()

    def publish() -> None:
        jumps_s = (0.0, 86_400.0, -86_400.0, 0.0)
        for number in range(10_000):
            if stop.is_set():
                return
            time.sleep(1 / 30)  # the performer's own pace
            captured_s = time.monotonic() + jumps_s[number // 15 % 4]
            hub.publish(Picture(pattern(number), captured_s, number, "generated"))

    async with Endpoint() as endpoint, publishing(hub, endpoint.url) as publisher:
        work = asyncio.create_task(asyncio.to_thread(publish))
        await until(lambda: endpoint.sessions)
        numbers = [read_number(one) for one in await endpoint.pictures(75)]
        stop.set()
        await work
        assert publisher.says == "publishing"
        assert numbers == sorted(set(numbers))
        assert numbers[-1] - numbers[0] >= 60, "over each of the jumps"


@given(st.integers(1, 10**6))
def test_the_waits_grow_and_are_bounded(failures: int) -> None:
    settings = WhipSettings("http://x/")
    assert 0.5 <= wait_s(failures, settings) <= wait_s(failures + 1, settings) <= 30.0
    assert [wait_s(one, settings) for one in (1, 2, 3, 8)] == [0.5, 1.0, 2.0, 30.0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("stage", "is no address; give https://HOST/PATH"),
        ("ftp://x/y", "is no address; give https://HOST/PATH"),
        ("https://", "is no address"),
        ("https://x:port/", "is no address"),
        ("https://me@x/whip", "where every process can read it"),
        ("https://:s3cret@x/whip", "where every process can read it"),
    ],
)
def test_addresses_that_cannot_work(url: str, words: str) -> None:
    with pytest.raises(StreamError, match=words) as caught:
        WhipSettings(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["s3cret\r\nX: y", "s3cret\x00", "s3crét"])
def test_a_token_that_no_header_carries(token: str) -> None:
    with pytest.raises(StreamError, match="no HTTP header can carry") as caught:
        WhipSettings("https://x/", token)
    assert token not in str(caught.value)


def parsed(line: str, environment: dict[str, str] | None = None) -> WhipSettings | None:
    parser = ArgumentParser()
    add_whip_arguments(parser)
    return whip_settings(parser.parse_args(line.split()), environment or {})


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    variable = {"UNDERSTUDY_WHIP_TOKEN": "from-the-environment"}
    assert parsed("") is None
    assert parsed("--whip https://x/y") == WhipSettings("https://x/y")
    assert parsed("--whip https://x/y", variable) == WhipSettings(
        "https://x/y", variable.popitem()[1]
    )
    found = parsed(f"--whip https://x/y --whip-token-file {file}", variable)
    assert found == WhipSettings("https://x/y", TOKEN)
    assert TOKEN not in repr(found)
    with pytest.raises(SetupError, match="without --whip"):
        parsed(f"--whip-token-file {file}")
    with pytest.raises(SetupError, match="none cannot be read"):
        parsed(f"--whip https://x/y --whip-token-file {tmp_path}/none")
    file.write_text(" \n")
    with pytest.raises(SetupError, match="is empty"):
        parsed(f"--whip https://x/y --whip-token-file {file}")


def test_an_address_that_is_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("https://sfu.example/s3cret/publish\n")
    found = parsed(f"--whip @{file}")
    assert found == WhipSettings("https://sfu.example/s3cret/publish", private=True)
    assert "s3cret" not in repr(found)
    for text in ("s3cret", "ftp://x/s3cret", "https://x:s3cret/"):
        file.write_text(text)
        with pytest.raises(StreamError, match="what --whip's file holds is no address") as caught:
            parsed(f"--whip @{file}")
        assert "s3cret" not in str(caught.value)
    file.write_text("")
    with pytest.raises(SetupError, match=rf"--whip @{file} is empty; put the address into it"):
        parsed(f"--whip @{file}")


@pytest.mark.parametrize("what", ["404", "301", "ftp", "port", "html", "garbage", "hangs"])
async def test_an_address_that_is_a_secret_is_never_told(
    hub: Hub, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    misdeed, _ = BAD[what]
    caplog.set_level(logging.DEBUG, "live")
    async with Endpoint(misdeed, misdeed) as endpoint:
        endpoint.sessions.append(None)  # type: ignore[arg-type]
        with Performance(hub):
            url = f"{endpoint.root}s3cret/publish"
            async with publishing(hub, url, answer_s=0.5, private=True) as publisher:
                await until(lambda: publisher.says == "publishing")
        del endpoint.sessions[0]
    told = [one.getMessage() for one in caplog.records]
    assert any(endpoint.root.rstrip("/") in one for one in told), "its host is"
    assert all("s3cret" not in one for one in told)


async def test_a_token_without_tls_is_warned_of(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.close()
    await WhipPublisher(hub, WhipSettings("http://198.51.100.1/whip", TOKEN)).run()
    assert "the WHIP token travels to 198.51.100.1 unencrypted" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        await WhipPublisher(hub, WhipSettings("http://127.0.0.1/whip", TOKEN)).run()
    assert "unencrypted" not in caplog.text
