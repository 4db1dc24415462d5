"""Sounds whose content is known: a click at every whole number of seconds; and ears for them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket
from av import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from live.stream.opus import RATE_HZ

CLICK_S = 0.01
PERIOD_S = 1.0
LOUD = 0.2

Wave = NDArray[np.float64]


def clicks(times_s: Wave) -> Wave:
    """10 ms of 1 kHz at every whole second, else silence; float64 (N,) in [-1, 1]."""
    tone = 0.9 * np.cos(2 * np.pi * 1000 * times_s)
    return np.where(times_s % PERIOD_S < CLICK_S, tone, 0.0)


def onsets_s(wave: Wave, rate_hz: float = RATE_HZ) -> list[float]:
    """Where clicks begin in float64 (N,), seconds."""
    loud = np.flatnonzero(np.abs(wave) > LOUD)
    starts = loud[np.diff(loud, prepend=-(10**9)) > rate_hz / 10]
    return [float(one) / rate_hz for one in starts]


def write_sound(
    path: Path,
    wave: Wave,
    rate_hz: int = RATE_HZ,
    codec: str = "pcm_s16le",
    container: str = "wav",
) -> Path:
    """A file with `wave` in it, float64 (N,), mono."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        frame = AudioFrame.from_ndarray(
            np.round(wave * 32_767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(stream.format, "mono", rate_hz, stream.frame_size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


def write_clicks(path: Path, seconds: float, rate_hz: int = RATE_HZ, **form: str) -> Path:
    """A file with a click at every whole second."""
    return write_sound(path, clicks(np.arange(round(seconds * rate_hz)) / rate_hz), rate_hz, **form)


def mono(samples: NDArray[np.int16]) -> Wave:
    """int16 (N, 2) -> float64 (N,) in [-1, 1]: the left channel."""
    return samples[:, 0] / 32_768


def read_sound(path: Path) -> Wave:
    """A file's sound from its time 0 on, float64 (N,): each frame where its time says."""
    wave = np.zeros(0)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            piece, begin = _left(frame), round(float(frame.time or 0.0) * RATE_HZ)
            wave = np.pad(wave, (0, max(0, begin + len(piece) - len(wave))))
            wave[begin : begin + len(piece)] = piece
    return wave


def _left(frame: AudioFrame) -> Wave:
    """float64 (N,), whatever the frame's form."""
    (plain,) = av.AudioResampler("s16", "stereo", RATE_HZ).resample(frame)
    return mono(np.asarray(plain.to_ndarray(), np.int16).reshape(-1, 2))


class Timed:
    """A receiver whose frames are placed on the sender's wall clock by its RTCP reports."""

    def __init__(self, receiver: RTCRtpReceiver, rate_hz: int) -> None:
        self.reports: list[tuple[float, int]] = []  # (NTP seconds, RTP ticks)
        self._receiver = receiver
        self._rate_hz = rate_hz
        plain = receiver._handle_rtcp_packet

        async def hear(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self.reports.append((info.ntp_timestamp / 2**32, info.rtp_timestamp))
            await plain(packet)

        setattr(receiver, "_handle_rtcp_packet", hear)  # noqa: B010 (mypy refuses `=`)

    def ntp_s(self, pts: int) -> float:
        """When what a frame with `pts` holds was sent, as the reports have it (their median)."""
        mapper = getattr(self._receiver, "_RTCRtpReceiver__timestamp_mapper")  # noqa: B009
        ticks = pts + mapper._origin
        found = [ntp_s + _signed(ticks - rtp) / self._rate_hz for ntp_s, rtp in self.reports]
        return float(np.median(found))


def _signed(ticks: int) -> int:
    """A difference of two 32-bit counters."""
    return (ticks + 2**31) % 2**32 - 2**31


async def hear(receiver: RTCRtpReceiver, seconds: float) -> tuple[Wave, int]:
    """So much of what comes, float64 (N,), each frame in its place, and the first one's pts."""
    first_pts: int | None = None
    wave = np.zeros(0)
    while len(wave) < seconds * RATE_HZ:
        frame = await receiver.track.recv()
        assert isinstance(frame, AudioFrame)
        assert frame.pts is not None
        first_pts = frame.pts if first_pts is None else first_pts
        piece = mono(np.asarray(frame.to_ndarray(), np.int16).reshape(-1, 2))
        lost = np.zeros(max(0, frame.pts - first_pts - len(wave)))
        wave = np.concatenate((wave, lost, piece))
    assert first_pts is not None
    return wave, first_pts
