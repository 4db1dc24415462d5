"""A self-made certificate (X.509, RFC 5280) for this machine's names and addresses."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from live.errors import StreamError

LASTS = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=7)
FILE = "certificate.pem"
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH


def server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """TLS for a server. `key` None: it is in the same file. Raises `StreamError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A password prompt would hold up the show: an encrypted key is refused instead.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ssl.SSLError, ValueError) as error:
        pair = f"{certificate}" if key is None else f"{certificate},{key}"
        raise StreamError(
            f"--tls {pair} cannot be used ({error}); give PEM files, the key without password"
        ) from error
    return context


def own_certificate(folder: Path, names: Iterable[str], now: datetime.datetime) -> Path:
    """The file with certificate and key for `names` (host names and IP addresses), mode 600.

    Made anew when absent, unreadable, near its end, or for other names. `now` has a time zone.
    Raises `StreamError` when `folder` cannot be written.
    """
    wanted, path = frozenset(names), folder / FILE
    if not _serves(path, wanted, now):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(path, _make(wanted, now))
        except OSError as error:
            raise StreamError(
                f"no certificate can be kept in {folder} ({error}); give --tls CERT,KEY"
            ) from error
    return path


def _serves(path: Path, wanted: frozenset[str], now: datetime.datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    has = {str(one.value) for one in names}
    ends_well = found.not_valid_after_utc - RENEW_BEFORE > now >= found.not_valid_before_utc
    return has == wanted and ends_well


def _make(names: frozenset[str], now: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Understudy")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName([_named(n) for n in sorted(names)]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([SERVER_AUTH]), False)  # iPhones ask for it
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return made.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, pem: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_suffix(f".{os.getpid()}")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    part.replace(path)
