"""Who signs recordings: a certificate and its key, given or made here (X.509 as C2PA asks for it).

C2PA takes no certificate that signs itself: it wants an end-entity certificate, issued by another,
with key usage digitalSignature, an extended key usage from its list (emailProtection is the one
that its reader knows without being told) and both key identifiers (C2PA 2.x, section 14.5). So two
are made: an authority, whose key is thrown away at once, and the one that signs.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from live.errors import SetupError
from live.folders import CONFIG_VARIABLE, config_folder

FILE = Path("provenance") / "signer.pem"  # in the user's config folder
COMMON_NAME = "Understudy, self-made"  # tells nothing of the user
LASTS = datetime.timedelta(days=20 * 365)
"""Nobody dates the signatures (that would be asked over the network), and then a signature is good
no longer than its certificate."""
RENEW_BEFORE = datetime.timedelta(days=365)

_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_PEM = serialization.Encoding.PEM
_UNREADABLE = (OSError, ValueError, TypeError)  # TypeError: the key has a password
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """What signs."""

    name: str  # the certificate's
    algorithm: str  # C2PA's name: "es256", "es384", "es512", "ed25519", "ps256"
    chain: str  # PEM, the signing certificate first
    key: str = field(repr=False)  # PEM (PKCS#8), without password
    self_made: bool = False


def read_identity(
    certificate: Path, key: Path | None, now: datetime.datetime, self_made: bool = False
) -> Identity:
    """The identity in PEM files. `key` None: it is in the certificate's file. Raises SetupError."""
    given = f"--sign-with {certificate}" + ("" if key is None else f",{key}")
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    except _UNREADABLE as error:
        raise SetupError(f"{given}: {certificate} has no certificate in PEM ({error})") from error
    try:
        private = serialization.load_pem_private_key((key or certificate).read_bytes(), None)
    except _UNREADABLE as error:
        raise SetupError(
            f"{given}: {key or certificate} has no key in PEM that is without a password "
            f"({error}); give --sign-with CERT,KEY"
        ) from error
    own = chain[0]
    if private.public_key() != own.public_key():
        raise SetupError(f"{given}: the key is not that of the first certificate in {certificate}")
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise SetupError(
            f"{given}: the certificate is valid from {own.not_valid_before_utc:%Y-%m-%d} to "
            f"{own.not_valid_after_utc:%Y-%m-%d}, which today is not; renew it"
        )
    pem = private.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chained = b"".join(one.public_bytes(_PEM) for one in chain)
    return Identity(_name(own), _algorithm(private, given), chained.decode(), pem.decode(),
                    self_made)  # fmt: skip


def own_identity(now: datetime.datetime, folder: Path | None = None) -> Identity:
    """The identity of this user, made once and kept in a file of mode 600.

    Made anew when absent, unreadable or near its end. `now` has a time zone. Raises SetupError
    when `folder` cannot be written.
    """
    path = (folder or config_folder()) / FILE
    try:
        return read_identity(path, None, now + RENEW_BEFORE, self_made=True)
    except SetupError:  # absent or of no use
        pass
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _make(now))
    except OSError as error:
        raise SetupError(
            f"no certificate for recordings can be kept in {path.parent} ({error}); "
            f"give --sign-with CERT,KEY, or set {CONFIG_VARIABLE} to a folder that can be written"
        ) from error
    return read_identity(path, None, now, self_made=True)


def _algorithm(key: object, given: str) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise SetupError(
        f"{given}: C2PA signs with P-256, P-384, P-521, Ed25519 or RSA from 2048 bits, and this "
        "key is none of them"
    )


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _make(now: datetime.datetime) -> bytes:
    """The signing certificate, its authority and the signing key, PEM."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _subject(f"{COMMON_NAME} (authority)"), _subject(COMMON_NAME)
    authority = (
        _certificate(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), True)
        .sign(authority_key, hashes.SHA256())
    )
    own = (
        _certificate(subject, issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(_usage(digital_signature=True), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False
        )
        .sign(authority_key, hashes.SHA256())
    )
    return own.public_bytes(_PEM) + authority.public_bytes(_PEM) + key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    )


def _subject(name: str) -> x509.Name:
    # c2pa's reader shows the organization as the signer, and the common name beside it.
    oids = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    return x509.Name([x509.NameAttribute(oid, name) for oid in oids])


def _usage(
    digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, pem: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_suffix(f".{os.getpid()}")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    part.replace(path)
