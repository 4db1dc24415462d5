"""One hub subscription over one WebRTC connection: header extensions, pacing, and RTCP's news.

Between aiortc's sender and its transport sits a `_Leg`, which sends the pictures and what is asked
for again, and hears every report on its way in; the sender's life and its RTCP are left to aiortc.
That relies on inner names of aiortc 1.16, see `_missing`; where one is gone, aiortc sends the
pictures, and they play, without what the leg adds.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import cast

from aiortc import (
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    rtp,
)
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters

from live.stream import losses, pacing, repair
from live.stream.encoder import Coded
from live.stream.packets import HISTORY, Packets, with_counts
from live.stream.rtp_extensions import (
    ABS_CAPTURE_TIME,
    PLAYOUT_DELAY,
    Elements,
    Patience,
    abs_capture_time,
    after_report,
    agreed,
    playout_delay,
)
from live.stream.subscription import Subscription
from live.stream.track import PacketTrack
from live.timing import Clock

log = logging.getLogger(__name__)

_PLI, _FIR, _AFB = 1, 4, 15  # RFC 4585 section 6.3, RFC 5104 section 4.3.1


def send_video(
    connection: RTCPeerConnection,
    subscription: Subscription,
    preferences: Sequence[RTCRtpCodecCapability],
) -> RTCRtpSender:
    """Add the hub's packets to `connection`, as a track that only sends.

    Call it before the remote description is set: later, aiortc (1.16) ignores the codec
    `preferences` without a word. Which header extensions are used is read from the two
    descriptions when the sending begins: see `rtp_extensions.agree` and `propose`.
    """
    track = PacketTrack(subscription)
    sender = connection.addTrack(track)
    transceiver = next(one for one in connection.getTransceivers() if one.sender is sender)
    transceiver.direction = "sendonly"
    transceiver.setCodecPreferences(list(preferences))
    _take_the_wire(connection, sender, track, subscription)
    return sender


def _take_the_wire(
    connection: RTCPeerConnection,
    sender: RTCRtpSender,
    track: PacketTrack,
    subscription: Subscription,
) -> None:
    """Put a `_Leg` between `sender` and its transport when it is told to send.

    Not earlier: with BUNDLE, aiortc gives it another transport during negotiation.
    """
    plain, taken = sender.send, False

    async def send(parameters: RTCRtpSendParameters) -> None:
        nonlocal taken
        if not taken:
            taken = True
            if missing := _missing(sender):
                _warn(missing)
                # What aiortc calls for PLI and FIR; its own encoder has no part here.
                setattr(sender, "_send_keyframe", subscription.ask_key_frame)  # noqa: B010
            else:
                extensions = _extensions(connection, parameters)
                packets = Packets(parameters, sender._ssrc, sender._rtx_ssrc)
                leg = _Leg(sender, track, subscription, extensions, packets)
                sender.setTransport(cast(RTCDtlsTransport, leg))
                setattr(sender, "_next_encoded_frame", leg.send_next)  # noqa: B010
                setattr(sender, "_retransmit", leg.send_again)  # noqa: B010
        await plain(parameters)

    setattr(sender, "send", send)  # noqa: B010 (mypy refuses `=`)


def _missing(sender: RTCRtpSender) -> tuple[str, ...]:
    """The inner names of aiortc that a leg needs and this aiortc lacks."""
    wanted: tuple[tuple[object, tuple[str, ...]], ...] = (
        (sender, ("setTransport", "_ssrc", "_rtx_ssrc", "_handle_rtcp_packet")),
        (sender, ("_next_encoded_frame", "_retransmit")),
        (sender.transport, ("_send_rtp", "_register_rtp_sender", "_unregister_rtp_sender")),
        (rtp, ("is_rtcp", "unpack_remb_fci", "RtcpPsfbPacket", "RtcpRrPacket", "RtcpSrPacket")),
        (rtp, ("pack_header_extensions", "RtcpSenderInfo", "RTCP_SR")),
        (rtp, ("RtcpRtpfbPacket", "RTCP_RTPFB_NACK")),
    )
    return tuple(name for where, names in wanted for name in names if not hasattr(where, name))


@cache
def _warn(missing: tuple[str, ...]) -> None:
    """Say it for the first viewer only: it is the same for all."""
    log.warning(
        "this aiortc has no %s: the picture plays, but later than it could, and viewers' "
        "losses go unheard; pip install 'aiortc~=1.16.0'",
        ", ".join(missing),
    )


def _extensions(connection: RTCPeerConnection, parameters: RTCRtpSendParameters) -> dict[str, int]:
    """The ids of our extensions that are in force and that aiortc does not write itself."""
    both = connection.localDescription, connection.remoteDescription
    found = agreed(both[0].sdp, both[1].sdp, parameters.muxId)
    own = {one.uri for one in parameters.headerExtensions}
    return {uri: number for uri, number in found.items() if uri not in own}


class _Leg:
    """A transport to aiortc's sender, and a sender to aiortc's transport."""

    def __init__(
        self,
        sender: RTCRtpSender,
        track: PacketTrack,
        subscription: Subscription,
        extensions: dict[str, int],
        packets: Packets,
        clock: Clock = time.monotonic,
        wall_clock: Clock = time.time,
    ) -> None:
        self._ssrc: int = sender._ssrc
        self._sender = sender
        self._transport = sender.transport
        self._track = track
        self._subscription = subscription
        self._extensions = extensions
        self._packets = packets
        self._clock, self._wall_clock = clock, wall_clock
        self._patience = Patience()
        self._losses: losses.Losses | None = None
        self._always = self._steady()
        self._key_frame = packets.following  # the first packet of the newest one
        self._copies: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> object:
        """Whatever else aiortc's sender wants of its transport."""
        return getattr(self._transport, name)

    def _register_rtp_sender(self, sender: RTCRtpSender, parameters: RTCRtpSendParameters) -> None:
        self._transport._register_rtp_sender(self, parameters)
        # RFC 5104 section 4.3.1.2: a FIR has 0 for its media source, and names it further inside.
        router = getattr(self._transport, "_rtp_router", None)
        if router is not None:
            router.register_sender(self, ssrc=0)

    def _unregister_rtp_sender(self, sender: RTCRtpSender) -> None:
        self._transport._unregister_rtp_sender(self)

    async def _send_rtp(self, data: bytes) -> None:
        if rtp.is_rtcp(data) and self._packets.sent is not None:
            data = with_counts(data, self._packets.sent)
        await self._transport._send_rtp(data)

    async def send_next(self, codec: RTCRtpCodecParameters) -> None:
        """Wait for the next picture and send it; aiortc's sender, told of none, asks anew."""
        packet = await self._track.recv()
        coded = self._track.current
        assert coded is not None
        assert packet.pts is not None
        await self._send(coded, packet.pts)

    async def _send(self, coded: Coded, ticks: int) -> None:
        payloads, began_s, sent = self._packets.pack(coded), self._clock(), 0
        if coded.key_frame:
            self._key_frame = self._packets.following
        extension = self._extension(self._timed(coded.captured_s))
        for place, payload in enumerate(payloads, 1):
            if coded.key_frame and await self._until_due(coded, sent, began_s):
                extension = b""  # it tells the time of leaving
            extension = extension or self._extension()
            packet = self._packets.next(payload, ticks, place == len(payloads), extension)
            await self._send_rtp(packet)
            sent += len(packet)
            if place == 1:
                extension = b""  # the capture time stood in the first packet
        self._packets.note(ticks, self._wall_clock())

    async def send_again(self, sequence: int) -> None:
        """Answer a NACK (RFC 4585 section 6.2.1)."""
        packet = self._packets.again(sequence, self._extension())
        if packet is not None:
            await self._send_rtp(packet)
            copy = asyncio.create_task(self._send_copy(packet))
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)

    async def _send_copy(self, packet: bytes) -> None:
        """The very same packet: the viewer's SRTP passes over it where the first one came."""
        await asyncio.sleep(repair.COPY_S)
        with suppress(ConnectionError):  # the viewer has left meanwhile
            await self._send_rtp(packet)

    def _extension(self, more: Elements = ()) -> bytes:
        return self._packets.extension(self._wall_clock(), self._always + more)

    async def _until_due(self, coded: Coded, sent: int, began_s: float) -> bool:
        """Wait until the packet after `sent` bytes of `coded` may leave; whether it had to."""
        due_s = pacing.due_s(sent, pacing.rate(coded.packet.size), began_s)
        if (wait_s := due_s - self._clock()) <= 0:
            return False
        await asyncio.sleep(wait_s)
        return True

    def _steady(self) -> Elements:
        """The extensions of every packet."""
        number = self._extensions.get(PLAYOUT_DELAY)
        return () if number is None else ((number, playout_delay(0, self._patience.max_ms)),)

    def _timed(self, captured_s: float) -> Elements:
        """The extension of a picture's first packet."""
        number = self._extensions.get(ABS_CAPTURE_TIME)
        if number is None:
            return ()
        age_s = self._clock() - captured_s
        return ((number, abs_capture_time(self._wall_clock() - age_s)),)

    async def _handle_rtcp_packet(self, packet: rtp.AnyRtcpPacket) -> None:
        if isinstance(packet, rtp.RtcpPsfbPacket):
            self._hear_feedback(packet)
            return
        if getattr(packet, "media_ssrc", self._ssrc) != self._ssrc:
            return  # a NACK for 0: only a FIR may call us so
        if isinstance(packet, (rtp.RtcpRrPacket, rtp.RtcpSrPacket)):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self._hear_loss(report)
        if isinstance(packet, rtp.RtcpRtpfbPacket) and self._beyond_repair(packet):
            self._subscription.ask_key_frame()
            return
        await self._sender._handle_rtcp_packet(packet)

    def _beyond_repair(self, packet: rtp.RtcpRtpfbPacket) -> bool:
        """Of a NACK; what else has this form (RFC 4585 section 6.2) names no packets."""
        if packet.fmt != rtp.RTCP_RTPFB_NACK:
            return False
        newest = self._packets.following - 1
        return repair.beyond_repair(packet.lost, newest, self._key_frame, HISTORY)

    def _hear_feedback(self, packet: rtp.RtcpPsfbPacket) -> None:
        ours = packet.media_ssrc == self._ssrc
        named = packet.fmt == _FIR and self._ssrc in _fir_targets(packet.fci)
        if named or (ours and packet.fmt in (_PLI, _FIR)):
            self._subscription.ask_key_frame()
        elif packet.fmt == _AFB:
            self._hear_estimate(packet.fci)

    def _hear_estimate(self, fci: bytes) -> None:
        try:
            bits_per_s, ssrcs = rtp.unpack_remb_fci(fci)
        except (ValueError, struct.error):  # feedback of another kind, or none that can be read
            return
        if self._ssrc in ssrcs:
            self._subscription.estimate(float(bits_per_s))

    def _hear_loss(self, report: rtp.RtcpReceiverInfo) -> None:
        highest, now_s = report.highest_sequence, self._clock()
        self._losses, lost = losses.after(self._losses, highest, report.packets_lost, now_s)
        if lost is None:
            return
        self._patience = after_report(self._patience, lost, now_s)
        self._always = self._steady()
        self._subscription.lost(lost)


def _fir_targets(fci: bytes) -> set[int]:
    """RFC 5104 section 4.3.1.1: entries of SSRC, sequence number and three bytes of nothing."""
    return {ssrc for ssrc, _ in struct.iter_unpack("!LL", fci[: len(fci) // 8 * 8])}
