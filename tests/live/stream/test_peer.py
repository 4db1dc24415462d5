from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiortc import AudioStreamTrack, MediaStreamTrack
from av import AudioFrame

from live.errors import StreamError
from live.stream.encoder import Codec
from live.stream.hub import Hub
from live.stream.offer import OfferError, read_offer
from live.stream.peer import Peer
from tests.live.stream.pattern import Performance
from tests.live.stream.test_whep import until
from tests.live.stream.watcher import Watcher


@dataclass
class Silence:
    """A show's sound: aiortc's own silent track, one for each viewer."""

    tracks: list[MediaStreamTrack] = field(default_factory=list)

    def track(self) -> MediaStreamTrack:
        self.tracks.append(AudioStreamTrack())
        return self.tracks[-1]


@pytest_asyncio.fixture
async def watcher() -> AsyncIterator[Watcher]:
    made = Watcher("", sound=True)
    yield made
    await made.connection.close()


async def meet(hub: Hub, watcher: Watcher, sound: Silence | None) -> Peer:
    peer = Peer(hub, read_offer(await watcher.offer()), sound=sound)
    await watcher.accept(await peer.answer())
    return peer


async def test_who_wants_to_hear_hears_and_sees(hub: Hub, watcher: Watcher) -> None:
    silence = Silence()
    with Performance(hub):
        peer = await meet(hub, watcher, silence)
        await watcher.pictures(3)
        assert watcher.sound is not None
        frame = await asyncio.wait_for(watcher.sound.track.recv(), 10)
        assert isinstance(frame, AudioFrame)
        assert frame.sample_rate == 48_000
        await peer.close()
    assert "opus/48000/2" in watcher.answer
    assert "PCMU" not in watcher.answer
    assert watcher.answer.count("a=sendonly") == 2
    assert [one.readyState for one in silence.tracks] == ["ended"]


async def test_a_show_without_sound_plays_silently(hub: Hub, watcher: Watcher) -> None:
    with Performance(hub):
        peer = await meet(hub, watcher, None)
        await watcher.pictures(3)
        await peer.close()
    assert watcher.answer.count("a=sendonly") == 1
    assert watcher.answer.count("a=inactive") == 1


async def test_who_wants_no_sound_takes_none(hub: Hub) -> None:
    silence, watcher = Silence(), Watcher("")
    peer = await meet(hub, watcher, silence)
    assert silence.tracks == []
    assert "m=audio" not in watcher.answer
    await peer.close()
    await watcher.connection.close()


async def test_a_sound_that_was_never_sent_is_stopped_too(hub: Hub, watcher: Watcher) -> None:
    silence = Silence()
    peer = Peer(hub, read_offer(await watcher.offer()), sound=silence)
    await peer.answer()
    await peer.close()
    await peer.close()
    assert [one.readyState for one in silence.tracks] == ["ended"]
    assert hub.counts.viewers == 0


async def test_the_end_of_the_show_ends_the_viewer(hub: Hub, watcher: Watcher) -> None:
    with Performance(hub):
        peer = await meet(hub, watcher, Silence())
        await watcher.pictures(2)
    assert peer.connected
    hub.close()
    await asyncio.wait_for(peer.ended.wait(), 10)
    await peer.close()
    await until(lambda: watcher.connection.connectionState == "closed")


async def test_after_the_show_nobody_joins(hub: Hub, watcher: Watcher) -> None:
    offer = read_offer(await watcher.offer())
    hub.close()
    with pytest.raises(StreamError, match="the show has ended"):
        Peer(hub, offer)


async def test_an_offer_that_only_looks_right_is_refused_and_leaves_nothing(
    hub: Hub, watcher: Watcher
) -> None:
    text = (await watcher.offer()).replace("a=rtcp-mux\r\n", "")
    peer = Peer(hub, read_offer(text))
    assert hub.counts.viewers == 1
    with pytest.raises(OfferError, match="contradicts itself"):
        await peer.answer()
    await peer.close()
    assert hub.counts.viewers == 0
    assert hub.subscribe(Codec.H264).dropped == 0
