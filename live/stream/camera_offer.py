"""A phone's offer, checked at the border: one camera that is sent to us, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiortc import RTCRtpCodecCapability, RTCRtpReceiver
from aiortc.rtcpeerconnection import is_codec_compatible
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from live.stream.encoder import Codec
from live.stream.offer import MALFORMED, MOST_LINES, OfferError

PREFERENCE = (Codec.H264, Codec.VP8)
"""Phones encode H.264 in hardware, where VP8 is done in software and warms the hand."""

_CANDIDATE = re.compile(r"a=(candidate:|end-of-candidates)")


@dataclass(frozen=True, slots=True)
class CameraOffer:
    """An offer that can be taken."""

    sdp: str  # without the phone's candidates: it calls us, see `live.stream.offer`
    codec: Codec  # what the phone will send
    preferences: tuple[RTCRtpCodecCapability, ...]  # the same, in aiortc's terms


def read_camera_offer(text: str, preference: tuple[Codec, ...] = PREFERENCE) -> CameraOffer:
    """The offer in `text`, checked. Raises `OfferError`."""
    if (lines := len(text.splitlines())) > MOST_LINES:
        raise OfferError(413, f"the offer has {lines} lines; send {MOST_LINES} at most")
    try:
        session = SessionDescription.parse(text)
    except MALFORMED as error:
        raise OfferError(400, f"the offer is not SDP that can be read ({error!r})") from error
    codec, capability = _best(_camera(session).rtp.codecs, preference)
    lines_kept = (line for line in text.splitlines(keepends=True) if not _CANDIDATE.match(line))
    return CameraOffer("".join(lines_kept), codec, (capability, _capability("rtx")))


def _camera(session: SessionDescription) -> MediaDescription:
    kinds = [media.kind for media in session.media]
    if kinds != ["video"]:
        raise OfferError(
            422,
            f"the offer has {', '.join(kinds) or 'no media'}; send one video section that is "
            "sendonly, and nothing else",
        )
    video = session.media[0]
    if video.direction != "sendonly":
        raise OfferError(
            422,
            f"the offer's video is {video.direction}; make it sendonly: a camera's picture comes "
            "in here and never goes out again",
        )
    if not (video.dtls and video.dtls.fingerprints and video.dtls.role):
        raise OfferError(400, "the offer has no DTLS fingerprint and setup line; WebRTC needs both")
    if not (video.ice and video.ice.usernameFragment and video.ice.password):
        raise OfferError(400, "the offer has no ice-ufrag and ice-pwd; WebRTC needs both")
    return video


def _best(
    offered: list[RTCRtpCodecParameters], preference: tuple[Codec, ...]
) -> tuple[Codec, RTCRtpCodecCapability]:
    for codec in preference:
        ours = _capability(codec.value)
        if any(is_codec_compatible(_parameters(ours), one) for one in offered):
            return codec, ours
    names = ", ".join(sorted({one.name for one in offered})) or "none"
    raise OfferError(
        406,
        f"the offer's video codecs ({names}) hold neither H.264 constrained baseline "
        "(packetization mode 1) nor VP8; use a browser that sends one of them",
    )


def _capability(name: str) -> RTCRtpCodecCapability:
    """aiortc's own of that name; of H.264 the constrained baseline, which every phone has."""
    found = RTCRtpReceiver.getCapabilities("video")
    assert found is not None
    named = [one for one in found.codecs if one.name == name]
    return min(named, key=lambda one: one.parameters.get("profile-level-id") != "42e01f")


def _parameters(capability: RTCRtpCodecCapability) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        capability.mimeType, capability.clockRate, parameters=capability.parameters
    )
