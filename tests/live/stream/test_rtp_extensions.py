from __future__ import annotations

import struct

import pytest
from aiortc.rtp import unpack_header_extensions
from hypothesis import given
from hypothesis import strategies as st

from live.stream.rtp_extensions import (
    ABS_CAPTURE_TIME,
    LOSSY,
    MOST_PLAYOUT_MS,
    OURS,
    PLAYOUT_DELAY,
    QUIET_S,
    STEPS_MS,
    Patience,
    abs_capture_time,
    after_report,
    agree,
    agreed,
    playout_delay,
    propose,
)

OFFER = "\r\n".join([
    "v=0",
    "a=group:BUNDLE 0 1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    f"a=extmap:2 {ABS_CAPTURE_TIME}",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    f"a=extmap:2 {ABS_CAPTURE_TIME}",
    f"a=extmap:5 {PLAYOUT_DELAY}",
    "",
])  # fmt: skip
ANSWER = "\r\n".join([
    "v=0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "",
])  # fmt: skip


def test_playout_delay_is_two_times_twelve_bits_of_ten_milliseconds() -> None:
    assert playout_delay(0, 10) == bytes.fromhex("000001")
    assert playout_delay(0, 0) == bytes(3)
    assert playout_delay(20, 1000) == bytes.fromhex("002064")
    assert playout_delay(MOST_PLAYOUT_MS, MOST_PLAYOUT_MS) == b"\xff\xff\xff"
    assert playout_delay(0, 11) == playout_delay(0, 20), "rounded up, never to 0"


def test_capture_time_is_ntp() -> None:
    assert abs_capture_time(0.0) == struct.pack("!II", 2_208_988_800, 0)
    assert abs_capture_time(0.5) == struct.pack("!II", 2_208_988_800, 2**31)
    in_2036_s = 2**32 - 2_208_988_800  # era 1 begins, RFC 5905 section 6
    assert abs_capture_time(in_2036_s + 1.25) == struct.pack("!II", 1, 2**30)


@given(st.floats(1.7e9, 2.0e9))
def test_capture_time_is_right_to_a_microsecond(unix_s: float) -> None:
    seconds, fraction = struct.unpack("!II", abs_capture_time(unix_s))
    assert abs(seconds - 2_208_988_800 + fraction / 2**32 - unix_s) < 1e-6


def read(packet: bytes) -> list[tuple[int, bytes]]:
    """The extensions of a packet, by aiortc's own reader."""
    if not packet[0] & 0x10:
        return []
    head = 12 + 4 * (packet[0] & 0x0F)
    profile, words = struct.unpack_from("!HH", packet, head)
    return unpack_header_extensions(profile, packet[head + 4 : head + 4 + 4 * words])


def test_what_was_offered_for_video_is_agreed_with_the_offers_ids() -> None:
    answer = agree(ANSWER, OFFER)
    audio, video = answer.split("m=video")
    assert not any(uri in audio for uri in OURS)
    assert f"a=extmap:5 {PLAYOUT_DELAY}\r\n" in video
    assert f"a=extmap:2 {ABS_CAPTURE_TIME}\r\n" in video
    assert agreed(answer, OFFER, "1") == {ABS_CAPTURE_TIME: 2, PLAYOUT_DELAY: 5}
    assert agreed(answer, OFFER, "0") == {}
    assert agreed(answer, OFFER, "7") == {}
    assert agree(answer, OFFER) == answer, "nothing twice: aiortc may have put it there itself"


@pytest.mark.parametrize(
    "wrong",
    [
        OFFER.replace("extmap:5", "extmap:15"),  # kept free, RFC 8285 section 4.2
        OFFER.replace("extmap:5", "extmap:0"),
        OFFER.replace("extmap:5", "extmap:4096"),
        OFFER.replace("extmap:5", "extmap:5/recvonly"),
        OFFER.replace("extmap:5", "extmap:" + "9" * 20_000),
        OFFER.replace(PLAYOUT_DELAY, PLAYOUT_DELAY + "2"),
        OFFER.replace("a=mid:1", "a=mid:2"),
        "",
    ],
)
def test_what_was_not_offered_is_not_agreed(wrong: str) -> None:
    answer = agree(ANSWER, wrong)
    assert PLAYOUT_DELAY not in answer
    assert PLAYOUT_DELAY not in agreed(answer, wrong, "1")


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_borne(answer: str, offer: str) -> None:
    assert agree(answer, offer).startswith(answer[: answer.find("m=")])
    assert agreed(answer, offer, "0") == {}


def test_a_proposal_has_free_ids() -> None:
    offer = propose(ANSWER)
    ids = agreed(offer, offer, "1")
    assert set(ids) == set(OURS)
    assert len({*ids.values(), 1}) == 3
    assert not any(uri in offer.split("m=video")[0] for uri in OURS)
    full = ANSWER + "".join(f"a=extmap:{number} urn:x:{number}\r\n" for number in range(1, 15))
    assert propose(full) == full


def test_an_id_that_the_other_side_changed_is_not_in_force() -> None:
    offer = propose(ANSWER)
    answer = offer.replace(f"a=extmap:14 {PLAYOUT_DELAY}", f"a=extmap:12 {PLAYOUT_DELAY}")
    assert agreed(offer, answer, "1") == {ABS_CAPTURE_TIME: 13}


def test_losses_raise_the_delay_in_steps_and_quiet_lowers_it() -> None:
    patience, asked_ms = Patience(), []
    for now_s, lost in [(0, 0.0), (1, 0.05), (2, 0.3), (3, 0.019), (4, 0.02), (5, 1.0), (6, 0.0)]:
        patience = after_report(patience, lost, now_s)
        asked_ms.append(patience.max_ms)
    assert asked_ms == [0, 40, 80, 80, 160, 160, 160]
    for number, expected in enumerate((80, 40, 0, 0)):
        later_s = 5 + (number + 1) * QUIET_S
        assert after_report(patience, 0.0, later_s - 0.1) == patience
        patience = after_report(patience, 0.0, later_s)
        assert patience.max_ms == expected


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1)), max_size=200))
def test_the_delay_is_bounded_and_moves_one_step_at_a_time(
    reports: list[tuple[float, float]],
) -> None:
    patience, now_s = Patience(), 0.0
    for pause_s, lost in reports:
        now_s += pause_s
        before, patience = patience, after_report(patience, lost, now_s)
        assert abs(patience.step - before.step) <= 1
        assert patience.max_ms in STEPS_MS
        assert patience.step >= before.step or lost < LOSSY
        playout_delay(0, patience.max_ms)
