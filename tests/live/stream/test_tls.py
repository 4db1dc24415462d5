"""The self-made certificate: a real handshake that checks it, and when it is renewed."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest

from live.errors import StreamError
from live.stream.tls import LASTS, own_certificate, server_context

NAMES = ("localhost", "127.0.0.1")
NOW = datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_it_connects_by_name_and_address(tmp_path: Path, name: str) -> None:
    path = own_certificate(tmp_path, NAMES, NOW)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with server_context(path).wrap_socket(ours, server_side=True) as secure:
            secure.sendall(b"on")

    server = threading.Thread(target=serve)
    server.start()
    with ssl.create_default_context(cafile=str(path)).wrap_socket(
        theirs, server_hostname=name
    ) as s:
        assert s.recv(2) == b"on"
    server.join()


def test_it_is_kept_private_and_renewed_only_when_needed(tmp_path: Path) -> None:
    path = own_certificate(tmp_path, NAMES, NOW)
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert own_certificate(tmp_path, NAMES, NOW).read_bytes() == first
    assert own_certificate(tmp_path, (*NAMES, "10.0.0.9"), NOW).read_bytes() != first
    second = path.read_bytes()
    assert own_certificate(tmp_path, (*NAMES, "10.0.0.9"), NOW + LASTS).read_bytes() != second


def test_files_that_are_none_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(StreamError, match="PEM"):
        server_context(tmp_path / "bad.pem")
