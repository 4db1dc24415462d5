"""RTP packets to coded frames: loss, disorder, repetition, wrapping numbers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiortc.codecs import CODECS
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from live.errors import StreamError
from live.stream.camera_frames import (
    ASK_AGAIN_S,
    GAP_S,
    MOST_PACKETS,
    CodedFrame,
    FrameAssembler,
    is_key,
)
from live.stream.camera_receiver import (
    LAG_S,
    MOST_FRAMES,
    NACK_AGAIN_S,
    LostPackets,
    NewestFrames,
    receive_newest,
)
from live.stream.encoder import Codec

KEY = bytes([0x50, 0, 0]) + b"\x9d\x01\x2a" + bytes(8)  # VP8
DELTA = bytes([0x51, 0, 0]) + bytes(8)
FRAME_RTP = 3000  # 30 a second
PARAMETERS = CODECS["video"][0]


class Sender:
    """Makes packets as a phone does."""

    def __init__(self, sequence: int = 0, timestamp: int = 0) -> None:
        self.sequence, self.timestamp, self.number = sequence, timestamp, 0

    def frame(self, packets: int = 3, key: bool = False, marked: bool = True) -> list[RtpPacket]:
        data = (KEY if key else DELTA) + bytes([self.number % 256]) * packets
        made = []
        for place in range(packets):
            last = place == packets - 1
            packet = RtpPacket(
                marker=int(marked and last),
                sequence_number=self.sequence % 2**16,
                timestamp=self.timestamp % 2**32,
            )
            packet._data = data[place : place + 1] if not last else data[place:]  # type: ignore[attr-defined]
            made.append(packet)
            self.sequence += 1
        self.timestamp += FRAME_RTP
        self.number += 1
        return made


def assembler(codec: Codec = Codec.VP8) -> FrameAssembler:
    return FrameAssembler(codec, lambda: 5.0)


def feed(to: FrameAssembler, packets: list[RtpPacket]) -> tuple[list[CodedFrame], int]:
    """(the frames that came out, in order; how often a key frame was asked for)."""
    frames: list[CodedFrame] = []
    asked = 0
    for packet in packets:
        wanted, first = to.add(packet)
        asked += wanted
        if first is not None:
            frames += [first, *first.rest]
    return frames, asked


def test_a_frame_is_whole_with_its_last_packet() -> None:
    sender, ours = Sender(), assembler()
    for number in range(4):
        *before, last = sender.frame(key=number == 0)
        assert feed(ours, before) == ([], 0)
        (frame,), asked = feed(ours, [last])
        assert asked == 0
        assert frame.data[-1] == number
        assert frame.arrived_s == 5.0
        assert frame.key == (number == 0)


def test_a_sender_without_markers_is_understood_by_its_time_stamps() -> None:
    sender, ours = Sender(), assembler()
    packets = [p for n in range(4) for p in sender.frame(key=n == 0, marked=False)]
    frames, asked = feed(ours, packets)
    assert [one.data[-1] for one in frames] == [0, 1, 2]
    assert asked == 0


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_any_disorder_within_a_few_packets_comes_out_in_order(
    sequence: int, timestamp: int, random: object
) -> None:
    sender, ours = Sender(sequence, timestamp), assembler()
    packets = [p for n in range(30) for p in sender.frame(packets=1 + n % 4, key=n == 0)]
    head, rest = packets[:1], packets[1:]
    order = sorted(range(len(rest)), key=lambda n: n + random.uniform(0, 6))  # type: ignore[attr-defined]
    again = [rest[n] for n in order for _ in range(2)]  # each twice
    frames, asked = feed(ours, head + again)
    assert [one.data[-1] for one in frames] == list(range(30))
    assert asked == 0


def test_frames_that_waited_for_one_packet_come_together() -> None:
    sender, ours = Sender(), assembler()
    feed(ours, sender.frame(key=True))
    lost, *rest = sender.frame()
    assert feed(ours, rest + sender.frame() + sender.frame()) == ([], 0)
    wanted, first = ours.add(lost)
    assert not wanted and first is not None
    assert [one.data[-1] for one in (first, *first.rest)] == [1, 2, 3]


def test_a_packet_that_stays_lost_costs_a_moment_and_a_key_frame() -> None:
    sender, ours = Sender(), assembler()
    feed(ours, sender.frame(key=True))
    sender.frame()  # never sent
    late = int(GAP_S * 30) + 2
    frames, asked = feed(ours, [p for _ in range(late) for p in sender.frame()])
    assert frames == []
    assert asked == 1
    (frame,), _ = feed(ours, sender.frame(key=True))
    assert frame.key
    assert len(feed(ours, sender.frame())[0]) == 1


def test_a_key_frame_that_does_not_come_is_asked_for_again_but_not_all_the_time() -> None:
    sender, ours = Sender(), assembler()
    frames, asked = feed(ours, [p for _ in range(61) for p in sender.frame(1)])  # two seconds
    assert frames == []
    assert asked == 1 + int(2 / ASK_AGAIN_S)


def test_another_stream_begins_with_its_key_frame() -> None:
    sender, ours = Sender(), assembler()
    feed(ours, sender.frame(key=True))
    sender.sequence += 3 * MOST_PACKETS
    assert feed(ours, sender.frame()) == ([], 1)
    assert len(feed(ours, sender.frame(key=True))[0]) == 1


def test_nothing_is_kept_for_ever() -> None:
    sender, ours = Sender(), assembler()
    feed(ours, sender.frame(key=True))
    for _ in range(2000):
        sender.sequence += 1  # a packet is lost in every frame
        feed(ours, sender.frame(2))
    assert len(vars(ours)["_packets"]) < MOST_PACKETS


def test_padding_is_no_picture() -> None:
    sender, ours = Sender(), assembler()
    feed(ours, sender.frame(key=True))
    padding = RtpPacket(sequence_number=sender.sequence, timestamp=0, marker=1)
    padding._data = b""  # type: ignore[attr-defined]
    assert feed(ours, [padding]) == ([], 0)


def test_key_frames_are_known() -> None:
    start = b"\0\0\0\1"
    whole = start + b"\x67sps" + start + b"\x68pps" + start + b"\x65idr"
    assert is_key(Codec.H264, whole)
    assert not is_key(Codec.H264, start + b"\x65idr")  # nothing says how large it is
    assert not is_key(Codec.H264, start + b"\x61")
    assert is_key(Codec.VP8, KEY)
    assert not is_key(Codec.VP8, DELTA)
    assert not is_key(Codec.VP8, b"")


def test_a_lost_packet_is_asked_for_again_until_it_would_be_too_late() -> None:
    now, late = [0.0], [False]
    lost = LostPackets(lambda number: late[0], lambda: now[0])

    def add(number: int) -> bool:
        return lost.add(RtpPacket(sequence_number=number))

    assert not add(1)
    assert add(3), "at once"
    assert lost.missing == {2}
    assert not add(4), "and not with every packet"
    now[0] += 2 * NACK_AGAIN_S
    assert add(5)
    assert not add(6)
    now[0] += 2 * NACK_AGAIN_S
    assert not add(2), "it came"
    assert add(8)
    late[0] = True
    now[0] += 2 * NACK_AGAIN_S
    assert not add(9)
    assert lost.missing == set()


def test_another_aiortc_is_refused_in_words() -> None:
    with pytest.raises(StreamError, match=r"does not receive as 1\.16 does"):
        receive_newest(SimpleNamespace(track=None), Codec.VP8, print)  # type: ignore[arg-type]


def coded(number: int, key: bool = False, arrived_s: float = 0.0) -> CodedFrame:
    return CodedFrame(bytes([number % 256]), number * FRAME_RTP, key, arrived_s)


def test_a_decoder_that_lags_is_cut_to_the_next_key_frame() -> None:
    cut: list[bool] = []
    queue = NewestFrames(lambda: cut.append(True))
    queue.put((PARAMETERS, coded(0, key=True)))
    queue.put((PARAMETERS, coded(1, arrived_s=LAG_S)))
    assert cut == []
    queue.put((PARAMETERS, coded(2, arrived_s=LAG_S + 0.1)))
    queue.put((PARAMETERS, coded(3, arrived_s=LAG_S + 0.2)))
    assert cut == [True]
    assert queue.dropped == 4
    queue.put((PARAMETERS, coded(4, key=True, arrived_s=1.0)))
    task = queue.get()
    assert task is not None and task[1].data == b"\x04"
    assert queue.arrived_s == 1.0


def test_a_burst_is_decoded_and_bounded() -> None:
    queue = NewestFrames(lambda: None)
    for number in range(10 * MOST_FRAMES):
        queue.put((PARAMETERS, coded(number)))
    assert queue.dropped >= 9 * MOST_FRAMES


def test_a_key_frame_makes_what_came_before_needless() -> None:
    queue = NewestFrames(lambda: None)
    for number in range(5):
        queue.put((PARAMETERS, coded(number, key=number == 4)))
    queue.put(None)
    assert queue.dropped == 4
    assert queue.get() is None, "the end comes first"


def test_frames_that_came_together_keep_their_times() -> None:
    queue = NewestFrames(lambda: None)
    first = CodedFrame(b"a", 2**32 - 1000, True, 0.0)
    first.rest = [CodedFrame(b"b", 2000, False, 0.0)]
    first.timestamp = 90_000  # as aiortc counts it
    queue.put((PARAMETERS, first))
    taken = [queue.get(), queue.get()]
    assert [one[1].timestamp for one in taken if one is not None] == [90_000, 93_000]
