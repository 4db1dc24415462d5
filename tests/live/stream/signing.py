"""Certificates and recordings for the tests of what is signed."""

from __future__ import annotations

import datetime
from pathlib import Path

import av
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from live.stream.provenance_statement import Statement
from live.stream.recorder import Recorder, RecorderSettings, Signs
from tests.live.stream.tapped import HandHub

NOW = datetime.datetime.now(datetime.UTC)
STATEMENT = Statement(
    "The understudy", "ab" * 32, "written agreement", "2026-05-01", "2026-06-01T20:00:00+00:00"
)
PEM = serialization.Encoding.PEM
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def key_usage(**more: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{**dict.fromkeys(names, False), **more})


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
                      x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name)])  # fmt: skip


def issue(
    key: Key, ends: datetime.timedelta = datetime.timedelta(days=30),
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> str:  # fmt: skip
    """A theatre's certificate for `key`, and its authority's: PEM."""
    root = ec.generate_private_key(ec.SECP256R1())
    start = NOW - datetime.timedelta(days=60)

    def base(name: str, public: object) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(named("A CA"), named(name), public,  # type: ignore[arg-type]
                                    x509.random_serial_number())
            .not_valid_before(start).not_valid_after(NOW + ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)  # type: ignore[arg-type]
        )  # fmt: skip

    authority = (
        base("A CA", root.public_key())
        .add_extension(x509.BasicConstraints(True, 0), True)
        .add_extension(key_usage(key_cert_sign=True), True)
        .sign(root, hashes.SHA256())
    )
    own = (
        base("Theatre", key.public_key())
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(key_usage(digital_signature=True), True)
        .add_extension(x509.ExtendedKeyUsage([usage]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), False)
        .sign(root, hashes.SHA256())
    )
    return (own.public_bytes(PEM) + authority.public_bytes(PEM)).decode()


def pem_key(key: Key, password: bytes | None = None) -> str:
    locked = (serialization.BestAvailableEncryption(password) if password
              else serialization.NoEncryption())  # fmt: skip
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked).decode()


def write_pair(folder: Path, certificate: str, key: str) -> tuple[Path, Path]:
    files = folder / "theatre.pem", folder / "theatre.key"
    for file, text in zip(files, (certificate, key), strict=True):
        file.write_text(text)
    return files


def record(path: Path, count: int = 60, statement: Statement | None = STATEMENT,
           signer: Signs | None = None) -> Recorder:  # fmt: skip
    """A recording of the numbered pattern, finished (and signed, with a signer)."""
    hub = HandHub()
    recorder = Recorder(RecorderSettings(path), statement=statement, signer=signer)
    recorder.start(hub)
    hub.show(count)
    recorder.close()
    recorder.settle()
    return recorder


def packets(path: Path) -> list[tuple[str, float, bytes]]:
    """Kind, time (seconds) and content of every packet."""
    with av.open(str(path)) as film:
        return [
            (one.stream.type, round(float(one.pts * one.time_base), 4), bytes(one))
            for one in film.demux()
            if one.size and one.pts is not None
        ]
