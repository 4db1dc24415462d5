from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stream.link_headers import MOST_SERVERS, ice_servers
from live.stream.network import IceServer

STUN = '<stun:stun.example.net>; rel="ice-server"'
TURN = (
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; '
    'credential="myPassword"; credential-type="password"'
)


def test_the_example_of_rfc_9725() -> None:
    expected = (
        IceServer(("stun:stun.example.net",)),
        IceServer(("turn:turn.example.net?transport=udp",), "user", "myPassword"),
    )
    assert ice_servers([STUN, TURN]) == expected
    assert ice_servers([f"{STUN}, {TURN}"]) == expected


@pytest.mark.parametrize(
    ("header", "credential"),
    [
        ('<turn:x>;rel=ice-server;username=u;credential="a,b;c=\\"d\\" <e>"', 'a,b;c="d" <e>'),
        ('<turn:x>; REL="next ICE-Server" ; username = u ; credential = p', "p"),
        ('<turn:x>; rel=ice-server; username=u; credential=1; credential="2"', "1"),
        ("</next>; rel=next, <turn:x>; rel=ice-server; username=u; credential=p", "p"),
    ],
)
def test_quotes_and_blanks(header: str, credential: str) -> None:
    assert ice_servers([header]) == (IceServer(("turn:x",), "u", credential),)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "</style.css>; rel=preload",
        "<stun:x>",
        "<http://x>; rel=ice-server",
        "<turn:x>; rel=ice-server",
        "<turn:x>; rel=ice-server; username=u; credential=t; credential-type=oauth",
        '<turn:x>; rel="ice-server',
    ],
)
def test_what_is_of_no_use_is_passed_over(header: str) -> None:
    assert ice_servers([header]) == ()
    assert ice_servers([header, STUN]) == (IceServer(("stun:stun.example.net",)),)


def test_a_flood_is_bounded() -> None:
    assert len(ice_servers([", ".join([STUN] * 1000)])) == MOST_SERVERS


@given(st.lists(st.text(alphabet='<>;,="\\ relicsvtun:-x', max_size=80), max_size=4))
def test_nothing_breaks_it(headers: list[str]) -> None:
    assert all(isinstance(one, IceServer) for one in ice_servers(headers))


_WORD = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)


@given(_WORD, _WORD)
def test_any_credential_survives(username: str, credential: str) -> None:
    quoted = [text.replace("\\", r"\\").replace('"', r"\"") for text in (username, credential)]
    header = '<turn:x>; rel=ice-server; username="{}"; credential="{}"'.format(*quoted)
    assert ice_servers([header]) == (IceServer(("turn:x",), username, credential),)
