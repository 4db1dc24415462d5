"""What is asked of a phone's offer, with offers that Chromium made and what may be done to them."""

from __future__ import annotations

import re

import pytest
from aiortc import RTCPeerConnection
from hypothesis import given
from hypothesis import strategies as st

from live.stream.camera_offer import read_camera_offer
from live.stream.encoder import Codec
from live.stream.offer import OfferError
from tests.live.stream.camera_phone import Phone


async def an_offer(codec: str | None = None) -> str:
    phone = Phone("http://localhost/", codec=codec)
    text = await phone.offer()
    await phone.connection.close()
    return text


async def test_one_camera_is_taken_with_the_best_codec() -> None:
    text = await an_offer()
    offer = read_camera_offer(text)
    assert offer.codec is Codec.H264
    assert [one.name for one in offer.preferences] == ["H264", "rtx"]
    assert "a=candidate" in text and "a=candidate" not in offer.sdp
    assert "end-of-candidates" not in offer.sdp
    assert read_camera_offer(await an_offer("VP8")).codec is Codec.VP8
    assert read_camera_offer(text, (Codec.VP8, Codec.H264)).codec is Codec.VP8


@pytest.mark.parametrize("direction", ["sendrecv", "recvonly", "inactive"])
async def test_what_wants_a_picture_back_is_refused(direction: str) -> None:
    with pytest.raises(OfferError, match=f"video is {direction}; make it sendonly") as refused:
        read_camera_offer((await an_offer()).replace("a=sendonly", f"a={direction}"))
    assert refused.value.status == 422


async def test_an_offer_that_says_no_direction_is_refused() -> None:
    """RFC 8866 section 6.7: it is sendrecv then."""
    with pytest.raises(OfferError) as refused:
        read_camera_offer((await an_offer()).replace("a=sendonly\r\n", ""))
    assert refused.value.status == 422


@pytest.mark.parametrize("kinds", [["audio"], ["video", "audio"], ["video", "video"]])
async def test_anything_but_one_video_is_refused(kinds: list[str]) -> None:
    connection = RTCPeerConnection()
    for kind in kinds:
        connection.addTransceiver(kind, direction="sendonly")
    text = (await connection.createOffer()).sdp
    await connection.close()
    with pytest.raises(OfferError, match=f"the offer has {', '.join(kinds)}; send one") as refused:
        read_camera_offer(text)
    assert refused.value.status == 422


async def test_a_data_channel_is_refused() -> None:
    connection = RTCPeerConnection()
    connection.createDataChannel("any")
    text = (await connection.createOffer()).sdp
    await connection.close()
    with pytest.raises(OfferError, match="the offer has application"):
        read_camera_offer(text)


async def test_offers_that_lack_something_say_what() -> None:
    text = await an_offer()
    for pattern, status, words in [
        (r"a=fingerprint:.*\r\n", 400, "DTLS"),
        (r"a=ice-pwd:.*\r\n", 400, "ice-pwd"),
        (r"(?s)\A.*\Z", 422, "no media"),
    ]:
        with pytest.raises(OfferError, match=words) as refused:
            read_camera_offer(re.sub(pattern, "", text))
        assert refused.value.status == status
    other = re.sub(r"(VP8|H264)/90000", "AV9/90000", text)
    with pytest.raises(OfferError, match="AV9, rtx") as refused:
        read_camera_offer(other)
    assert refused.value.status == 406
    with pytest.raises(OfferError) as refused:
        read_camera_offer(text + "a=x\r\n" * 2000)
    assert refused.value.status == 413


@given(st.text())
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(OfferError):
        read_camera_offer(text)
