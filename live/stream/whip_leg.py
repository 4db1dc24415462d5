"""One WHIP session's WebRTC connection: the hub's packets on their way to an SFU."""

from __future__ import annotations

import asyncio

from aiortc import (
    MediaStreamTrack,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import (
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
from aiortc.rtcpeerconnection import is_codec_compatible
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription
from aiortc.stats import RTCTransportStats

from live.stream.encoder import Codec
from live.stream.network import NetworkSettings, open_connection
from live.stream.offer import MALFORMED, MOST_LINES
from live.stream.rtp_extensions import propose
from live.stream.sender import send_video
from live.stream.sound_sender import Sound, send_sound
from live.stream.subscription import Subscription
from live.stream.whip_client import WhipError

_REFUSED = (*MALFORMED, InternalError, InvalidAccessError, InvalidStateError, OperationError)
_PROFILE = "42e01f"  # constrained baseline 3.1, which everybody plays (RFC 7742 section 6.2)


class WhipLeg:
    """A consumer of the hub that offers, instead of answering. Lives on one event loop."""

    def __init__(
        self, subscription: Subscription, network: NetworkSettings, sound: Sound | None = None
    ) -> None:
        """The subscription is closed with the leg."""
        self.settled = asyncio.Event()  # it has connected, or ended before it could
        self.connected = False  # at any time so far
        self.ended = asyncio.Event()
        self._subscription = subscription
        self._sound = sound
        self._heard: MediaStreamTrack | None = None
        self._connection = open_connection(network)
        self._connection.on("connectionstatechange", self._state_changed)

    async def offer(self) -> str:
        """The offer's SDP, with all candidates in it. Raises `StreamError`."""
        preferences = _preferences(self._subscription.codec)
        sender = send_video(self._connection, self._subscription, preferences)
        sender.track.on("ended", self._over)
        if self._sound is not None:
            self._heard = send_sound(self._connection, self._sound)
        made = propose((await self._connection.createOffer()).sdp)
        await self._connection.setLocalDescription(RTCSessionDescription(made, "offer"))
        return self._connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Take the SFU's answer, and begin to connect. Raises `WhipError`."""
        _check(answer, self._subscription.codec)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except _REFUSED as error:
            raise WhipError(f"the answer does not fit our offer ({error!r})") from error

    async def received_bytes(self) -> int:
        """Bytes that came from the SFU so far; a live one reports about once a second."""
        report = await self._connection.getStats()
        transports = [one for one in report.values() if isinstance(one, RTCTransportStats)]
        return sum(one.bytesReceived for one in transports)

    async def close(self) -> None:
        """Leave the hub and free the sockets. May be called twice."""
        self._subscription.close()
        if self._heard is not None:
            self._heard.stop()
        await self._connection.close()
        self._over()

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.connected = True
            self.settled.set()
        elif state in ("failed", "closed"):
            self._over()

    def _over(self) -> None:
        self.settled.set()
        self.ended.set()


def _preferences(codec: Codec) -> list[RTCRtpCodecCapability]:
    """What is offered: one codec, since packets are ready made, and retransmission of it."""
    able = RTCRtpSender.getCapabilities("video").codecs
    rtx = [one for one in able if one.name == "rtx"]
    return [_capability(codec), *rtx]


def _capability(codec: Codec) -> RTCRtpCodecCapability:
    able = [
        one
        for one in RTCRtpSender.getCapabilities("video").codecs
        if one.name == codec.value and one.parameters.get("packetization-mode", "1") == "1"
    ]
    return next(
        (one for one in able if one.parameters.get("profile-level-id") == _PROFILE), able[0]
    )


def _check(answer: str, codec: Codec) -> None:
    """Raises `WhipError` for an answer with which nothing could be sent."""
    if (lines := len(answer.splitlines())) > MOST_LINES:
        raise WhipError(f"the endpoint's answer has {lines} lines; {MOST_LINES} at most are read")
    try:
        session = SessionDescription.parse(answer)
    except MALFORMED as error:
        raise WhipError(f"the endpoint's answer is not SDP that can be read ({error!r})") from error
    videos = [media for media in session.media if media.kind == "video"]
    if not videos:
        raise WhipError("the endpoint's answer has no video section; that is no answer to us")
    _check_video(videos[0], codec)


def _check_video(video: MediaDescription, codec: Codec) -> None:
    if video.port == 0 or video.direction not in ("recvonly", "sendrecv"):
        raise WhipError(f"the endpoint takes no {codec.value} video from us", codec=True)
    capability = _capability(codec)
    ours = RTCRtpCodecParameters(
        mimeType=capability.mimeType,
        clockRate=capability.clockRate,
        parameters=capability.parameters,
    )
    if not any(is_codec_compatible(ours, one) for one in video.rtp.codecs):
        names = ", ".join(sorted({one.name for one in video.rtp.codecs})) or "none"
        raise WhipError(f"the endpoint takes {names}, not {codec.value}", codec=True)
    if not (video.dtls and video.dtls.fingerprints and video.ice and video.ice.password):
        raise WhipError("the endpoint's answer lacks a DTLS fingerprint or ICE password")
