"""Server, packets, audience, certificate: on free and on taken ports, in a network and in none."""

from __future__ import annotations

import datetime
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import aioice.ice
import pytest

from live.doctor import audience
from live.doctor.audience import look_at_audience, look_at_certificate
from live.doctor.check import Plan
from live.doctor.finding import Verdict
from live.doctor.packets import candidates, look_at_packets
from live.doctor.server import look_at_server
from live.stream import access_link
from live.stream.camera_link import Interface, interfaces
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.stream.tls import LASTS, own_certificate
from tests.live.doctor.plans import looked, plan_of

LAN = "192.168.7.20"


@pytest.fixture
def taken() -> Iterator[int]:
    """A TCP port that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def at_port(plan: Plan, port: int) -> Plan:
    stream = plan.options.stream
    stream = replace(stream, server=replace(stream.server, port=port))
    return replace(plan, options=replace(plan.options, stream=stream))


def test_the_page_comes(subject: Path) -> None:
    found = looked(look_at_server, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and "http://127.0.0.1:" in found.what


def test_the_page_comes_by_the_networks_address_and_tls(subject: Path) -> None:
    found = looked(look_at_server, plan_of(subject, "--host", "0.0.0.0", "--tls", "auto"))
    assert found.verdict is Verdict.RIGHT and "https://127.0.0.1:" in found.what
    here = access_link._found()
    assert here is None or f"https://{here}:" in found.what


def test_another_program_has_the_port(subject: Path, taken: int) -> None:
    found = looked(look_at_server, at_port(plan_of(subject), taken))
    assert found.verdict is Verdict.WRONG
    assert f"port {taken} on 127.0.0.1 is in use" in found.what
    assert f"--port {taken + 1}" in found.remedy


def test_another_show_has_the_port(subject: Path) -> None:
    hub = Hub()
    with ShowServer(ServerSettings(port=0), hub, status=dict) as running:
        found = looked(look_at_server, at_port(plan_of(subject), running.port))
    hub.close()
    assert found.verdict is Verdict.WRONG
    assert f"another show is on at port {running.port}" in found.what and "Ctrl-C" in found.remedy


def test_an_address_that_is_not_ours(subject: Path) -> None:
    found = looked(look_at_server, plan_of(subject, "--host", "203.0.113.5"))
    assert found.verdict is Verdict.WRONG and "203.0.113.5" in found.what


def test_packets_leave(subject: Path) -> None:
    found = looked(look_at_packets, plan_of(subject, "--udp-ports", "50000-50999"))
    if not list(interfaces()):
        pytest.skip("this machine is in no network")
    assert found.verdict is Verdict.RIGHT and "ports 50000 to 50999" in found.what


def test_no_network_at_all(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    found = looked(look_at_packets, plan_of(subject))
    assert found.verdict is Verdict.WRONG and "join a Wi-Fi" in found.remedy


def test_an_interface_that_is_not_there(subject: Path) -> None:
    found = looked(look_at_packets, plan_of(subject, "--interfaces", "stage9"))
    assert found.verdict is Verdict.WRONG and "stage9" in found.what


def test_all_udp_ports_are_taken(subject: Path) -> None:
    here = [one.address for one in interfaces()]
    if not here:
        pytest.skip("this machine is in no network")
    with ExitStack() as held:
        first = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        first.bind((here[0], 0))
        port = first.getsockname()[1]
        plan = plan_of(subject, "--udp-ports", f"{port}-{port}", "--interfaces", here[0])
        found = looked(look_at_packets, plan)
    assert found.verdict is Verdict.WRONG and "wider range" in found.remedy


def test_candidates_are_read() -> None:
    sdp = (
        "v=0\r\na=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host\r\n"
        "a=candidate:2 1 udp 1694498815 203.0.113.9 50001 typ srflx raddr 192.0.2.7 rport 1\r\n"
        "a=candidate:3 1 udp 1\r\na=end-of-candidates\r\n"
    )
    found = [(one.address, one.port, one.kind) for one in candidates(sdp)]
    assert found == [("192.0.2.7", 50000, "host"), ("203.0.113.9", 50001, "srflx")]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with one address, no Wi-Fi, no firewall; the folder that both are read from."""
    here = [Interface("eth7", LAN)]
    monkeypatch.setattr(audience, "interfaces", lambda: iter(here))
    monkeypatch.setattr(access_link, "interfaces", lambda: iter(here))
    monkeypatch.setattr(audience, "NET", tmp_path / "net")
    monkeypatch.setattr(audience, "UFW", tmp_path / "ufw.conf")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_this_machine_alone(subject: Path) -> None:
    found = looked(look_at_audience, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and "--host 0.0.0.0" in found.what


def test_the_network_on_a_cable(subject: Path, at: Path) -> None:
    found = looked(look_at_audience, plan_of(subject, "--host", "0.0.0.0"))
    assert found.verdict is Verdict.RIGHT and f"http://{LAN}:0/" in found.what
    assert "#" not in found.what, "the key is nobody's business"


def test_the_network_on_wifi(subject: Path, at: Path) -> None:
    (at / "net" / "eth7" / "wireless").mkdir(parents=True)
    found = looked(look_at_audience, plan_of(subject, "--host", "0.0.0.0"))
    assert found.verdict is Verdict.CAREFUL and "use a cable" in found.remedy


def test_a_firewall(subject: Path, at: Path) -> None:
    (at / "ufw.conf").write_text("# on\nENABLED=yes\n")
    plan = plan_of(subject, "--host", "0.0.0.0", "--udp-ports", "50000-50099")
    (said,) = looked(look_at_audience, at_port(plan, 8080)).details
    assert "sudo ufw allow 8080/tcp" in said and "sudo ufw allow 50000:50099/udp" in said


def test_an_address_that_nobody_gave(
    subject: Path, at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [Interface("eth7", "169.254.3.4")]
    monkeypatch.setattr(access_link, "interfaces", lambda: iter(here))
    found = looked(look_at_audience, plan_of(subject, "--host", "0.0.0.0"))
    assert found.verdict is Verdict.CAREFUL and "no router" in found.what


def test_the_network_without_one(subject: Path, at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_link, "interfaces", lambda: iter(()))
    found = looked(look_at_audience, plan_of(subject, "--host", "0.0.0.0"))
    assert found.verdict is Verdict.WRONG and "in none" in found.what


def certified(subject: Path, folder: Path, age: datetime.timedelta) -> Plan:
    now = datetime.datetime.now(datetime.UTC)
    path = own_certificate(folder, ["localhost"], now - age)
    return plan_of(subject, "--tls", path)


@pytest.mark.parametrize(
    ("age", "verdict", "says"),
    [
        (datetime.timedelta(), Verdict.RIGHT, "browsers warn once"),
        (LASTS - datetime.timedelta(days=3), Verdict.CAREFUL, "renew it before the show"),
        (LASTS + datetime.timedelta(days=3), Verdict.WRONG, "renew it, give --tls auto"),
        (datetime.timedelta(days=-9), Verdict.WRONG, "set the clock"),
    ],
)
def test_certificates(
    subject: Path, tmp_path: Path, age: datetime.timedelta, verdict: Verdict, says: str
) -> None:
    found = looked(look_at_certificate, certified(subject, tmp_path / "tls", age))
    assert found.verdict is verdict and says in found.what + found.remedy


def test_a_certificate_that_is_none(subject: Path, tmp_path: Path) -> None:
    assert look_at_certificate(plan_of(subject)) is None
    path = tmp_path / "none.pem"
    path.write_text("no certificate")
    assert looked(look_at_certificate, plan_of(subject, "--tls", path)).verdict is Verdict.WRONG
