from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise

import pytest
from aiortc import rtp
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpSendParameters,
)

from live.stream.encoder import Codec, Coded, EncoderSettings, open_encoder
from live.stream.packets import ABS_SEND_TIME, HISTORY, MID, Packets, abs_send_time, with_counts
from live.stream.planes import to_i420
from tests.live.stream.pattern import pattern

SSRC, RTX_SSRC = 1234, 5678
NOW_S = 1_700_000_000.25

H264 = RTCRtpCodecParameters("video/H264", 90_000, payloadType=97)
VP8 = RTCRtpCodecParameters("video/VP8", 90_000, payloadType=99)
RTX = RTCRtpCodecParameters("video/rtx", 90_000, payloadType=98, parameters={"apt": 97})
EXTENSIONS = [
    RTCRtpHeaderExtensionParameters(id=1, uri=MID),
    RTCRtpHeaderExtensionParameters(id=3, uri=ABS_SEND_TIME),
]

PARAMETERS = RTCRtpSendParameters([H264, RTX], EXTENSIONS, "0")


def packets(parameters: RTCRtpSendParameters = PARAMETERS) -> Packets:
    return Packets(parameters, SSRC, RTX_SSRC)


def read(packet: bytes) -> rtp.RtpPacket:
    """As aiortc's receiver reads it."""
    known = rtp.HeaderExtensionsMap()
    known.configure(PARAMETERS)
    return rtp.RtpPacket.parse(packet, known)


def coded(codec: Codec, count: int = 3) -> list[Coded]:
    encoder = open_encoder(codec, (256, 256), EncoderSettings(bitrate_kbps=5000))
    pictures = (to_i420(pattern(number)) for number in range(count))
    return [encoder.encode(one, n * 3000, 0.0, n == 0) for n, one in enumerate(pictures)]


def test_a_packet_is_what_aiortc_would_have_made() -> None:
    ours = packets()
    packet = ours.next(b"payload", 4500, True, ours.extension(NOW_S, ()))
    found = read(packet)
    assert (found.payload_type, found.marker, found.ssrc) == (97, 1, SSRC)
    assert found.payload == b"payload"
    assert found.extensions.mid == "0"
    assert found.extensions.abs_send_time == int.from_bytes(abs_send_time(NOW_S), "big")
    known = rtp.HeaderExtensionsMap()
    known.configure(PARAMETERS)
    assert len(found.serialize(known)) == len(packet), "not a byte more"


def test_sequence_numbers_follow_each_other_and_wrap() -> None:
    ours = packets()
    found = [read(ours.next(b"1", 0, False, b"")) for _ in range(70_000)]
    steps = {(b.sequence_number - a.sequence_number) % 65_536 for a, b in pairwise(found)}
    assert steps == {1}
    assert {one.marker for one in found} == {0}


def test_timestamps_are_the_pictures_and_wrap() -> None:
    ours = packets()
    first, second = (read(ours.next(b"1", t, True, b"")) for t in (2**32 - 1000, 2**32 + 2000))
    assert (second.timestamp - first.timestamp) % 2**32 == 3000


def test_more_extensions_stand_beside_aiortcs_own() -> None:
    ours = packets()
    plain, more = ours.extension(NOW_S, ()), ours.extension(NOW_S, ((5, b"\0\0\1"),))
    assert len(plain) == 12
    assert len(more) == 16
    assert b"\x52\0\0\1" in more
    assert packets(RTCRtpSendParameters([H264])).extension(NOW_S, ()) == b""


def test_what_is_asked_for_again_comes_by_rtx_under_numbers_of_its_own() -> None:
    ours = packets()
    sent = [read(ours.next(bytes([n]), 10 * n, n == 2, b"")) for n in range(4)]
    again = [ours.again(sent[n].sequence_number, b"") for n in (2, 1)]
    found = [read(one) for one in again if one is not None]
    assert [(one.ssrc, one.payload_type) for one in found] == [(RTX_SSRC, 98)] * 2
    assert found[1].sequence_number == (found[0].sequence_number + 1) % 65_536
    for one, lost in zip(found, (sent[2], sent[1]), strict=True):
        unwrapped = rtp.unwrap_rtx(one, payload_type=97, ssrc=SSRC)
        assert unwrapped.serialize() == lost.serialize()


def test_without_rtx_it_is_the_same_packet_once_more() -> None:
    ours = packets(replace(PARAMETERS, codecs=[H264]))
    first = ours.next(b"1", 7, True, b"")
    assert ours.again(read(first).sequence_number, b"") == first


def test_what_left_long_ago_is_forgotten() -> None:
    ours = packets()
    numbers = [read(ours.next(b"1", 0, False, b"")).sequence_number for _ in range(HISTORY + 1)]
    assert ours.again(numbers[0], b"") is None
    assert ours.again(numbers[1], b"") is not None
    assert ours.again((numbers[-1] + 1) % 65_536, b"") is None, "it has not left yet"


def test_h264_is_cut_once_for_all_viewers() -> None:
    picture = coded(Codec.H264)[0]
    one, other = packets().pack(picture), packets().pack(picture)
    assert one is other
    assert list(one) == H264Encoder().pack(picture.packet)[0]


def test_vp8_pictures_are_numbered_without_gaps_for_each_viewer() -> None:
    pictures = coded(Codec.VP8)
    steady, late = (packets(RTCRtpSendParameters([VP8])) for _ in range(2))

    def number(ours: Packets, picture: Coded) -> int:
        found, _ = VpxPayloadDescriptor.parse(ours.pack(picture)[0])
        assert found.picture_id is not None
        return int(found.picture_id)

    first, second = number(steady, pictures[0]), number(late, pictures[0])
    assert number(steady, pictures[1]) == (first + 1) % 2**15
    assert number(steady, pictures[2]) == (first + 2) % 2**15
    assert number(late, pictures[2]) == (second + 1) % 2**15, "whatever it missed"


def a_report(ntp: int = 0) -> bytes:
    report = rtp.RtcpSrPacket(SSRC, rtp.RtcpSenderInfo(ntp, 0, 0, 0))
    names = rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(SSRC, [(1, b"name")])])
    return bytes(report) + bytes(names)


def test_a_sender_report_tells_what_has_left() -> None:
    ours = packets()
    for last in (False, True):
        packet = ours.next(b"12345", 9000, last, b"")
    ours.note(9000, NOW_S)
    assert ours.sent is not None
    report, names = rtp.RtcpPacket.parse(with_counts(a_report(), ours.sent))
    assert isinstance(report, rtp.RtcpSrPacket)
    assert isinstance(names, rtp.RtcpSdesPacket)
    info = report.sender_info
    assert (info.packet_count, info.octet_count) == (2, 10)
    assert info.rtp_timestamp == read(packet).timestamp
    assert info.ntp_timestamp / 2**32 - 2_208_988_800 == pytest.approx(NOW_S, abs=1e-3)
    assert report.ssrc == SSRC


def test_other_rtcp_is_left_alone() -> None:
    ours = packets()
    ours.next(b"1", 0, True, b"")
    ours.note(0, NOW_S)
    assert ours.sent is not None
    bye = bytes(rtp.RtcpByePacket([SSRC]))
    assert with_counts(bye, ours.sent) == bye


def test_the_time_of_leaving_has_six_bits_before_the_point() -> None:
    seconds = struct.unpack("!L", b"\0" + abs_send_time(NOW_S))[0] / 2**18
    assert seconds == pytest.approx((NOW_S + 2_208_988_800) % 64, abs=1e-5)
