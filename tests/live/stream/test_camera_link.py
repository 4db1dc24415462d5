"""The link for the phone: its address, its key, its code; and who may see it."""

from __future__ import annotations

import re
import socket

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.latest import Latest
from live.stream.camera_link import (
    ASKS,
    Interface,
    camera_link,
    interfaces,
    lan_address,
    link_text,
    new_key,
    outward_address,
)
from live.stream.hub import Hub
from tests.live.stream.camera_phone import KEY, request, serving
from tests.live.stream.test_qr import ROWS

WIFI = Interface("wlan0", "192.168.1.20")
CABLE = Interface("eth0", "10.4.0.7")
DOCKER = Interface("docker0", "172.17.0.1")
TUNNEL = Interface("tun0", "10.8.0.2")
UNGIVEN = Interface("eth1", "169.254.3.4")
PUBLIC = Interface("eth2", "203.0.113.9")


@pytest.mark.parametrize(
    ("found", "route", "best"),
    [
        ([DOCKER, WIFI], "192.168.1.20", WIFI),
        ([DOCKER, WIFI], None, WIFI),
        ([CABLE, WIFI], "192.168.1.20", WIFI),
        ([WIFI, TUNNEL], "10.8.0.2", WIFI),  # a phone in the room is not in the tunnel
        ([UNGIVEN, WIFI], None, WIFI),
        ([UNGIVEN], None, UNGIVEN),
        ([PUBLIC, CABLE], None, CABLE),
        ([PUBLIC, DOCKER], None, PUBLIC),
    ],
)
def test_the_address_is_the_one_that_a_phone_would_reach(
    found: list[Interface], route: str | None, best: Interface
) -> None:
    assert lan_address(found, route) == best.address
    assert lan_address(reversed(found), route) == best.address


def test_a_machine_in_no_network_has_none() -> None:
    assert lan_address([], None) is None


@given(st.permutations([WIFI, CABLE, DOCKER, TUNNEL, UNGIVEN, PUBLIC]))
def test_the_order_of_the_interfaces_does_not_matter(found: list[Interface]) -> None:
    assert lan_address(found, CABLE.address) == CABLE.address


def test_this_machines_own_are_found() -> None:
    here = [one.address for one in interfaces()]
    assert "127.0.0.1" not in here
    route = outward_address()
    assert route is None or route in here


def test_the_link_has_the_key_where_no_server_logs_it() -> None:
    link = camera_link("https://127.0.0.1:8443/", "0.0.0.0", KEY, lambda: "192.168.1.20")
    assert link.url == f"https://192.168.1.20:8443/camera#{KEY}"
    assert link.trouble is None
    named = camera_link("https://stage.example:8443/", "stage.example", KEY)
    assert named.url == f"https://stage.example:8443/camera#{KEY}"
    sixth = camera_link("https://[2001:db8::1]:1/", "2001:db8::1", KEY)
    assert sixth.url.startswith("https://[2001:db8::1]:1/camera#")


def test_a_link_that_will_not_do_says_why() -> None:
    assert "--tls auto" in str(camera_link("http://10.0.0.2:80/", "10.0.0.2", KEY).trouble)
    assert "--host" in str(camera_link("https://127.0.0.1:80/", "127.0.0.1", KEY).trouble)
    alone = camera_link("https://127.0.0.1:80/", "0.0.0.0", KEY, lambda: None)
    assert "--host" in str(alone.trouble)


def test_the_terminals_code_is_the_link() -> None:
    link = camera_link("https://127.0.0.1:8443/", "0.0.0.0", new_key(), lambda: "192.168.1.20")
    text = link_text(link)
    assert link.url in text and ASKS in " ".join(text.split())
    print(text)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line for line in plain.splitlines() if line and set(line) <= set(ROWS)]
    cells = np.array([[ROWS[sign] for sign in line] for line in lines], dtype=np.uint8)
    bits = cells.transpose(0, 2, 1).reshape(-1, cells.shape[1])
    image = np.kron(bits, np.ones((8, 8), np.uint8)) * 255
    found = [cv2.QRCodeDetector().detectAndDecode(one)[0] for one in (image, 255 - image)]
    assert link.url in found


def test_keys_are_random_and_long() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"[\w-]{22}", key) for key in keys)


async def test_the_operator_sees_the_link_and_nobody_else_does(hub: Hub) -> None:
    with serving(hub, Latest()) as server:
        address = server.url + "camera/link"
        status, page = await request("GET", address)
        assert status == 200
        assert f"camera#{KEY}" in page and "<svg" in page and "{{" not in page
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            status, page = await request("GET", address, **{header: "198.51.100.7"})
            assert status == 403 and KEY not in page
        assert "403" in said_to(server.port, "GET /camera/link HTTP/1.0\r\nHost: localhost")
        assert "200" in said_to(server.port, "GET /camera/link HTTP/1.1\r\nHost: localhost")
        assert "403" in said_to(server.port, "GET /camera/link HTTP/1.1\r\nHost: stage.example")
        for path in ("camera", "camera/static/camera.js", "status", ""):
            assert KEY not in (await request("GET", server.url + path))[1]


def said_to(port: int, request: str) -> str:
    """The first line of the answer."""
    with socket.create_connection(("127.0.0.1", port)) as there:
        there.sendall(f"{request}\r\nConnection: close\r\n\r\n".encode())
        return there.recv(64).decode().splitlines()[0]
