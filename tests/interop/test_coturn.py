"""Through a real TURN server: nothing else is let through, and the show still plays."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)
from playwright.async_api import Browser

from live.stream.hub import Hub
from live.stream.network import NetworkSettings, add_network_arguments, network_settings
from live.stream.server import ServerSettings, ShowServer
from live.stream.whip import WhipPublisher
from live.stream.whip_settings import WhipSettings
from tests.interop.coturn import CREDENTIAL, NAME, RELAYS, Turn, turn_server
from tests.interop.service import free_tcp_port
from tests.live.stream import watcher
from tests.live.stream.endpoint import Endpoint
from tests.live.stream.pattern import Performance, pattern, psnr_db, read_number
from tests.live.stream.test_network import candidates
from tests.live.stream.test_whep import until
from tests.live.stream.viewing import grab, state
from tests.live.stream.watcher import Watcher, post


@pytest.fixture
def turn(tmp_path: Path, address: str) -> Iterator[Turn]:
    made = turn_server(tmp_path, address)
    with made.service:
        yield made


@pytest.fixture
def relayed_watchers(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Viewers that use the TURN server and no address of their own."""
    monkeypatch.setattr(
        watcher, "RTCPeerConnection", partial(RTCPeerConnection, relay_only(turn.url))
    )


def relay_only(url: str) -> RTCConfiguration:
    server = RTCIceServer(url, NAME, CREDENTIAL)
    return RTCConfiguration([server], iceTransportPolicy=RTCIceTransportPolicy.RELAY)


def settings(file: Path) -> NetworkSettings:
    """As the command line makes them."""
    parser = ArgumentParser()
    add_network_arguments(parser)
    return network_settings(parser.parse_args(["--ice-servers", str(file)]))


def serve(hub: Hub, network: NetworkSettings | None = None) -> ShowServer:
    made = ServerSettings("0.0.0.0", 0, network=network or NetworkSettings())
    return ShowServer(made, hub, dict)


def page_of(server: ShowServer, address: str) -> str:
    """Where a viewer in the network finds it, who is no neighbour on the loopback."""
    return f"http://{address}:{server.port}/"


def kinds(sdp: str) -> set[str]:
    return {kind for _, _, kind in candidates(sdp)}


def selected(connection: RTCPeerConnection) -> tuple[str, str, int]:
    """Of the pair in use: our candidate's kind, and the other side's address and port."""
    agent = connection.getReceivers()[0].transport.transport._connection
    pair = agent._nominated[1]
    return pair.local_candidate.type, *pair.remote_addr


@pytest.mark.usefixtures("relayed_watchers")
async def test_a_viewer_who_can_only_relay_sees_the_show(hub: Hub, address: str) -> None:
    with Performance(hub), serve(hub) as server:
        async with Watcher(page_of(server, address)) as viewer:
            for picture in await viewer.pictures(5):
                assert psnr_db(pattern(read_number(picture)), picture) > 27
            assert selected(viewer.connection)[0] == "relay"
            assert kinds(viewer.answer) == {"host"}


async def test_a_server_that_can_only_relay_shows_it(hub: Hub, turn: Turn, address: str) -> None:
    network = settings(turn.file(policy="relay"))
    with Performance(hub), serve(hub, network) as server:
        async with Watcher(page_of(server, address)) as viewer:
            for picture in await viewer.pictures(5):
                assert psnr_db(pattern(read_number(picture)), picture) > 27
            assert kinds(viewer.answer) == {"relay"}, "no address of the server's own is told"
            _, host, port = selected(viewer.connection)
            assert (host, port in RELAYS) == (address, True)
    said = turn.service.said()
    assert "CHANNEL_BIND processed, success" in said
    assert CREDENTIAL not in viewer.answer


RELAY_ONLY = """
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(how) {
      super({ ...how, iceServers: [SERVER], iceTransportPolicy: "relay" });
      window.peer = this;
    }
  };
"""

SELECTED = """async () => {
  const found = [...(await window.peer.getStats()).values()];
  const pair = found.find((one) => one.type === "candidate-pair" && one.nominated);
  const ours = found.find((one) => one.id === pair.localCandidateId);
  const theirs = found.find((one) => one.id === pair.remoteCandidateId);
  return [ours.candidateType, theirs.port];
}"""


@pytest.mark.parametrize("policy", ["all", "relay"])
async def test_chromium_plays_through_the_relay(
    hub: Hub, turn: Turn, address: str, browser: Browser, policy: str, pictures: Path
) -> None:
    server = {"urls": turn.url, "username": NAME, "credential": CREDENTIAL}
    page = await browser.new_page()
    await page.add_init_script(RELAY_ONLY.replace("SERVER", json.dumps(server)))
    network = settings(turn.file(policy=policy))
    with Performance(hub, (512, 512)), serve(hub, network) as show:
        await page.goto(page_of(show, address))
        await state(page, "playing")
        seen = await grab(page)
        assert psnr_db(pattern(read_number(seen), (512, 512)), seen) > 27
        kind, port = await page.evaluate(SELECTED)
        assert kind == "relay"
        assert (port in RELAYS) == (policy == "relay")
        await page.screenshot(path=pictures / f"relay-{policy}.png")
        await page.close()


async def test_publishing_by_whip_goes_through_the_relay(hub: Hub, turn: Turn) -> None:
    network = settings(turn.file(policy="relay"))
    async with Endpoint() as endpoint:
        with Performance(hub), WhipPublisher(hub, WhipSettings(endpoint.url), network) as leg:
            await until(lambda: leg.says == "publishing")
            assert len(await endpoint.pictures(5)) == 5
            assert kinds(endpoint.offers[0]) == {"relay"}
            assert selected(endpoint.sessions[0])[2] in RELAYS


async def test_wrong_credentials_are_said_and_the_show_goes_on(
    hub: Hub, turn: Turn, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    network = settings(turn.file(credential="wr0ng"))
    with Performance(hub), serve(hub, network) as server:
        async with Watcher(page_of(server, address)) as viewer:
            assert len(await viewer.pictures(3)) == 3
    assert "refuses the username or credential in the file of --ice-servers" in caplog.text
    assert "the show goes on without its relay" in caplog.text
    assert "wr0ng" not in caplog.text


async def test_wrong_credentials_are_an_answer_where_only_the_relay_is_wanted(
    hub: Hub, turn: Turn, address: str
) -> None:
    network = settings(turn.file(credential="wr0ng", policy="relay"))
    viewer = Watcher("")
    with Performance(hub), serve(hub, network) as server:
        status, _, text = await post(page_of(server, address), await viewer.offer())
        assert (status, hub.counts.viewers) == (503, 0)
        assert "refuses the username or credential" in text
        async with Endpoint() as endpoint:
            with WhipPublisher(hub, WhipSettings(endpoint.url), network) as leg:
                await until(lambda: "refuses the username or credential" in leg.says)
    await viewer.connection.close()


async def test_a_turn_server_that_is_not_there_is_said(
    hub: Hub, turn: Turn, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"turn:{address}:{free_tcp_port(address)}?transport=tcp"
    with Performance(hub), serve(hub, settings(turn.file(url=nowhere))) as server:
        async with Watcher(page_of(server, address)) as viewer:
            assert len(await viewer.pictures(3)) == 3
    assert "cannot be reached" in caplog.text
