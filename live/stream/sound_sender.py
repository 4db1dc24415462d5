"""The show's sound over one WebRTC connection: packets that are coded already."""

from __future__ import annotations

from typing import Protocol

from aiortc import MediaStreamTrack, RTCPeerConnection

from live.stream.offer import OPUS


class Sound(Protocol):
    """What the show sounds like: a track of its own for each listener."""

    def track(self) -> MediaStreamTrack:
        """A new track of kind "audio", which whoever asks stops."""
        ...


def send_sound(connection: RTCPeerConnection, sound: Sound) -> MediaStreamTrack:
    """Add the sound to `connection`, as a track that only sends; returns it, to be stopped.

    aiortc itself stops only what it has begun to send. Call it before the descriptions are set.
    """
    track = sound.track()
    sender = connection.addTrack(track)
    transceiver = next(one for one in connection.getTransceivers() if one.sender is sender)
    transceiver.direction = "sendonly"
    transceiver.setCodecPreferences([OPUS])
    return track
