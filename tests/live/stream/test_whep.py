from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from yarl import URL

from live.stream.hub import Hub
from live.stream.pages import HEADERS
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import Performance, pattern, psnr_db, read_number
from tests.live.stream.watcher import SDP, Watcher, post


async def until(condition: object, timeout_s: float = 10.0) -> None:
    """Wait until `condition()` holds."""
    end_s = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end_s, "it did not come about"
        await asyncio.sleep(0.02)


def strike_dumb(watcher: Watcher) -> None:
    """Nothing leaves `watcher` any more, as when its cable is pulled."""

    async def silence(*_: object) -> None:
        pass

    agent = watcher.connection.getReceivers()[0].transport.transport._connection
    setattr(agent, "sendto", silence)  # noqa: B010 (mypy refuses `=`)


@pytest.mark.parametrize("codec", [None, "H264", "VP8"])
async def test_a_viewer_sees_what_is_published(hub: Hub, serve: Serve, codec: str | None) -> None:
    with Performance(hub) as show:
        async with Watcher(serve().url, codec) as watcher:
            seen = await watcher.pictures(20)
        numbers = [read_number(picture) for picture in seen]
        assert numbers == sorted(set(numbers)), "each picture once, in order"
        assert numbers[-1] <= show.published
        for number, picture in zip(numbers, seen, strict=True):
            assert psnr_db(pattern(number), picture) > 27
    chosen = "VP8" if codec == "VP8" else "H264"
    assert f" {chosen}/90000" in watcher.answer
    assert ("VP8" if chosen == "H264" else "H264") not in watcher.answer


async def test_the_answer_is_complete(hub: Hub, serve: Serve) -> None:
    async with Watcher(serve().url) as watcher:
        assert watcher.location.startswith("whep/")  # relative, for a proxy's prefix
        assert len(watcher.location) > len("whep/") + 12  # nobody guesses another's
        assert "a=candidate:" in watcher.answer
        assert "a=end-of-candidates" in watcher.answer
        assert "a=sendonly" in watcher.answer


async def test_leaving_ends_it_and_only_once(hub: Hub, serve: Serve) -> None:
    url = serve().url
    with Performance(hub):
        async with Watcher(url) as watcher:
            await watcher.pictures(2)
            assert hub.counts.viewers == 1
            assert await watcher.leave() == (204, "")
            assert hub.counts.viewers == 0
            status, text = await watcher.leave()
            assert status == 404
            assert "no viewer" in text


async def test_many_watch_one_encode(hub: Hub, serve: Serve) -> None:
    url = serve().url
    with Performance(hub):
        watchers = [Watcher(url) for _ in range(5)]
        await asyncio.gather(*(watcher.join() for watcher in watchers))
        seen = await asyncio.gather(*(watcher.pictures(5) for watcher in watchers))
        counts = hub.counts
        assert counts.viewers == 5
        await asyncio.gather(*(watcher.connection.close() for watcher in watchers))
        await until(lambda: hub.counts.viewers == 0)
    assert all(len(pictures) == 5 for pictures in seen)
    assert counts.encoded <= counts.frames


async def test_a_picture_loss_message_brings_a_key_frame(hub: Hub, serve: Serve) -> None:
    with Performance(hub):
        async with Watcher(serve().url) as watcher:
            await watcher.pictures(3)
            before = hub.counts.key_frames
            receiver = watcher.connection.getReceivers()[0]
            ssrc = next(iter(receiver._RTCRtpReceiver__remote_streams))  # type: ignore[attr-defined]
            for _ in range(40):
                await receiver._send_rtcp_pli(ssrc)
            await until(lambda: hub.counts.key_frames > before, timeout_s=5)  # 10 s by itself
            await watcher.pictures(30)
            assert hub.counts.key_frames - before <= 3  # forty asks, about one second


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("v=0", "text/plain", 415, "send it as application/sdp"),
        ("v=0", "application/json", 415, "application/json"),
        (b"\xff\xfe\x00", "application/sdp", 400, "not UTF-8"),
        ("v=0\r\nm=video\r\n", "application/sdp", 400, "not SDP"),
        ("", "application/sdp", 422, "no video"),
        ("a" * 65_537, "application/sdp", 413, "longer than 65536 bytes"),
    ],
)
async def test_a_bad_offer_gets_a_sentence(
    hub: Hub, serve: Serve, body: str | bytes, kind: str, status: int, words: str
) -> None:
    got, location, text = await post(serve().url, body, {"Content-Type": kind})
    assert got == status
    assert words in text
    assert not location
    assert hub.counts.viewers == 0


async def test_an_offer_that_contradicts_itself_leaves_nothing_behind(
    hub: Hub, serve: Serve
) -> None:
    watcher = Watcher(serve().url)
    real = await watcher.offer()
    for wrong in (
        real.replace("a=rtcp-mux\r\n", ""),
        real.replace("m=video", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nm=video", 1),
    ):
        status, _, text = await post(watcher.url, wrong)
        assert (status, text.startswith("the offer contradicts itself")) == (400, True), text
    assert hub.counts.viewers == 0
    await watcher.connection.close()


async def test_a_full_house_says_so(hub: Hub, serve: Serve) -> None:
    url = serve(most=1).url
    async with Watcher(url):
        late = Watcher(url)
        status, _, text = await post(url, await late.offer())
        await late.connection.close()
    assert status == 503
    assert "all 1 places are taken" in text


async def test_after_the_show_the_door_is_closed(hub: Hub, serve: Serve) -> None:
    url = serve().url
    async with Watcher(url) as watcher:
        await until(lambda: watcher.connection.connectionState == "connected")
        hub.close()
        await until(lambda: watcher.connection.connectionState == "closed")
    late = Watcher(url)
    status, _, text = await post(url, await late.offer())
    await late.connection.close()
    assert status == 410
    assert "the show has ended" in text


async def test_who_asks_and_never_comes_is_forgotten(hub: Hub, serve: Serve) -> None:
    server = serve(connect_s=0.3)
    watcher = Watcher(server.url)
    offer = await watcher.offer()
    for _ in range(20):
        assert (await post(server.url, offer))[0] == 201
    assert hub.counts.viewers > 0
    await until(lambda: hub.counts.viewers == 0)
    await watcher.connection.close()


async def test_who_vanishes_without_a_word_is_forgotten(hub: Hub, serve: Serve) -> None:
    url = serve(silence_s=2.5).url
    with Performance(hub):
        async with Watcher(url) as steady, Watcher(url) as gone:
            await asyncio.gather(steady.pictures(2), gone.pictures(2))
            strike_dumb(gone)
            await until(lambda: hub.counts.viewers == 1)
            await steady.pictures(2)


async def test_patch_is_refused_clearly(hub: Hub, serve: Serve) -> None:
    async with aiohttp.ClientSession() as web, web.patch(serve().url + "whep/x", data="") as got:
        assert got.status == 405
        assert got.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
        assert "nothing to PATCH" in await got.text()


async def test_closing_the_server_ends_every_viewer(hub: Hub, serve: Serve) -> None:
    server = serve()
    with Performance(hub):
        watchers = [Watcher(server.url) for _ in range(4)]
        for watcher in watchers:
            await watcher.join()
        await asyncio.gather(*(watcher.pictures(1) for watcher in watchers))
        began_s = time.monotonic()
        await asyncio.to_thread(server.close)
        print(f"closed with 4 viewers in {time.monotonic() - began_s:.2f} s")
        assert hub.counts.viewers == 0
        await until(lambda: all(w.connection.connectionState == "closed" for w in watchers))
        for watcher in watchers:
            await watcher.connection.close()
    server.close()


async def test_page_files_and_status(hub: Hub, serve: Serve) -> None:
    url = serve().url
    async with aiohttp.ClientSession() as web:
        for path, kind in {
            "": "text/html",
            "static/viewer.js": "text/javascript",
            "static/viewer.css": "text/css",
            "static/icon.svg": "image/svg+xml",
        }.items():
            async with web.get(url + path) as got:
                assert got.status == 200
                assert got.content_type == kind
                for name, value in HEADERS.items():
                    assert got.headers[name] == value
        async with web.get(url + "status") as got:
            told = await got.json()
            assert told["fps"] == 30.0
            assert told["viewers"] == 0
        for path in ("static/../server.py", "static/%2e%2e%2findex.html", "static/x", "nothing"):
            async with web.get(URL(url + path, encoded=True)) as got:
                assert got.status == 404


async def test_only_our_own_pages_may_ask(hub: Hub, serve: Serve) -> None:
    url = serve().url
    for headers, status in (
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": url.rstrip("/")}, 422),
    ):
        assert (await post(url, "", SDP | headers))[0] == status, headers
