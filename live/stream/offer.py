"""A viewer's offer, checked at the border: what it asks for, or why it gets no answer."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from aiortc import RTCRtpCapabilities, RTCRtpCodecCapability, RTCRtpSender
from aiortc.rtcpeerconnection import is_codec_compatible
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from live.errors import StreamError
from live.stream.encoder import Codec

MOST_SECTIONS = 8
"""Media sections in one offer; each costs sockets."""

MOST_LINES = 1000
"""Lines in one offer; a browser's has about 200. Reading takes time that rises with their square,
and everybody's packets wait for it."""

MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What aiortc's reader raises on text that is not SDP: it checks with the means of the language."""

_PREFERENCE = (Codec.H264, Codec.VP8)
_WORDS = {
    Codec.H264: "H.264 constrained baseline in packetization mode 1",
    Codec.VP8: "VP8",
}


class OfferError(StreamError):
    """An offer that gets no answer; `status` is what HTTP says to it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be served."""

    sdp: str  # as it is given to aiortc, see `_controlled`
    codec: Codec  # the best that both have
    preferences: tuple[RTCRtpCodecCapability, ...]  # the same, in aiortc's terms
    sound: bool  # it wants Opus too


def read_offer(text: str, able: Collection[Codec] = tuple(Codec)) -> Offer:
    """The offer in `text`, checked. `able`: the codecs that we can make. Raises `OfferError`."""
    if (lines := len(text.splitlines())) > MOST_LINES:
        raise OfferError(413, f"the offer has {lines} lines; send {MOST_LINES} at most")
    try:
        session = SessionDescription.parse(text)
    except MALFORMED as error:
        raise OfferError(400, f"the offer is not SDP that can be read ({error!r})") from error
    if len(session.media) > MOST_SECTIONS:
        raise OfferError(
            400, f"the offer has {len(session.media)} media sections; send {MOST_SECTIONS} at most"
        )
    video = _video(session)
    capability, codec = _best_codec(video.rtp.codecs, able)
    return Offer(_controlled(text), codec, (capability, _RTX), _wants_sound(session))


def _video(session: SessionDescription) -> MediaDescription:
    videos = [media for media in session.media if media.kind == "video"]
    if not videos:
        raise OfferError(422, "the offer asks for no video; add a video section that is recvonly")
    video = videos[0]
    if video.direction not in ("recvonly", "sendrecv"):
        raise OfferError(
            422, f"the offer's video is {video.direction}; make it recvonly, for this is a show"
        )
    if not (video.dtls and video.dtls.fingerprints and video.dtls.role):
        raise OfferError(400, "the offer has no DTLS fingerprint and setup line; WebRTC needs both")
    if not (video.ice and video.ice.usernameFragment and video.ice.password):
        raise OfferError(400, "the offer has no ice-ufrag and ice-pwd; WebRTC needs both")
    return video


def _wants_sound(session: SessionDescription) -> bool:
    """Whether aiortc's pick, the first audio section, can have our sound."""
    for media in session.media:
        if media.kind == "audio":
            able = media.direction in ("recvonly", "sendrecv")
            return able and any(is_codec_compatible(_OPUS, one) for one in media.rtp.codecs)
    return False


def _best_codec(
    offered: list[RTCRtpCodecParameters], able: Collection[Codec]
) -> tuple[RTCRtpCodecCapability, Codec]:
    for codec in (one for one in _PREFERENCE if one in able):
        for capability in _CAPABILITIES.codecs:
            if capability.name == codec.value and _among(capability, offered):
                return capability, codec
    names = ", ".join(sorted({one.name for one in offered})) or "none"
    raise OfferError(
        406,
        f"the offer's video codecs ({names}) hold none that the show makes "
        f"({' and '.join(_WORDS[one] for one in _PREFERENCE if one in able) or 'none any more'}); "
        "use a browser that plays one of them",
    )


def _among(ours: RTCRtpCodecCapability, offered: list[RTCRtpCodecParameters]) -> bool:
    parameters = RTCRtpCodecParameters(
        mimeType=ours.mimeType, clockRate=ours.clockRate, parameters=ours.parameters
    )
    return any(is_codec_compatible(parameters, one) for one in offered)


def _video_capabilities() -> RTCRtpCapabilities:
    """aiortc's list with constrained baseline, which every browser has, before baseline."""
    found = RTCRtpSender.getCapabilities("video")
    found.codecs.sort(key=lambda one: one.parameters.get("profile-level-id") != "42e01f")
    return found


_CAPABILITIES = _video_capabilities()
_RTX = next(one for one in _CAPABILITIES.codecs if one.name == "rtx")

_SOUNDS = RTCRtpSender.getCapabilities("audio").codecs
OPUS = next(one for one in _SOUNDS if one.name == "opus")
_OPUS = RTCRtpCodecParameters(OPUS.mimeType, OPUS.clockRate, OPUS.channels)

_CANDIDATE = re.compile(r"a=(candidate:|end-of-candidates)")


def _controlled(text: str) -> str:
    """`text` without its candidates: the viewer calls us, and we answer where it called from.

    A browser hides its addresses behind mDNS names, and looking those up costs up to a second
    (aioice 0.13); it also keeps a stranger's offer from naming whom we should call. Without an
    end-of-candidates line aioice waits for the viewer's first check instead of giving up.
    """
    return "".join(line for line in text.splitlines(keepends=True) if not _CANDIDATE.match(line))
