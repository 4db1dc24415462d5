"""RTP packets to whole coded frames, each handed on with its last packet.

aiortc 1.16's jitter buffer gives a frame out when the next one begins, which is a frame's time too
late, and where a packet stays lost it waits until 512 more have come. Here a frame ends with its
marker bit (RFC 7741 section 4.2, RFC 6184 section 5.1), and a gap that outlasts `GAP_S` is left
behind: the sender is asked for a key frame, and nothing is decoded until it comes.
"""

from __future__ import annotations

from itertools import pairwise

from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

from live.stream.encoder import Codec
from live.timing import Clock

GAP_S = 0.25
"""How long a lost packet is waited for: a few round trips of a bad radio."""

ASK_AGAIN_S = 0.5
"""Between two requests for a key frame that does not come."""

MOST_PACKETS = 1024
"""Held while one is missing; a key frame of 640x480 has about 40."""

_CLOCK_HZ = 90_000  # of RTP time stamps, for every video codec
_STARTS = b"\x9d\x01\x2a"  # of a VP8 key frame, RFC 6386 section 9.1
_H264_IDR, _H264_SPS = 5, 7  # NAL unit types, ITU-T H.264 table 7-1


class CodedFrame(JitterFrame):
    """One frame as the phone coded it."""

    def __init__(self, data: bytes, timestamp: int, key: bool, arrived_s: float) -> None:
        super().__init__(data, timestamp)
        self.rtp_timestamp = timestamp  # aiortc counts the other from the stream's beginning
        self.key = key
        self.arrived_s = arrived_s  # its last packet, monotonic clock
        self.rest: list[CodedFrame] = []  # later ones that were complete at the same moment


def is_key(codec: Codec, data: bytes) -> bool:
    """Whether decoding can begin with this frame: VP8, or H.264 with start codes (Annex B)."""
    if codec is Codec.VP8:
        return len(data) > 9 and not data[0] & 1 and data[3:6] == _STARTS
    kinds = {unit[0] & 0x1F for unit in data.split(b"\0\0\0\1") if unit}
    return {_H264_IDR, _H264_SPS} <= kinds


class FrameAssembler:
    """Takes the place of aiortc's jitter buffer: `add` is all that its receiver calls."""

    def __init__(self, codec: Codec, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock
        self._packets: dict[int, RtpPacket] = {}  # by sequence number
        self._next: int | None = None  # the sequence number that comes next
        self._needs_key = True
        self._missed = False  # something could not be given out for want of a key frame
        self._asked: int | None = None  # RTP time of the last request for a key frame

    def add(self, packet: RtpPacket) -> tuple[bool, CodedFrame | None]:
        """(whether a key frame must be asked for, the frame that is complete now)."""
        ahead = self._ahead(packet)
        if -MOST_PACKETS < ahead < 0:
            return False, None  # it comes too late, or twice
        if abs(ahead) >= MOST_PACKETS:  # another stream, or a very long gap
            self._leave_behind(packet.sequence_number)
        self._packets[packet.sequence_number] = packet
        frames = self._complete()
        if self._packets and not frames and self._waited_s(packet) > GAP_S:
            self._skip_gap()
            frames = self._complete()
        useful = [one for one in frames if self._useful(one)]
        return self._ask(packet), _chained(useful)

    def given_up(self, number: int) -> bool:
        """Whether the packet with that sequence number would come too late by now."""
        return self._next is not None and (number - self._next) % 0x10000 >= 0x8000

    def start_over(self) -> None:
        """Frames were dropped after us: let only a key frame pass."""
        self._needs_key = self._missed = True

    def _ahead(self, packet: RtpPacket) -> int:
        """How far past the packet that comes next, modulo 2^16."""
        if self._next is None:
            self._next = packet.sequence_number
        return (packet.sequence_number - self._next + 0x8000) % 0x10000 - 0x8000

    def _waited_s(self, packet: RtpPacket) -> float:
        """How far the packets that wait reach in time, by their own time stamps."""
        oldest = self._packets[min(self._packets, key=self._order)]
        return _seconds(oldest.timestamp, packet.timestamp)

    def _order(self, number: int) -> int:
        assert self._next is not None
        return (number - self._next) % 0x10000

    def _complete(self) -> list[CodedFrame]:
        """All frames without a gap before them; their packets are forgotten."""
        frames: list[CodedFrame] = []
        while (numbers := self._first_frame()) is not None:
            packets = [self._packets.pop(number) for number in numbers]
            self._next = (numbers[-1] + 1) % 0x10000
            data = b"".join(vars(one)["_data"] for one in packets)  # which aiortc depayloaded
            if data:  # padding has none
                key = is_key(self._codec, data)
                frames.append(CodedFrame(data, packets[0].timestamp, key, self._clock()))
        return frames

    def _first_frame(self) -> list[int] | None:
        """Sequence numbers of the first frame, if it is whole."""
        numbers: list[int] = []
        number = self._next
        while number is not None and (packet := self._packets.get(number)) is not None:
            if numbers and packet.timestamp != self._packets[numbers[0]].timestamp:
                return numbers  # a sender that sets no marker
            numbers.append(number)
            if packet.marker:
                return numbers
            number = (number + 1) % 0x10000
        return None

    def _skip_gap(self) -> None:
        """Go on with the first whole frame after the gap."""
        numbers = sorted(self._packets, key=self._order)
        for before, after in pairwise(numbers):
            if (before + 1) % 0x10000 == after and self._packets[before].marker:
                self._leave_behind(after)
                return
        self._leave_behind((numbers[-1] + 1) % 0x10000)

    def _leave_behind(self, first: int) -> None:
        """Forget every packet before `first`."""
        kept = {n: one for n, one in self._packets.items() if (n - first) % 0x10000 < MOST_PACKETS}
        self._next, self._packets = first, kept
        self.start_over()

    def _useful(self, frame: CodedFrame) -> bool:
        if frame.key:
            self._needs_key, self._missed, self._asked = False, False, None
        self._missed = self._needs_key
        return not self._needs_key

    def _ask(self, packet: RtpPacket) -> bool:
        """Whether to ask for a key frame now. The first one comes unasked."""
        if not (self._needs_key and self._missed):
            return False
        if self._asked is not None and _seconds(self._asked, packet.timestamp) < ASK_AGAIN_S:
            return False
        self._asked = packet.timestamp
        return True


def _seconds(from_rtp: int, to_rtp: int) -> float:
    """Between two RTP time stamps, which wrap."""
    return (to_rtp - from_rtp) % 2**32 / _CLOCK_HZ


def _chained(frames: list[CodedFrame]) -> CodedFrame | None:
    """The first, and the others as its `rest`: aiortc takes one frame for one packet."""
    if not frames:
        return None
    frames[0].rest = frames[1:]
    return frames[0]
