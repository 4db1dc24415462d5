from __future__ import annotations

import asyncio
import struct
import time
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from aiortc import (
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
    rtp,
)
from aiortc.stats import RTCRemoteOutboundRtpStreamStats

from live.frames import Image
from live.stream import losses, pacing
from live.stream import sender as sender_module
from live.stream.encoder import Codec
from live.stream.hub import Hub
from live.stream.offer import read_offer
from live.stream.pacing import BURST_BYTES
from live.stream.rtp_extensions import (
    ABS_CAPTURE_TIME,
    OURS,
    PLAYOUT_DELAY,
    STEPS_MS,
    agree,
    agreed,
    playout_delay,
    propose,
)
from live.stream.sender import send_video
from live.stream.subscription import Subscription
from tests.live.stream import pattern as pattern_module
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import Performance, read_number
from tests.live.stream.test_offer import REAL
from tests.live.stream.test_rtp_extensions import read
from tests.live.stream.test_whep import until
from tests.live.stream.watcher import Watcher, tap

FIRST = playout_delay(0, STEPS_MS[0])


@dataclass
class Wire:
    """The RTP packets that a watcher got; every `lose`th of the picture's own is lost."""

    lose: int = 0
    packets: list[bytes] = field(default_factory=list)
    lost: int = 0

    def __call__(self, packet: bytes) -> bool:
        self.packets.append(packet)
        if self.lose and _sequence(packet) % self.lose == 0 and _ssrc(packet) == self.first_ssrc:
            self.lost += 1
            return False
        return True

    @property
    def first_ssrc(self) -> int:
        return _ssrc(self.packets[0])

    def of(self, ssrc: int) -> list[bytes]:
        return [one for one in self.packets if _ssrc(one) == ssrc]


def _sequence(packet: bytes) -> int:
    return int(struct.unpack_from("!H", packet, 2)[0])


def _ssrc(packet: bytes) -> int:
    return int(struct.unpack_from("!L", packet, 8)[0])


def _ticks(packet: bytes) -> int:
    return int(struct.unpack_from("!L", packet, 4)[0])


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that take many bytes: the pattern, and noise in its middle."""
    plain, random = pattern_module.pattern, np.random.default_rng(0)
    grain = random.integers(0, 256, (256, 640, 3), np.uint8)

    def noisy(number: int, size: tuple[int, int]) -> Image:
        image = plain(number, size)
        image[100:356] = np.roll(grain, number, axis=1)
        return image

    monkeypatch.setattr(pattern_module, "pattern", noisy)


async def test_every_packet_has_the_delay_and_each_pictures_first_its_capture_time(
    hub: Hub, serve: Serve
) -> None:
    wire = Wire()
    with Performance(hub):
        async with Watcher(serve().url, extensions=True, wire=wire) as watcher:
            await watcher.pictures(20)
    offer = watcher.connection.localDescription.sdp
    ids = agreed(watcher.answer, offer, "0")
    assert set(ids) == set(OURS)
    packets = wire.of(watcher.ssrc)
    assert all(dict(read(one))[ids[PLAYOUT_DELAY]] == FIRST for one in packets)
    firsts = [one for last, one in zip([None, *packets], packets, strict=False)
              if last is None or _ticks(last) != _ticks(one)]  # fmt: skip
    timed = [one for one in packets if ids[ABS_CAPTURE_TIME] in dict(read(one))]
    assert timed == firsts
    for one in timed:  # both clocks tell the same story: the camera's
        captured = dict(read(one))[ids[ABS_CAPTURE_TIME]]
        since_s = (int.from_bytes(captured, "big") - _captured(timed[0], ids)) / 2**32
        assert (_ticks(one) - _ticks(timed[0])) % 2**32 / 90_000 == pytest.approx(since_s, abs=5e-3)


def _captured(packet: bytes, ids: dict[str, int]) -> int:
    return int.from_bytes(dict(read(packet))[ids[ABS_CAPTURE_TIME]], "big")


async def test_who_offers_no_extension_gets_none(hub: Hub, serve: Serve) -> None:
    wire = Wire()
    with Performance(hub):
        async with Watcher(serve().url, wire=wire) as watcher:
            await watcher.pictures(5)
    assert not any(uri in watcher.answer for uri in OURS)
    used = {number for one in wire.of(watcher.ssrc) for number, _ in read(one)}
    assert used == {1, 3}  # aiortc's own: mid, abs-send-time


async def test_big_key_frames_come_whole_and_in_order(hub: Hub, serve: Serve, noise: None) -> None:
    wire = Wire()
    with Performance(hub, (480, 640)):
        async with Watcher(serve().url, extensions=True, wire=wire) as watcher:
            seen = [read_number(one) for one in await watcher.pictures(10)]
            await watcher.receiver._send_rtcp_pli(watcher.ssrc)
            seen += [read_number(one) for one in await watcher.pictures(20)]
    assert seen == sorted(set(seen))
    packets = wire.of(watcher.ssrc)
    sequences = [_sequence(one) for one in packets]
    assert [(b - a) % 65_536 for a, b in pairwise(sequences)] == [1] * (len(sequences) - 1)
    first = sum(len(one) for one in packets if _ticks(one) == _ticks(packets[0]))
    assert first > 2 * BURST_BYTES, "it was paced"


@dataclass
class Heard:
    """What subscriptions were told."""

    estimates_bps: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)


def _noting(told: list[float], plain: Callable[..., None] | None) -> Callable[..., None]:
    def note(self: Subscription, value: float) -> None:
        told.append(value)
        if plain is not None:
            plain(self, value)

    return note


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What subscriptions are told, noted on its way."""
    found = Heard()
    for name, told in (("estimate", found.estimates_bps), ("lost", found.lost)):
        plain = getattr(Subscription, name, None)
        monkeypatch.setattr(Subscription, name, _noting(told, plain), raising=False)
    return found


async def test_estimates_and_losses_reach_the_hub(
    hub: Hub, serve: Serve, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "WINDOW_S", 0.0)  # the watcher's own reports come in between
    with Performance(hub):
        async with Watcher(serve().url) as watcher:
            await watcher.pictures(2)
            us = watcher.receiver._RTCRtpReceiver__rtcp_ssrc  # type: ignore[attr-defined]
            for lost, highest in ((0, 1 << 31), (100, (1 << 31) + 400)):
                report = rtp.RtcpReceiverInfo(watcher.ssrc, 0, lost, highest, 0, 0, 0)
                await watcher.receiver._send_rtcp(rtp.RtcpRrPacket(us, [report]))
            for bits_per_s in (1_234_432, 262_143 << 40):
                fci = rtp.pack_remb_fci(bits_per_s, [watcher.ssrc])
                await watcher.receiver._send_rtcp(rtp.RtcpPsfbPacket(15, us, 0, fci))
            await until(lambda: 0.25 in heard.lost and float(262_143 << 40) in heard.estimates_bps)
            assert 1_234_432.0 in heard.estimates_bps
            await watcher.pictures(2)


async def test_a_full_intra_request_brings_a_key_frame(hub: Hub, serve: Serve) -> None:
    with Performance(hub):
        async with Watcher(serve().url) as watcher:
            await watcher.pictures(2)
            us = watcher.receiver._RTCRtpReceiver__rtcp_ssrc  # type: ignore[attr-defined]
            before = hub.counts.key_frames
            other = struct.pack("!LL", watcher.ssrc ^ 1, 0)
            await watcher.receiver._send_rtcp(rtp.RtcpPsfbPacket(4, us, 0, other))
            await watcher.pictures(10)
            assert hub.counts.key_frames == before, "that one was for somebody else"
            fci = struct.pack("!LL", watcher.ssrc, 1 << 24)
            await watcher.receiver._send_rtcp(rtp.RtcpPsfbPacket(4, us, 0, fci))
            await until(lambda: hub.counts.key_frames > before, timeout_s=5)  # 10 s by itself


@pytest.mark.parametrize(
    "packet",
    [
        rtp.RtcpPsfbPacket(15, 1, 0, b"REMB" + b"\xff" * 4),  # 255 targets, none there
        rtp.RtcpPsfbPacket(15, 1, 0, b"junk"),
        rtp.RtcpPsfbPacket(4, 1, 0, b"1234"),
        rtp.RtcpRtpfbPacket(1, 1, 0, list(range(0, 6000, 20))),
        rtp.RtcpByePacket([1, 2, 3]),
    ],
)
async def test_reports_that_make_no_sense_disturb_nobody_else(
    hub: Hub, serve: Serve, packet: rtp.AnyRtcpPacket
) -> None:
    url = serve().url
    with Performance(hub):
        async with Watcher(url) as steady, Watcher(url) as odd:
            await asyncio.gather(steady.pictures(2), odd.pictures(2))
            for _ in range(5):
                await odd.receiver._send_rtcp(packet)
            await steady.pictures(15)


async def test_what_is_lost_is_sent_again_and_the_viewer_is_given_more_time(
    hub: Hub, serve: Serve, noise: None
) -> None:
    wire = Wire(lose=17)
    with Performance(hub, (480, 640)):
        async with Watcher(serve().url, extensions=True, wire=wire) as watcher:
            playout = agreed(watcher.answer, watcher.connection.localDescription.sdp, "0")[
                PLAYOUT_DELAY
            ]
            seen = await watcher.pictures(30)

            def asked() -> set[bytes]:
                return {dict(read(one))[playout] for one in wire.of(watcher.ssrc)}

            receiving = asyncio.ensure_future(watcher.pictures(10_000, 60))
            await until(lambda: b"\0\0\4" in asked(), timeout_s=20)
            receiving.cancel()
    assert wire.lost > 3
    again = [one for one in wire.packets if _ssrc(one) != watcher.ssrc]
    assert len(again) >= wire.lost - 5, "on RTX's own SSRC"
    numbers = [read_number(one) for one in seen]
    assert numbers == sorted(set(numbers))
    assert all(playout in dict(read(one)) for one in again)


async def test_sender_reports_tell_what_was_sent(hub: Hub, serve: Serve) -> None:
    wire = Wire()
    with Performance(hub):
        async with Watcher(serve().url, wire=wire) as watcher:
            await watcher.pictures(30)

            async def report() -> RTCRemoteOutboundRtpStreamStats | None:
                found = (await watcher.receiver.getStats()).values()
                return next(
                    (one for one in found if isinstance(one, RTCRemoteOutboundRtpStreamStats)), None
                )

            while (heard := await report()) is None or not heard.packetsSent:
                await watcher.pictures(1)
    own = wire.of(watcher.ssrc)
    assert 0 < heard.packetsSent <= len(own)
    assert 0 < heard.bytesSent < sum(len(one) for one in own)
    assert heard.ssrc == watcher.ssrc


@pytest.fixture
def poorer_aiortc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An aiortc without one of the inner names that the leg needs."""
    names = {name: getattr(rtp, name) for name in dir(rtp) if name != "unpack_remb_fci"}
    monkeypatch.setattr(sender_module, "rtp", types.SimpleNamespace(**names))
    sender_module._warn.cache_clear()
    yield
    sender_module._warn.cache_clear()


async def test_without_the_inner_names_it_plays_all_the_same_and_says_so_once(
    hub: Hub, serve: Serve, poorer_aiortc: None, caplog: pytest.LogCaptureFixture
) -> None:
    url, wire = serve().url, Wire()
    with Performance(hub):
        async with Watcher(url, extensions=True, wire=wire) as one, Watcher(url) as other:
            await asyncio.gather(one.pictures(3), other.pictures(3))
            before = hub.counts.key_frames
            await one.receiver._send_rtcp_pli(one.ssrc)
            await until(lambda: hub.counts.key_frames > before, timeout_s=5)
    said = [line for line in caplog.messages if "this aiortc has no" in line]
    assert len(said) == 1
    assert "unpack_remb_fci" in said[0]
    assert "pip install 'aiortc~=1.16.0'" in said[0]
    assert {number for packet in wire.of(one.ssrc) for number, _ in read(packet)} == {1, 3}


@dataclass
class Line:
    """A connection that we offered, as for WHIP, and aiortc answered."""

    offer: str
    answer: str
    sender: RTCRtpSender
    receiver: RTCRtpReceiver


@asynccontextmanager
async def line(hub: Hub, wire: Wire) -> AsyncIterator[Line]:
    ours, theirs = RTCPeerConnection(), RTCPeerConnection()
    sender = send_video(ours, hub.subscribe(Codec.H264), read_offer(REAL).preferences)
    offer = propose((await ours.createOffer()).sdp)
    await ours.setLocalDescription(RTCSessionDescription(offer, "offer"))
    offer = ours.localDescription.sdp
    await theirs.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    answer = agree((await theirs.createAnswer()).sdp, offer)
    await theirs.setLocalDescription(RTCSessionDescription(answer, "answer"))
    answer = theirs.localDescription.sdp
    made = Line(offer, answer, sender, theirs.getReceivers()[0])
    tap(made.receiver, wire)
    try:
        await ours.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        yield made
    finally:
        await ours.close()
        await theirs.close()


async def test_where_we_offer_the_extensions_are_proposed(hub: Hub) -> None:
    wire = Wire()
    with Performance(hub):
        async with line(hub, wire) as made:
            for _ in range(3):
                await asyncio.wait_for(made.receiver.track.recv(), 10)
    ids = agreed(made.offer, made.answer, "0")
    assert set(ids) == set(OURS)
    assert {dict(read(one)).get(ids[PLAYOUT_DELAY]) for one in wire.packets} == {FIRST}
    assert " VP8/90000" not in made.offer
    assert hub.counts.viewers == 0


async def test_a_key_frames_packets_leave_no_sooner_than_due_and_others_at_once(
    hub: Hub, noise: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, due, left = pacing.due_s, list[float](), list[float]()

    def note(sent: int, bytes_per_s: float, began_s: float) -> float:
        due.append(plain(sent, bytes_per_s, began_s))
        return due[-1]

    monkeypatch.setattr(pacing, "due_s", note)
    wire = Wire()
    with Performance(hub, (480, 640)):
        async with line(hub, wire) as made:
            transport = made.sender.transport
            send = transport._send_rtp

            async def leave(data: bytes) -> None:
                left.append(time.monotonic())
                await send(data)

            setattr(transport, "_send_rtp", leave)  # noqa: B010 (mypy refuses `=`)
            for _ in range(10):
                await asyncio.wait_for(made.receiver.track.recv(), 10)
    key = [one for one in wire.packets if _ticks(one) == _ticks(wire.packets[0])]
    assert len(due) == len(key), "none but the key frame's was scheduled"
    assert due == sorted(due)
    assert len(set(due)) > 3, "it left in bunches"
    for wanted_s, left_s in zip(due, left, strict=False):
        assert left_s >= wanted_s - 1e-3  # a loop's timer may ring one tick of its clock early
