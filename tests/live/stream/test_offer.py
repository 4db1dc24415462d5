from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.stream.encoder import Codec
from live.stream.offer import OfferError, read_offer
from tests.live.stream.watcher import Watcher


async def _offer() -> str:
    watcher = Watcher("")
    try:
        return await watcher.offer()
    finally:
        await watcher.connection.close()


REAL = asyncio.run(_offer())


def refusal(text: str) -> OfferError:
    with pytest.raises(OfferError) as caught:
        read_offer(text)
    return caught.value


def verdict(text: str) -> int:
    try:
        read_offer(text)
    except OfferError as error:
        return error.status
    return 200


def without(pattern: str, text: str = REAL) -> str:
    shorter = re.sub(pattern, "", text, flags=re.MULTILINE)
    assert shorter != text
    return shorter


def only(*codecs: str) -> str:
    """`REAL` with no other codecs than those named."""
    text = REAL
    for payload, name in re.findall(r"a=rtpmap:(\d+) (\w+)/", REAL):
        if name not in codecs:
            text = re.sub(rf"a=(rtpmap|fmtp|rtcp-fb):{payload} .*\r\n", "", text)
            text = re.sub(rf"(m=video .*) {payload}\b", r"\1", text)
    return text


def test_h264_is_preferred_and_vp8_will_do() -> None:
    assert read_offer(REAL).codec is Codec.H264
    assert read_offer(only("VP8")).codec is Codec.VP8
    assert read_offer(only("H264")).codec is Codec.H264


def test_h264_in_another_profile_or_packetization_is_not_ours() -> None:
    high = REAL.replace("profile-level-id=42", "profile-level-id=64")
    assert read_offer(high).codec is Codec.VP8
    single = REAL.replace("packetization-mode=1", "packetization-mode=0")
    assert read_offer(single).codec is Codec.VP8


def test_no_codec_of_ours_is_said_with_what_was_offered() -> None:
    error = refusal(only("VP8").replace("VP8/90000", "AV1/90000"))
    assert error.status == 406
    assert "AV1" in str(error)
    assert "use a browser" in str(error)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("", 422, "no video"),
        ("hello", 422, "no video"),
        ("v=0\r\nm=video\r\n", 400, "not SDP"),
        (REAL.replace("a=setup:actpass", "a=setup:whatever"), 400, "not SDP"),
        (REAL.replace("a=rtpmap:97", "a=rtpmap:ninety"), 400, "not SDP"),
        (REAL.replace("m=video", "m=audio"), 422, "no video"),
        (REAL.replace("a=recvonly", "a=sendonly"), 422, "make it recvonly"),
        (REAL.replace("a=recvonly", "a=inactive"), 422, "make it recvonly"),
        (without(r"^a=recvonly\r\n"), 422, "make it recvonly"),
        (without(r"^a=fingerprint:.*\r\n"), 400, "DTLS fingerprint"),
        (without(r"^a=setup:.*\r\n"), 400, "DTLS fingerprint"),
        (without(r"^a=ice-ufrag:.*\r\n"), 400, "ice-ufrag"),
        (without(r"^a=ice-pwd:.*\r\n"), 400, "ice-ufrag"),
        (REAL + REAL[REAL.index("m=video") :] * 20, 400, "21 media sections; send 8"),
        (REAL + "a=ssrc:1 cname:x\r\n" * 3000, 413, "lines; send 1000 at most"),
        (REAL.replace("\r\n", "\r") + "a=x\r" * 3000, 413, "lines; send 1000 at most"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, status: int, words: str) -> None:
    error = refusal(text)
    assert error.status == status
    assert words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("audio", "wants"),
    [
        ("a=recvonly\r\na=rtpmap:111 opus/48000/2\r\n", True),
        ("a=sendrecv\r\na=rtpmap:111 OPUS/48000/2\r\n", True),
        ("a=sendonly\r\na=rtpmap:111 opus/48000/2\r\n", False),
        ("a=inactive\r\na=rtpmap:111 opus/48000/2\r\n", False),
        ("a=recvonly\r\n", False),
        ("a=recvonly\r\na=rtpmap:111 PCMU/8000\r\n", False),
    ],
)
def test_sound_is_wanted_where_opus_can_be_received(audio: str, wants: bool) -> None:
    section = f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{audio}"
    assert read_offer(REAL + section).sound is wants
    assert read_offer(REAL.replace("m=video", section + "m=video")).sound is wants
    other = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=inactive\r\n"
    assert not read_offer(REAL + other + section).sound, "only the first can have it"
    assert not read_offer(REAL).sound


def test_the_viewers_addresses_are_left_out() -> None:
    assert "a=candidate:" in REAL
    served = read_offer(REAL).sdp
    assert "candidate" not in served
    assert "a=ice-ufrag:" in served


lines = REAL.splitlines(keepends=True)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, len(lines) - 1), max_size=6),
    st.lists(st.tuples(st.integers(0, len(REAL) - 1), st.text(max_size=5)), max_size=6),
    st.integers(0, len(REAL)),
)
def test_whatever_comes_is_read_or_refused(
    dropped: list[int], written: list[tuple[int, str]], length: int
) -> None:
    text = "".join(line for number, line in enumerate(lines) if number not in dropped)
    for place, what in written:
        text = text[:place] + what + text[place + len(what) :]
    for version in (text, text[:length]):
        assert verdict(version) in (200, 400, 406, 413, 422)


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert refusal(text).status in (400, 406, 422)
