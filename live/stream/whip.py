"""Publishing the show to an SFU by WHIP (RFC 9725), for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace

import aiohttp
from yarl import URL

from live.errors import StreamError
from live.stream.encoder import Codec
from live.stream.hub import Hub
from live.stream.network import IceServer, NetworkSettings
from live.stream.pages import is_local
from live.stream.sound_sender import Sound
from live.stream.whip_client import WhipClient, WhipError
from live.stream.whip_leg import WhipLeg
from live.stream.whip_settings import WhipSettings, wait_s

log = logging.getLogger(__name__)

START_S = 10.0
CLOSE_S = 3.0

_CODECS = (Codec.H264, Codec.VP8)


class WhipPublisher:
    """One more consumer of the hub. Whatever the endpoint does, the show goes on.

    Either `start` and `close` it, from any thread, and it has an event loop in a thread of its
    own; or `await run()` on a loop of yours, and cancel that to end it.
    """

    def __init__(
        self,
        hub: Hub,
        settings: WhipSettings,
        network: NetworkSettings | None = None,
        sound: Sound | None = None,
    ) -> None:
        self._hub = hub
        self._settings = settings
        self._sound = sound
        self._network = network or NetworkSettings()
        endpoint = URL(settings.url)
        self._client = WhipClient(
            endpoint, settings.token, settings.answer_s, private=settings.private
        )
        self._name = self._client.shown(endpoint)
        self._codec = _CODECS[0]
        self._named: tuple[IceServer, ...] = ()  # ICE servers that the endpoint named
        self._said: set[str] = set()
        self._failures = 0
        self._says = "not started"
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._ready = threading.Event()

    @property
    def says(self) -> str:
        """How it goes, in words, from any thread: "publishing", or what went wrong last."""
        return self._says

    def start(self) -> None:
        """Publish from now on; returns at once. Never raises for what the endpoint does."""
        assert self._thread is None, "a WhipPublisher starts once"
        self._thread = threading.Thread(target=self._run, name="whip", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the session at the endpoint. May be called twice, and before `start`."""
        thread = self._thread
        if thread is None or not thread.is_alive() or not self._ready.wait(START_S):
            return
        assert self._loop is not None
        assert self._work is not None
        try:
            self._loop.call_soon_threadsafe(self._work.cancel)
        except RuntimeError:  # it has ended meanwhile
            return
        thread.join(CLOSE_S)
        if thread.is_alive():
            log.warning("publishing did not end within %.0f s; leaving it", CLOSE_S)

    def __enter__(self) -> WhipPublisher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:  # a thread's top: say it, and let the show go on
            log.exception("publishing stopped")
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.create_task(self.run())
        self._ready.set()
        await asyncio.wait({self._work})
        if not self._work.cancelled():
            self._work.result()  # raises what stopped it

    async def run(self) -> None:
        """Publish until cancelled, or until the hub has closed."""
        self._warn_of_open_token()
        self._says = "connecting"
        try:
            async with aiohttp.ClientSession() as web:
                while await self._try(web):
                    pass
        finally:
            self._says = "ended"

    async def _try(self, web: aiohttp.ClientSession) -> bool:
        """One session, and the wait after it. False when the show has ended."""
        try:
            leg = self._leg()
        except StreamError:  # the hub has closed
            return False
        loop = asyncio.get_running_loop()
        began_s, asked_s = loop.time(), 0.0
        try:
            await self._publish(web, leg)
        except WhipError as error:
            self._learn(error)
            asked_s = error.retry_after_s
            self._say(str(error))
        except StreamError as error:
            self._say(str(error))
        self._count(loop.time() - began_s if leg.connected else 0.0)
        await asyncio.sleep(max(asked_s, wait_s(self._failures, self._settings)))
        return True

    def _leg(self) -> WhipLeg:
        able = [one for one in _CODECS if one in self._hub.able]
        if able and self._codec not in able:  # its last encoder has failed
            self._codec = able[0]
        network = self._network
        if not network.ice_servers and self._named:  # what the operator names comes first
            network = replace(network, ice_servers=self._named)
        return WhipLeg(self._hub.subscribe(self._codec), network, self._sound)

    async def _publish(self, web: aiohttp.ClientSession, leg: WhipLeg) -> None:
        """One session from offer to end. Raises `StreamError`, with the reason it ended for."""
        session = None
        try:
            session = await self._client.publish(web, await leg.offer())
            self._named = session.ice_servers
            await leg.accept(session.answer)
            await self._until_connected(leg)
            log.info("publishing to %s as %s", self._name, self._codec.value)
            self._says = "publishing"
            await self._until_over(leg)
        finally:
            farewell = replace(self._client, timeout_s=self._settings.farewell_s)
            ends = [leg.close()] + ([farewell.end(web, session)] if session else [])
            await asyncio.gather(*ends)

    async def _until_connected(self, leg: WhipLeg) -> None:
        await _within(leg.settled, self._settings.connect_s)
        if not leg.connected:
            more = "; trying again with the ICE servers that it names" if self._named else ""
            raise WhipError(
                f"{self._name} took the offer, but no packets pass to its media server: see what "
                f"blocks UDP, or name a TURN server with --ice-servers{more}"
            )

    async def _until_over(self, leg: WhipLeg) -> None:
        heard = -1
        while not await _within(leg.ended, self._settings.silence_s):
            before, heard = heard, await leg.received_bytes()
            if heard == before:
                raise WhipError(f"{self._name} fell silent; publishing to it again")
        raise WhipError(f"{self._name} ended the session; publishing to it again")

    def _learn(self, error: WhipError) -> None:
        if error.codec:
            others = [one for one in _CODECS if one in self._hub.able and one is not self._codec]
            self._codec = others[0] if others else self._codec

    def _count(self, connected_s: float) -> None:
        if connected_s >= self._settings.steady_s:
            self._failures = 0
            self._said.clear()
        self._failures += 1

    def _say(self, sentence: str) -> None:
        """Each sentence once: an endpoint that is down for an hour fills no log."""
        self._says = sentence
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning("%s; the show goes on, and tries again", sentence)

    def _warn_of_open_token(self) -> None:
        url = URL(self._settings.url)
        if self._settings.token is not None and url.scheme == "http" and not is_local(url.host):
            log.warning("the WHIP token travels to %s unencrypted; use https", url.host)


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        # Not wait_for: Python 3.11's loses a cancellation that comes together with the event.
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
