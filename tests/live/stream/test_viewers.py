from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiortc import RTCPeerConnection

from live.errors import StreamError
from live.stream.hub import Hub
from live.stream.offer import OfferError
from live.stream.sound_sender import Sound
from live.stream.viewers import ViewerLimits, Viewers
from tests.live.stream.pattern import Performance
from tests.live.stream.test_peer import Silence
from tests.live.stream.test_whep import strike_dumb, until
from tests.live.stream.watcher import Watcher

OPEN_FILES = Path("/proc/self/fd")

Doorway = Callable[..., Viewers]


@pytest_asyncio.fixture
async def doorway(hub: Hub) -> AsyncIterator[Doorway]:
    """Viewers with the limits given; they are ended at the end."""
    made: list[Viewers] = []

    def open_for(sound: Sound | None = None, **limits: float) -> Viewers:
        made.append(Viewers(hub, ViewerLimits(**limits), sound=sound))  # type: ignore[arg-type]
        return made[-1]

    yield open_for
    for viewers in made:
        await viewers.close()


async def an_offer() -> str:
    watcher = Watcher("")
    text = await watcher.offer()
    await watcher.connection.close()
    return text


async def status(admission: Awaitable[object]) -> int:
    try:
        await admission
    except OfferError as error:
        return error.status
    return 201


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds on to."""

    files: int  # sockets among them
    tasks: int
    connections: int  # objects

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        if not OPEN_FILES.exists():
            pytest.skip("this system does not list a process's open files in /proc")
        connections = sum(type(one) is RTCPeerConnection for one in gc.get_objects())
        return cls(len(os.listdir(OPEN_FILES)), len(asyncio.all_tasks()), connections)


async def back_to(before: Held) -> None:
    """Wait until no more is held than `before`."""

    def freed() -> bool:
        now = astuple(Held.now())
        return all(is_ <= was for is_, was in zip(now, astuple(before), strict=True))

    await until(freed, timeout_s=20)


async def test_one_address_cannot_take_every_place_with_half_open_connections(
    hub: Hub, doorway: Doorway
) -> None:
    viewers, offer = doorway(most=6, connecting=3), await an_offer()
    got = [await status(viewers.admit(offer, "192.0.2.1")) for _ in range(5)]
    assert got == [201, 201, 201, 429, 429]
    with pytest.raises(OfferError, match=r"3 viewers from 192\.0\.2\.1 are still connecting"):
        await viewers.admit(offer, "192.0.2.1")
    assert [await status(viewers.admit(offer, "192.0.2.2")) for _ in range(2)] == [201, 201]
    assert await status(viewers.admit(offer)) == 201, "no address, no limit for it"
    assert await status(viewers.admit(offer, "192.0.2.3")) == 503
    assert hub.counts.viewers == 6


async def test_who_has_connected_makes_room_for_others_of_the_same_address(
    hub: Hub, doorway: Doorway
) -> None:
    viewers = doorway(connecting=1)
    watchers = [Watcher("") for _ in range(3)]
    with Performance(hub):
        for watcher in watchers:
            _, answer = await viewers.admit(await watcher.offer(), "192.0.2.1")
            await watcher.accept(answer)
            await watcher.pictures(1)
        assert len(viewers) == 3
        for watcher in watchers:
            await watcher.connection.close()
        await until(lambda: len(viewers) == 0)


async def test_a_refused_offer_takes_no_place(hub: Hub, doorway: Doorway) -> None:
    viewers, offer = doorway(most=2, connecting=2), await an_offer()
    contradiction = offer.replace("a=rtcp-mux\r\n", "")
    got = [await status(viewers.admit(contradiction, "192.0.2.1")) for _ in range(5)]
    assert got == [400] * 5
    assert await status(viewers.admit(offer, "192.0.2.1")) == 201


async def test_hundreds_of_half_open_connections_are_bounded_and_freed(
    hub: Hub, doorway: Doorway
) -> None:
    viewers, offer = doorway(most=40, connect_s=1.0), await an_offer()
    before = Held.now()

    async def knock(number: int) -> int:
        return await status(viewers.admit(offer, f"192.0.2.{number % 50}"))

    got = await asyncio.gather(*(knock(number) for number in range(300)))
    assert {201, 503} >= set(got)
    assert got.count(201) == 40
    assert hub.counts.viewers == len(viewers) == 40
    assert Held.now().files > before.files
    await until(lambda: len(viewers) == 0)
    assert hub.counts.viewers == 0
    await back_to(before)
    assert await status(viewers.admit(offer, "192.0.2.1")) == 201


async def test_a_viewer_that_vanishes_leaves_nothing_behind(hub: Hub, doorway: Doorway) -> None:
    viewers = doorway(silence_s=2.5)
    before = Held.now()
    gone = Watcher("")
    with Performance(hub):
        _, answer = await viewers.admit(await gone.offer())
        await gone.accept(answer)
        await gone.pictures(2)
        strike_dumb(gone)
        await until(lambda: len(viewers) == 0)
    await gone.connection.close()
    del gone
    await back_to(before)


@pytest.mark.slow
async def test_a_hundred_comings_and_goings_leave_nothing_behind(
    hub: Hub, doorway: Doorway
) -> None:
    silence = Silence()
    viewers = doorway(silence, silence_s=1.0, connect_s=1.0)
    ways = (_says_goodbye, _hangs_up, _is_dismissed, _turns_round)
    before = Held.now()
    with Performance(hub):
        for _ in range(25):
            await asyncio.gather(*(visit(viewers, way) for way in ways))
        await until(lambda: len(viewers) == 0)
    assert hub.counts.viewers == 0
    assert hub.counts.encoded <= hub.counts.frames, "one encode, however many came"
    assert len(silence.tracks) == 100
    assert {one.readyState for one in silence.tracks} == {"ended"}
    await back_to(before)


Parting = Callable[[Viewers, str, Watcher], Awaitable[None]]


async def visit(viewers: Viewers, part: Parting) -> None:
    watcher = Watcher("", extensions=True, sound=True)
    viewer, answer = await viewers.admit(await watcher.offer(), "192.0.2.1")
    await watcher.accept(answer)
    await part(viewers, viewer, watcher)
    await watcher.connection.close()


async def _says_goodbye(viewers: Viewers, viewer: str, watcher: Watcher) -> None:
    await watcher.pictures(2)
    assert await viewers.dismiss(viewer)
    assert not await viewers.dismiss(viewer)


async def _hangs_up(viewers: Viewers, viewer: str, watcher: Watcher) -> None:
    await watcher.pictures(2)


async def _is_dismissed(viewers: Viewers, viewer: str, watcher: Watcher) -> None:
    await viewers.dismiss(viewer)  # before it has connected


async def _turns_round(viewers: Viewers, viewer: str, watcher: Watcher) -> None:
    """Leaves while it connects."""
    await asyncio.sleep(0)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(StreamError, match="room for 0 connecting viewers"):
        ViewerLimits(connecting=0)
