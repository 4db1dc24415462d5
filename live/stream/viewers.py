"""All viewers: who may come, who is shown out, and who has gone without a word."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

from live.errors import StreamError
from live.stream.access_caller import is_local, one_caller
from live.stream.access_limits import Allowance, Limiter
from live.stream.hub import Hub
from live.stream.network import NetworkSettings
from live.stream.offer import OfferError, read_offer
from live.stream.peer import Peer
from live.stream.sound_sender import Sound

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ViewerLimits:
    """What one server bears with."""

    most: int = 64  # viewers at once, those still connecting included
    each: int = 48  # viewers from one address; a whole audience may share one, behind a router
    connecting: int = 32  # viewers from one address that have not connected yet
    offers: Allowance = field(default_factory=lambda: Allowance(128, 4.0))  # from one address
    connect_s: float = 10.0  # from answer to connection, seconds
    silence_s: float = 10.0  # without a word from a connected viewer, seconds
    close_s: float = 0.8  # for all farewells together, seconds

    def __post_init__(self) -> None:
        if self.most < 1:
            raise StreamError(f"room for {self.most} viewers: give 1 or more")
        if self.each < 1:
            raise StreamError(f"room for {self.each} viewers from one address: give 1 or more")
        if self.connecting < 1:
            raise StreamError(f"room for {self.connecting} connecting viewers: give 1 or more")
        if min(self.connect_s, self.silence_s, self.close_s) <= 0:
            raise StreamError("a viewer's time limits must be more than 0 seconds")


class Viewers:
    """The viewers of one server. Lives on its event loop."""

    def __init__(
        self,
        hub: Hub,
        limits: ViewerLimits,
        network: NetworkSettings | None = None,
        sound: Sound | None = None,
    ) -> None:
        self._hub = hub
        self._limits = limits
        self._network = network or NetworkSettings()
        self._sound = sound
        self._peers: dict[str, Peer] = {}
        self._connecting: dict[str, str | None] = {}  # viewer's id to its address
        self._from: dict[str, str] = {}  # viewer's id to what limits count by
        self._offers = Limiter(limits.offers, time.monotonic)
        self._watches: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def check_pace(self, address: str | None) -> None:
        """Count an offer from `address`. Raises `OfferError` where they come too fast.

        Each costs a few milliseconds on the loop that sends everybody's packets.
        """
        if address is None or is_local(address):
            return
        if wait_s := self._offers.wait_s(one_caller(address)):
            raise OfferError(429, f"too many offers from {address}; wait {wait_s:.1f} s")

    async def admit(self, sdp: str, address: str | None = None) -> tuple[str, str]:
        """Answer an offer: (the new viewer's id, the answer's SDP). Raises `OfferError`.

        `address` is who asks, for `ViewerLimits.connecting`; without one that limit is not checked.
        """
        self._check_room(address)
        peer = self._join(sdp, address)
        self._peers[peer.id] = peer  # before the first await, so that the limits hold
        self._connecting[peer.id] = address
        if address is not None and not is_local(address):
            self._from[peer.id] = one_caller(address)
        try:
            answer = await peer.answer()
        except BaseException:
            await self._remove(peer)
            raise
        self._watches[peer.id] = asyncio.create_task(self._watch(peer))
        return peer.id, answer

    def _check_room(self, address: str | None) -> None:
        limits = self._limits
        if len(self._peers) >= limits.most:
            raise OfferError(503, f"all {limits.most} places are taken; try again in a few seconds")
        here = sum(one == one_caller(address) for one in self._from.values())
        if here >= limits.each:
            raise OfferError(
                503,
                f"{here} viewers from {address} watch already; come in when one has left",
            )
        half_open = sum(one == address for one in self._connecting.values())
        if address is not None and half_open >= limits.connecting:
            raise OfferError(
                429,
                f"{half_open} viewers from {address} are still connecting; try again in a few "
                "seconds, or see what keeps WebRTC's UDP packets from coming through",
            )

    def _join(self, sdp: str, address: str | None) -> Peer:
        offer = read_offer(sdp, self._hub.able)
        try:
            return Peer(self._hub, offer, self._network, self._sound, address)
        except StreamError as error:
            raise OfferError(410, str(error)) from error

    async def dismiss(self, viewer: str) -> bool:
        """End the viewer with that id; False when there is none."""
        peer = self._peers.get(viewer)
        if peer is None:
            return False
        await self._remove(peer)
        return True

    async def close(self) -> None:
        """End all within `ViewerLimits.close_s`. May be called twice."""
        for viewer in self._peers:
            if viewer in self._watches:
                self._watches.pop(viewer).cancel()
        # The watches that are left are closing a peer already: let them.
        farewells = [*self._watches.values()]
        farewells += [asyncio.create_task(self._remove(peer)) for peer in self._peers.values()]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=self._limits.close_s)
            for task in late:
                task.cancel()

    async def _remove(self, peer: Peer) -> None:
        self._peers.pop(peer.id, None)
        self._connecting.pop(peer.id, None)
        self._from.pop(peer.id, None)
        try:
            await peer.close()
        except AttributeError:  # aiortc 1.16: two sections with one mid, and one has no transport
            log.debug("viewer %s never had a connection that could be closed", peer.id)

    async def _watch(self, peer: Peer) -> None:
        """Stay until the viewer has ended, never came, or fell silent; then clear up."""
        try:
            await _within(peer.settled, self._limits.connect_s)
            self._connecting.pop(peer.id, None)
            if peer.connected:
                await self._until_silent(peer)
            elif not peer.ended.is_set():
                log.info("viewer %s never connected", peer.id)
            await self._remove(peer)
        finally:
            self._watches.pop(peer.id, None)

    async def _until_silent(self, peer: Peer) -> None:
        heard = -1
        while not await _within(peer.ended, self._limits.silence_s):
            before, heard = heard, await peer.received_bytes()
            if heard == before:
                log.info("viewer %s fell silent", peer.id)
                return


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
