"""A viewer's RTP packets. What is the same for all viewers, a picture's payloads, is made once.

aiortc's sender packs each picture anew for each viewer, and each packet by way of an object; at
3 Mbit/s that took half of what a viewer costs. Here a packet is a head, the header extensions of
its picture, and a payload that all viewers share. Relies on inner names of aiortc 1.16, as
`sender` does, which checks that they are there.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiortc import rtp
from aiortc.codecs import get_encoder, h264
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters

from live.stream.encoder import Coded
from live.stream.rtp_extensions import Elements

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

HISTORY = 256
"""Packets that may be asked for again: more than half a second's at 3 Mbit/s. Being shared, their
payloads cost a house full of viewers no more than one."""

Pack = Callable[[Coded], Sequence[bytes]]
"""A picture's RTP payloads."""

_HEAD = struct.Struct("!BBHLL")
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970, RFC 5905 section 6


@dataclass(frozen=True, slots=True)
class Sent:
    """What has left so far, as a sender report tells it (RFC 3550 section 6.4.1)."""

    unix_s: float  # when the newest packet left
    timestamp: int  # that packet's, 32 bits
    packets: int
    octets: int  # of payload


class Packets:
    """Numbers, stamps and remembers one viewer's packets."""

    def __init__(self, parameters: RTCRtpSendParameters, ssrc: int, rtx_ssrc: int) -> None:
        """`parameters` as negotiated; aiortc's choice of the two SSRCs is in the SDP already."""
        codec = parameters.codecs[0]
        assert codec.payloadType is not None, "it is negotiated"
        self.pack = pack_for(codec)
        self._ssrc, self._kind = ssrc, codec.payloadType
        self._rtx_ssrc, self._rtx_kind = rtx_ssrc, _rtx_kind(parameters)
        self._ids = {one.uri: one.id for one in parameters.headerExtensions}
        self._mid = parameters.muxId
        self._sequence, self._rtx_sequence = random.getrandbits(15), random.getrandbits(15)
        self._origin = random.getrandbits(32)
        self._history: dict[int, tuple[int, int, int, bytes]] = {}
        self.sent: Sent | None = None
        self._packets = self._octets = 0

    @property
    def following(self) -> int:
        """The next packet's sequence number."""
        return self._sequence

    def extension(self, unix_s: float, more: Elements) -> bytes:
        """The header extensions of packets that leave at `unix_s`: aiortc's own two, and `more`."""
        elements = list(more)
        if (number := self._ids.get(ABS_SEND_TIME)) is not None:
            elements.append((number, abs_send_time(unix_s)))
        if (number := self._ids.get(MID)) is not None and self._mid:
            elements.append((number, self._mid.encode()))
        if not elements:
            return b""
        profile, block = rtp.pack_header_extensions(elements)
        return struct.pack("!HH", profile, len(block) // 4) + block

    def next(self, payload: bytes, ticks: int, last: bool, extension: bytes) -> bytes:
        """The next packet, of the picture at `ticks` (90 kHz); `last` of it has the marker."""
        sequence, marker = self._sequence, 0x80 if last else 0
        self._sequence = (sequence + 1) & 0xFFFF
        timestamp = (self._origin + ticks) & 0xFFFF_FFFF
        self._history[sequence % HISTORY] = sequence, marker, timestamp, payload
        self._packets += 1
        self._octets += len(payload)
        head = _head(extension, marker | self._kind, sequence, timestamp, self._ssrc)
        return head + extension + payload

    def note(self, ticks: int, unix_s: float) -> None:
        """The packets of the picture at `ticks` have left; for the next sender report."""
        timestamp = (self._origin + ticks) & 0xFFFF_FFFF
        self.sent = Sent(unix_s, timestamp, self._packets, self._octets)

    def again(self, sequence: int, extension: bytes) -> bytes | None:
        """Packet `sequence` once more, by RTX (RFC 4588) where agreed; None: it is forgotten."""
        kept = self._history.get(sequence % HISTORY)
        if kept is None or kept[0] != sequence:
            return None
        _, marker, timestamp, payload = kept
        if self._rtx_kind is None:
            head = _head(extension, marker | self._kind, sequence, timestamp, self._ssrc)
            return head + extension + payload
        again, kind = self._rtx_sequence, marker | self._rtx_kind
        self._rtx_sequence = (again + 1) & 0xFFFF
        head = _head(extension, kind, again, timestamp, self._rtx_ssrc)
        return head + extension + sequence.to_bytes(2, "big") + payload


def _head(extension: bytes, kind: int, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """RFC 3550 section 5.1; `kind` is the payload type, with the marker as its highest bit."""
    return _HEAD.pack(0x90 if extension else 0x80, kind, sequence, timestamp, ssrc)


def pack_for(codec: RTCRtpCodecParameters) -> Pack:
    """How pictures of `codec` are cut into payloads.

    H.264's payloads are shared. VP8's number the picture, without gaps for each viewer (browsers
    take picture n to build on n - 1), and a viewer may miss some.
    """
    if codec.name.upper() == "H264":
        return _h264_payloads
    encoder = get_encoder(codec)

    def pack(coded: Coded) -> Sequence[bytes]:
        payloads, _ = encoder.pack(coded.packet)
        return payloads

    return pack


@lru_cache(maxsize=16)  # both rungs' newest pictures, and those of viewers who are a little behind
def _h264_payloads(coded: Coded) -> tuple[bytes, ...]:
    payloads, _ = h264.H264Encoder().pack(coded.packet)
    return tuple(payloads)


def _rtx_kind(parameters: RTCRtpSendParameters) -> int | None:
    """The payload type of retransmissions; None where none was agreed."""
    main = parameters.codecs[0].payloadType
    kinds = (
        one.payloadType
        for one in parameters.codecs
        if one.name.lower() == "rtx" and one.parameters.get("apt") == main
    )
    return next(kinds, None)


def abs_send_time(unix_s: float) -> bytes:
    """The extension's 3 bytes: seconds, 6 bits before the point and 18 behind it.

    https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/
    """
    return (int((unix_s + _NTP_EPOCH_S) * 2**18) & 0xFF_FFFF).to_bytes(3, "big")


def with_counts(report: bytes, sent: Sent) -> bytes:
    """aiortc's serialized sender report with what was `sent`; other RTCP comes back as it was."""
    if report[1] != rtp.RTCP_SR or len(report) < 28:
        return report
    ntp = round((sent.unix_s + _NTP_EPOCH_S) * 2**32) % 2**64
    info = rtp.RtcpSenderInfo(ntp, sent.timestamp, sent.packets % 2**32, sent.octets % 2**32)
    return report[:8] + bytes(info) + report[28:]
