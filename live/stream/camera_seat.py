"""Which phone is the camera: one at a time, and a newer one with the right key takes over."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum

from live.frames import Frame, Image
from live.latest import Latest
from live.sources.rate import Rate
from live.stream.camera_offer import read_camera_offer
from live.stream.camera_peer import CameraPeer
from live.stream.network import NetworkSettings
from live.stream.offer import OfferError
from live.timing import Clock

log = logging.getLogger(__name__)

STALE_S = 0.8
"""Without a picture for so long, nothing arrives."""


@dataclass(frozen=True, slots=True)
class CameraLimits:
    """What is borne with."""

    connecting: int = 4  # phones at once that have not connected yet
    connect_s: float = 10.0  # from answer to connection, seconds
    silence_s: float = 5.0  # without a packet from a connected phone, seconds
    close_s: float = 0.8  # for all farewells together, seconds


class Standing(Enum):
    """What a phone is to the show."""

    CAMERA = "camera"  # it is the camera, or is becoming it
    REPLACED = "replaced"  # another phone took over
    UNKNOWN = "unknown"  # it was never here, or has left


class CameraSeat:
    """The place of the camera. Lives on one event loop; pictures come from the decoder's thread.

    The newest picture is in `inbox`, stamped with its arrival; `Frame.sequence` counts on from one
    phone to the next.
    """

    def __init__(
        self,
        inbox: Latest[Frame],
        limits: CameraLimits | None = None,
        network: NetworkSettings | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._limits = limits or CameraLimits()
        self._network = network or NetworkSettings()
        self._peers: dict[str, CameraPeer] = {}  # the camera, and those that are connecting
        self._camera: CameraPeer | None = None
        self._replaced: deque[str] = deque(maxlen=64)  # ids, so that they can be told
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._sequence = itertools.count()
        self._clock = clock
        self._rate = Rate()
        self._newest: Frame | None = None

    def __len__(self) -> int:
        return len(self._peers)

    async def admit(self, sdp: str) -> tuple[str, str]:
        """Answer an offer: (the phone's id, the answer's SDP). Raises `OfferError`.

        Who was the camera stays it until the new phone has connected.
        """
        waiting = len(self._peers) - (self._camera is not None)
        if waiting >= self._limits.connecting:
            raise OfferError(429, f"{waiting} phones are connecting; try again in a few seconds")
        peer = CameraPeer(read_camera_offer(sdp), self._take, self._network)
        self._peers[peer.id] = peer  # before the first await, so that the limit holds
        try:
            answer = await peer.answer()
        except BaseException:
            await self._remove(peer)
            raise
        self._watches[peer.id] = asyncio.create_task(self._watch(peer))
        return peer.id, answer

    def standing(self, phone: str) -> Standing:
        """What the phone with that id is now."""
        if phone in self._peers:
            return Standing.CAMERA
        return Standing.REPLACED if phone in self._replaced else Standing.UNKNOWN

    def arriving(self) -> dict[str, object]:
        """What comes from the camera: `fps`, 0 when nothing does; `width`, `height` in pixels."""
        newest = self._newest
        if newest is None or self._clock() - newest.captured_s > STALE_S:
            return {"fps": 0.0, "width": 0, "height": 0}
        height, width = newest.size
        return {"fps": round(self._rate.per_s, 1), "width": width, "height": height}

    async def dismiss(self, phone: str) -> bool:
        """End the phone with that id; False when there is none."""
        peer = self._peers.get(phone)
        if peer is None:
            return False
        await self._remove(peer)
        return True

    async def close(self) -> None:
        """End all within `CameraLimits.close_s`. May be called twice."""
        for phone in self._peers:
            if phone in self._watches:
                self._watches.pop(phone).cancel()
        # The watches that are left are closing a peer already: let them.
        farewells = [*self._watches.values()]
        farewells += [asyncio.create_task(self._remove(peer)) for peer in self._peers.values()]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=self._limits.close_s)
            for task in late:
                task.cancel()

    def _take(self, peer: CameraPeer, image: Image, arrived_s: float) -> None:
        if peer is not self._camera:
            return
        self._rate.add(arrived_s)
        self._newest = Frame(image, arrived_s, next(self._sequence))
        self._inbox.put(self._newest)

    def _seat(self, peer: CameraPeer) -> CameraPeer | None:
        """Make `peer` the camera; who was it before."""
        before, self._camera = self._camera, peer
        self._rate.reset()
        log.info("a phone is the camera now" if before is None else "another phone took over")
        if before is not None:
            self._replaced.append(before.id)
        return before

    async def _remove(self, peer: CameraPeer) -> None:
        self._peers.pop(peer.id, None)
        if self._camera is peer:
            self._camera = None
            log.warning("the phone that was the camera has left")
        await peer.close()

    async def _watch(self, peer: CameraPeer) -> None:
        """Stay until the phone has ended, never came, or fell silent; then clear up."""
        try:
            await _within(peer.settled, self._limits.connect_s)
            if peer.connected and (before := self._seat(peer)) is not None:
                await self._remove(before)
            if peer.connected:
                await self._until_silent(peer)
            elif not peer.ended.is_set():
                log.info("a phone never connected; see what keeps WebRTC's UDP packets away")
            await self._remove(peer)
        finally:
            self._watches.pop(peer.id, None)

    async def _until_silent(self, peer: CameraPeer) -> None:
        heard = -1
        while not await _within(peer.ended, self._limits.silence_s):
            before, heard = heard, await peer.received_bytes()
            if heard == before:
                log.info("the phone that is the camera fell silent")
                return


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
