"""The camera's endpoint over real sockets: who may, what arrives, who takes over, who vanishes."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc import RTCRtpReceiver, RTCSessionDescription

from live.frames import Frame
from live.latest import Latest
from live.sources.browser import BrowserSource
from live.stream import camera_peer
from live.stream.camera_receiver import receive_newest
from live.stream.camera_seat import CameraLimits, CameraSeat, Standing
from live.stream.hub import Hub
from live.stream.offer import OfferError
from live.stream.server import ShowServer
from live.stream.whep import LONGEST_OFFER
from tests.live.stream.camera_phone import KEY, Phone, request, send_offer, serving, until
from tests.live.stream.pattern import pattern, psnr_db, read_number
from tests.live.stream.test_viewers import Held, back_to
from tests.live.stream.watcher import tap


@pytest.fixture
def inbox() -> Iterator[Latest[Frame]]:
    made: Latest[Frame] = Latest()
    yield made
    made.close()


@pytest.fixture
def server(hub: Hub, inbox: Latest[Frame]) -> Iterator[ShowServer]:
    with serving(hub, inbox) as running:
        yield running


async def frames(source: BrowserSource, count: int) -> list[Frame]:
    """The next `count`."""
    got: list[Frame] = []
    async with asyncio.timeout(20):
        while len(got) < count:
            frame = await asyncio.to_thread(source.read)
            assert frame is not None
            got.append(frame)
    return got


def shown(frame: Frame) -> int:
    return read_number(frame.image)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_the_picture_arrives_moves_and_is_the_one_that_was_sent(
    server: ShowServer, inbox: Latest[Frame], codec: str
) -> None:
    source = BrowserSource(inbox)
    async with Phone(server.url, codec=codec) as phone:
        assert f" {codec}/90000" in phone.answer
        assert "a=recvonly" in phone.answer and "a=send" not in phone.answer
        got = await frames(source, 20)
        numbers = [shown(frame) for frame in got]
        assert numbers == sorted(set(numbers)), "each once, in order"
        assert psnr_db(pattern(numbers[-1])[:, :, ::-1].copy(), got[-1].image) > 27
        assert [one.sequence for one in got] == sorted({one.sequence for one in got})
        stamps = [one.captured_s for one in got]
        assert stamps == sorted(stamps)
        assert source.trouble is None
        assert source.fps > 0
        status, told = await phone.ask()
        assert status == 200 and '"width": 256' in told
        assert (await phone.ask("DELETE"))[0] == 204
        assert (await phone.ask())[0] == 404
        assert (await phone.ask("DELETE"))[0] == 404


async def test_a_slow_show_gets_the_newest_picture_and_nothing_queues(
    server: ShowServer, inbox: Latest[Frame]
) -> None:
    async with Phone(server.url) as phone:
        await until(lambda: inbox.dropped > 5)
        dropped, sent = inbox.dropped, phone.track.number
        await asyncio.sleep(2.0)  # nobody reads
        assert inbox.dropped > dropped + 20
        frame = await asyncio.to_thread(inbox.take, 1.0)
        assert frame is not None
        assert shown(frame) > sent + 30, "not the one that waited"


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "x", KEY[:-1], "schlüssel"])
async def test_without_the_key_nobody_becomes_the_camera(
    server: ShowServer, key: str | None
) -> None:
    phone = Phone(server.url)
    status, _, words = await send_offer(server.url + "camera/whip", await phone.offer(), key)
    assert status == 401 and "the key is missing or wrong" in words
    await phone.join()
    for method in ("GET", "DELETE"):
        assert (await request(method, phone.location, key))[0] == 401
    assert (await phone.ask())[0] == 200
    await phone.connection.close()


async def test_offers_that_are_none_are_refused(server: ShowServer) -> None:
    address = server.url + "camera/whip"

    async def status(body: str | bytes, kind: str = "application/sdp") -> int:
        return (await send_offer(address, body, kind=kind))[0]

    phone = Phone(server.url)
    offer = await phone.offer()
    assert await status(offer, "text/plain") == 415
    assert await status("x" * (LONGEST_OFFER + 1)) == 413
    assert await status(b"\xff\xfe") == 400
    assert await status("not SDP at all") in (400, 422)
    assert await status("") in (400, 422)
    assert await status(offer.replace("a=sendonly", "a=sendrecv")) == 422
    assert await status(offer.replace("a=rtcp-mux\r\n", "")) == 400
    await phone.join()
    await phone.connection.close()


async def test_a_newer_phone_takes_over_and_the_older_is_told(
    server: ShowServer, inbox: Latest[Frame]
) -> None:
    source = BrowserSource(inbox)
    async with Phone(server.url) as older:
        before = await frames(source, 5)
        async with Phone(server.url, first=20_000) as newer:
            async with asyncio.timeout(20):
                while shown(frame := (await frames(source, 1))[0]) < 20_000:
                    pass
            assert frame.sequence > before[-1].sequence
            assert all(shown(one) >= 20_000 for one in await frames(source, 10))
            status, words = await older.ask()
            assert status == 410 and "another phone" in words
            assert (await newer.ask())[0] == 200


async def test_an_offer_that_never_connects_changes_nothing(hub: Hub, inbox: Latest[Frame]) -> None:
    with serving(hub, inbox, limits=CameraLimits(connect_s=0.5)) as server:
        async with Phone(server.url) as phone:
            await frames(BrowserSource(inbox), 3)
            ghost = Phone(server.url)
            address = server.url + "camera/whip"
            status, location, _ = await send_offer(address, await ghost.offer())
            assert status == 201
            ghosts = f"{server.url}camera/{location}"
            assert (await request("GET", ghosts, KEY))[0] == 200
            async with asyncio.timeout(20):
                while (await request("GET", ghosts, KEY))[0] != 404:
                    await asyncio.sleep(0.1)
            assert (await phone.ask())[0] == 200
            await frames(BrowserSource(inbox), 3)
            await ghost.connection.close()


async def test_half_open_connections_are_bounded_and_freed(inbox: Latest[Frame]) -> None:
    seat = CameraSeat(inbox, CameraLimits(connecting=3, connect_s=0.5))
    phone = Phone("http://localhost/")
    offer = await phone.offer()
    for _ in range(3):
        await seat.admit(offer)
    with pytest.raises(OfferError, match="3 phones are connecting") as refused:
        await seat.admit(offer)
    assert refused.value.status == 429
    await until(lambda: len(seat) == 0)
    await seat.admit(offer)
    await seat.close()
    assert len(seat) == 0
    await phone.connection.close()


async def test_a_phone_that_vanishes_goes_stale_and_is_closed(
    inbox: Latest[Frame], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seat = CameraSeat(inbox, CameraLimits(silence_s=1.5))
    source = BrowserSource(inbox)
    phone = Phone("http://localhost/")
    name, answer = await seat.admit(await phone.offer())
    await accept(phone, answer)
    await frames(source, 3)
    assert seat.standing(name) is Standing.CAMERA
    assert seat.arriving()["fps"] != 0
    strike_dumb(phone)
    await until(lambda: source.trouble is not None)
    assert "sends no picture" in str(source.trouble)
    assert source.fps == 0
    await until(lambda: seat.arriving()["fps"] == 0)
    await until(lambda: seat.standing(name) is Standing.UNKNOWN)
    assert "fell silent" in caplog.text
    await seat.close()
    await phone.connection.close()


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_pictures_come_whole_through_a_line_that_loses(
    server: ShowServer,
    inbox: Latest[Frame],
    codec: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, blackout = random.Random(5), [False]
    plain = receive_newest

    def behind_a_bad_line(receiver: RTCRtpReceiver, *how: Any) -> object:
        tap(receiver, lambda packet: not blackout[0] and chance.random() > 0.05)
        return plain(receiver, *how)

    monkeypatch.setattr(camera_peer, "receive_newest", behind_a_bad_line)
    source = BrowserSource(inbox)
    async with Phone(server.url, codec=codec) as phone:
        for _ in range(2):
            got = await frames(source, 40)
            numbers = [shown(frame) for frame in got]
            assert numbers == sorted(numbers)
            assert min(whole(frame) for frame in got) > 24, "none is torn or grey"
            blackout[0] = True
            sent = phone.track.number
            await until(lambda sent=sent: phone.track.number > sent + 30)  # type: ignore[misc]
            blackout[0] = False
            async with asyncio.timeout(20):
                while shown((await frames(source, 1))[0]) < sent + 30:
                    pass


def whole(frame: Frame) -> float:
    """Likeness to the picture that was sent, decibels."""
    return psnr_db(pattern(shown(frame))[:, :, ::-1].copy(), frame.image)


async def test_comings_and_goings_leave_nothing_behind(hub: Hub, inbox: Latest[Frame]) -> None:
    seat = CameraSeat(inbox, CameraLimits(silence_s=1.0, connect_s=1.0))

    async def visit(number: int) -> None:
        phone = Phone("http://localhost/")
        name, answer = await seat.admit(await phone.offer())
        await accept(phone, answer)
        await frames(BrowserSource(inbox), 2)
        if number % 2:
            await seat.dismiss(name)
        await phone.connection.close()
        await until(lambda: len(seat) == 0)

    await visit(0)
    before, threads = Held.now(), threading.active_count()
    for number in range(6):
        await visit(number)
    await back_to(before)
    await until(lambda: threading.active_count() <= threads)
    await seat.close()


async def test_a_phone_that_hangs_up_frees_the_seat(inbox: Latest[Frame]) -> None:
    seat = CameraSeat(inbox)
    phone = Phone("http://localhost/")
    _, answer = await seat.admit(await phone.offer())
    await accept(phone, answer)
    await frames(BrowserSource(inbox), 2)
    await phone.connection.close()
    await until(lambda: len(seat) == 0)


async def accept(phone: Phone, answer: str) -> None:
    await phone.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))


def strike_dumb(phone: Phone) -> None:
    """Nothing leaves `phone` any more, as when it is out of the radio's reach."""

    async def silence(*_: Any) -> None:
        pass

    agent = phone.connection.getSenders()[0].transport.transport._connection
    setattr(agent, "sendto", silence)  # noqa: B010 (mypy refuses `=`)
