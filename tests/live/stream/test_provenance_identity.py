from __future__ import annotations

import datetime
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from live.errors import SetupError
from live.folders import config_folder
from live.stream.provenance_identity import LASTS, own_identity, read_identity
from tests.live.stream.signing import NOW, Key, issue, pem_key, write_pair


def test_ones_own_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    first = own_identity(NOW, tmp_path)
    (file,) = (tmp_path / "provenance").iterdir()
    assert own_identity(NOW + datetime.timedelta(days=1000), tmp_path) == first
    assert first.self_made and first.algorithm == "es256"
    assert "PRIVATE" not in repr(first)
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    own, authority = x509.load_pem_x509_certificates(first.chain.encode())
    own.verify_directly_issued_by(authority)
    assert file.read_text().count("PRIVATE KEY") == 2, "the authority's key is thrown away"


@pytest.mark.parametrize("content", [b"", b"\0nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_broken_one_is_made_anew(content: bytes, tmp_path: Path) -> None:
    first = own_identity(NOW, tmp_path)
    (tmp_path / "provenance" / "signer.pem").write_bytes(content)
    assert own_identity(NOW, tmp_path).chain != first.chain


def test_one_near_its_end_is_made_anew(tmp_path: Path) -> None:
    first = own_identity(NOW, tmp_path)
    later = own_identity(NOW + LASTS - datetime.timedelta(days=100), tmp_path)
    assert later.chain != first.chain


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="--sign-with CERT,KEY"):
        own_identity(NOW, tmp_path / "file")


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UNDERSTUDY_CONFIG", raising=False)
    assert "understudy" in config_folder().parts
    monkeypatch.setenv("UNDERSTUDY_CONFIG", str(tmp_path))
    assert config_folder() == tmp_path


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "es256"),
        (ec.generate_private_key(ec.SECP384R1()), "es384"),
        (ec.generate_private_key(ec.SECP521R1()), "es512"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
        (rsa.generate_private_key(65537, 2048), "ps256"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_keys_of_every_kind(key: Key, algorithm: str, tmp_path: Path) -> None:
    files = write_pair(tmp_path, issue(key), pem_key(key))
    found = read_identity(*files, NOW)
    assert (found.algorithm, found.name, found.self_made) == (algorithm, "Theatre", False)
    both = tmp_path / "both.pem"
    both.write_text(issue(key) + pem_key(key))
    assert read_identity(both, None, NOW).algorithm == algorithm


def test_what_is_wrong_with_a_pair_is_said_in_a_sentence(tmp_path: Path) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificate = issue(key)
    old = issue(key, ends=-datetime.timedelta(days=1))
    wrong_kind = dsa.generate_private_key(1024)
    curve = ec.generate_private_key(ec.SECP256K1())
    cases = [
        (certificate, "", "no key in PEM"),
        (certificate, pem_key(other), "not that of the first certificate"),
        (certificate, pem_key(key, b"secret"), "without a password"),
        (certificate, pem_key(wrong_kind), "not that of"),  # type: ignore[arg-type]
        (old, pem_key(key), "renew it"),
        ("", pem_key(key), "no certificate in PEM"),
        ("\0", pem_key(key), "no certificate in PEM"),
        (issue(curve), pem_key(curve), "P-256"),
    ]
    for number, (chain, private, says) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(SetupError, match=says) as raised:
            read_identity(*write_pair(folder, chain, private), NOW)
        assert "--sign-with" in str(raised.value)
        assert "PRIVATE" not in str(raised.value)
    with pytest.raises(SetupError, match="No such file"):
        read_identity(tmp_path / "absent.pem", None, NOW)
    files = write_pair(tmp_path, certificate, "")
    with pytest.raises(SetupError, match="give --sign-with CERT,KEY"):
        read_identity(files[0], None, NOW)


def test_what_c2pa_will_not_have_is_found_in_the_rehearsal(tmp_path: Path) -> None:
    from live.stream.provenance_signing import SigningSettings, open_signer

    key = ec.generate_private_key(ec.SECP256R1())
    chain = issue(key, usage=ExtendedKeyUsageOID.SERVER_AUTH)  # a web server's certificate
    files = write_pair(tmp_path, chain, pem_key(key))
    with pytest.raises(SetupError, match="emailProtection"):
        open_signer(SigningSettings(*files, asked=True), NOW)
