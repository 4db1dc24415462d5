"""`--tls`: a certificate of this machine's own, or one that is given."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from live.cache import CACHE_VARIABLE
from live.errors import SetupError
from live.stream.camera_link import Interface
from live.stream.tls import server_context
from live.stream.tls_settings import (
    TlsSettings,
    add_tls_arguments,
    certificate_names,
    tls_settings,
)

HERE = [Interface("wlan0", "192.168.1.20"), Interface("eth0", "10.4.0.7")]


def settings(*words: str, host: str = "0.0.0.0", folder: Path | None = None) -> TlsSettings | None:
    parser = ArgumentParser()
    add_tls_arguments(parser)
    return tls_settings(parser.parse_args(words), host, folder, HERE)


def test_without_it_there_is_none() -> None:
    assert settings() is None


def test_auto_makes_a_certificate_for_this_machine_and_keeps_it(tmp_path: Path) -> None:
    made = settings("--tls", "auto", folder=tmp_path)
    assert made is not None and made.key is None
    server_context(made.certificate, made.key)
    found = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.0.0.1", "::1", "192.168.1.20", "10.4.0.7"}
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in usage
    before = made.certificate.read_bytes()
    again = settings("--tls", "auto", folder=tmp_path)
    assert again == made
    assert made.certificate.read_bytes() == before, "a phone that accepted it is not asked again"


def test_auto_keeps_it_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    made = settings("--tls", "auto")
    assert made is not None and tmp_path in made.certificate.parents


def test_the_host_that_is_served_is_a_name_too() -> None:
    assert "stage.example" in certificate_names("stage.example", HERE)
    assert "0.0.0.0" not in certificate_names("0.0.0.0", HERE)


def test_given_files_are_taken(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    for one in (certificate, key):
        one.write_text("x")
    assert settings("--tls", f"{certificate},{key}") == TlsSettings(certificate, key)
    assert settings("--tls", str(certificate)) == TlsSettings(certificate, None)


@pytest.mark.parametrize("given", ["", ",", "nowhere.pem", "nowhere.pem,", ",nowhere.pem"])
def test_what_names_no_file_is_refused(given: str) -> None:
    with pytest.raises(SetupError, match="--tls"):
        settings("--tls", given)
