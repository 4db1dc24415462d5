"""Viewers that receive and count, in a process of their own: thirty-two take well under a core.

Each is a whole WebRTC peer, ICE, DTLS and SRTP included, whose packets end in a `Tally` where a
browser would decode. It reports once a second, as a browser does (receiver report and REMB).
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urljoin

import aiohttp
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    rtp,
)

from live.stream.rtp_extensions import propose

FIRST_PICTURE_S = 15.0
"""Who waits longer for a picture has none."""

APART_S = 0.55
"""Seconds from a viewer's first picture to the next one's offer, at least."""

REMB_BPS = 20_000_000
"""A line so good that nobody lowers a bitrate for it."""

_HEAD = struct.Struct("!BBHLL")


@dataclass(frozen=True, slots=True)
class Received:
    """What all viewers together got within one window."""

    seconds: float  # the window
    pictures: list[int]  # complete ones, for each viewer
    bytes: int  # RTP, all viewers
    packets: int
    lost: int  # packets that never came
    core_percent: float  # of this process, to show that it was not what held things up


class Tally:
    """Counts one viewer's packets and the pictures that they make up."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.pictures = 0  # whole ones
        self.bytes = self.packets = self.lost = 0
        self.first_s: float | None = None  # when the first whole picture was there, monotonic
        self.last = -1  # sequence number
        self._whole = True

    def hear(self, packet: bytes) -> None:
        """One decrypted RTP packet."""
        _, kind, sequence, _, ssrc = _HEAD.unpack_from(packet)
        if ssrc != self.ssrc:
            return  # sent again, on RTX's SSRC
        if self.last >= 0 and (gap := (sequence - self.last - 1) & 0xFFFF):
            self.lost += gap if gap < 0x8000 else 0
            self._whole = False
        self.last = sequence
        self.packets += 1
        self.bytes += len(packet)
        if kind & 0x80:  # the marker: a picture's last packet
            self._count_picture()

    def _count_picture(self) -> None:
        if self._whole:
            self.pictures += 1
            self.first_s = self.first_s or time.monotonic()
        self._whole = True


class LightViewer:
    """Asks for the stream at `url` and throws away what comes."""

    def __init__(self, url: str, codec: str, web: aiohttp.ClientSession) -> None:
        self._url = url
        self._web = web
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = self._connection.addTransceiver("video", direction="recvonly")
        able = RTCRtpReceiver.getCapabilities("video")
        assert able is not None
        wanted = (codec.lower(), "rtx")
        transceiver.setCodecPreferences(
            [one for one in able.codecs if one.mimeType.split("/")[1].lower() in wanted]
        )
        self._receiver = transceiver.receiver
        self._location = ""
        self._reports: asyncio.Task[None] | None = None
        self.tally = Tally(0)
        self.first_picture_s = float("inf")  # from the offer's POST, seconds

    async def join(self, timeout_s: float = FIRST_PICTURE_S) -> None:
        """Returns at the first whole picture, or when it has waited long enough."""
        offer = propose((await self._connection.createOffer()).sdp)
        await self._connection.setLocalDescription(RTCSessionDescription(offer, "offer"))
        began_s = time.monotonic()
        await self._accept(await self._post(self._connection.localDescription.sdp))
        end_s = began_s + timeout_s
        while self.tally.first_s is None and time.monotonic() < end_s:
            await asyncio.sleep(0.005)
        if self.tally.first_s is not None:
            self.first_picture_s = self.tally.first_s - began_s

    async def _post(self, offer: str) -> str:
        headers = {"Content-Type": "application/sdp"}
        async with self._web.post(urljoin(self._url, "whep"), data=offer, headers=headers) as got:
            text = await got.text()
            if got.status != 201:
                raise RuntimeError(f"the server answered {got.status}: {text}")
            self._location = got.headers["Location"]
            return text

    async def _accept(self, answer: str) -> None:
        line = next(one for one in answer.splitlines() if one.startswith("a=ssrc:"))
        self.tally.ssrc = int(line.removeprefix("a=ssrc:").split()[0])
        transport, tally = self._receiver.transport, self.tally

        async def hear(data: bytes, arrival_time_ms: int) -> None:
            tally.hear(data)

        setattr(transport, "_handle_rtp_data", hear)  # noqa: B010 (mypy refuses `=`)
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._reports = asyncio.create_task(self._report())

    async def _report(self) -> None:
        own, tally = random.getrandbits(32), self.tally
        while True:
            await asyncio.sleep(0.75 + random.random() / 2)
            if tally.last < 0:
                continue
            report = rtp.RtcpReceiverInfo(tally.ssrc, 0, tally.lost, tally.last, 0, 0, 0)
            await self._receiver._send_rtcp(rtp.RtcpRrPacket(own, [report]))
            fci = rtp.pack_remb_fci(REMB_BPS, [tally.ssrc])
            await self._receiver._send_rtcp(rtp.RtcpPsfbPacket(15, own, 0, fci))

    async def leave(self, farewell: bool = True) -> None:
        """Close; with `farewell` after a DELETE, as WHEP says."""
        if self._reports is not None:
            self._reports.cancel()
        if farewell and self._location:
            async with self._web.delete(urljoin(self._url, self._location)):
                pass
        await self._connection.close()


class Crowd:
    """All viewers of this process."""

    def __init__(self, url: str, codec: str, web: aiohttp.ClientSession) -> None:
        self._url, self._codec, self._web = url, codec, web
        self._viewers: list[LightViewer] = []

    async def join(self, count: int) -> list[float]:
        """One after the other; the times to the first picture, seconds, infinite for none.

        So far apart that nobody's key frame has to wait for somebody else's: `churn` is for crowds.
        """
        new = [LightViewer(self._url, self._codec, self._web) for _ in range(count)]
        for viewer in new:
            await asyncio.sleep(APART_S * (1 + random.random() / 2))
            await viewer.join()
            self._viewers.append(viewer)
        return [viewer.first_picture_s for viewer in new]

    async def measure(self, seconds: float) -> Received:
        """What comes within `seconds`."""
        before, cpu_s, began_s = self._sums(), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - began_s
        after, cpu_s = self._sums(), time.process_time() - cpu_s
        (pictures, *rest), (pictures_before, *rest_before) = after, before
        size, packets, lost = (
            sum(now) - sum(then) for now, then in zip(rest, rest_before, strict=True)
        )
        got = [now - then for now, then in zip(pictures, pictures_before, strict=True)]
        return Received(took_s, got, size, packets, lost, 100 * cpu_s / took_s)

    def _sums(self) -> tuple[list[int], list[int], list[int], list[int]]:
        tallies = [viewer.tally for viewer in self._viewers]
        return (
            [one.pictures for one in tallies],
            [one.bytes for one in tallies],
            [one.packets for one in tallies],
            [one.lost for one in tallies],
        )

    async def churn(self, count: int, at_once: int = 4) -> list[float]:
        """`count` viewers come, see a picture and go, `at_once` of them at any time.

        Every second one leaves with a DELETE, the others hang up.
        """
        took: list[float] = []
        for start in range(0, count, at_once):
            group = range(start, min(start + at_once, count))
            took += await asyncio.gather(*(self._visit(farewell=one % 2 == 0) for one in group))
        return took

    async def _visit(self, farewell: bool) -> float:
        viewer = LightViewer(self._url, self._codec, self._web)
        try:
            await viewer.join()
        finally:
            await viewer.leave(farewell)
        return viewer.first_picture_s

    async def leave(self) -> None:
        await asyncio.gather(*(viewer.leave() for viewer in self._viewers))
        self._viewers.clear()


def run_viewers(pipe: Connection, url: str, codec: str) -> None:
    """The process: does what `pipe` says, (method, *arguments), until it says "stop"."""
    asyncio.run(_run(pipe, url, codec))


async def _run(pipe: Connection, url: str, codec: str) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as web:
        crowd = Crowd(url, codec, web)
        while (ask := await loop.run_in_executor(None, pipe.recv))[0] != "stop":
            pipe.send(await _do(crowd, ask))
        await crowd.leave()
    pipe.send(None)


async def _do(crowd: Crowd, ask: Sequence[object]) -> object:
    try:
        return await getattr(crowd, str(ask[0]))(*ask[1:])
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        return error
