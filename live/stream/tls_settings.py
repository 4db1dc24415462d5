"""`--tls`: a certificate that is made here, or one that is given."""

from __future__ import annotations

import datetime
import socket
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from live.arguments import Arguments
from live.cache import cache_folder
from live.errors import SetupError
from live.stream.camera_link import Interface, interfaces
from live.stream.tls import own_certificate

AUTO = "auto"
FOLDER = "tls"  # in the user's cache folder


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files for `ServerSettings.certificate` and `.key`."""

    certificate: Path  # PEM
    key: Path | None  # PEM; None: it is in the certificate's file


def add_tls_arguments(parser: Arguments) -> None:
    """`--tls`."""
    parser.add_argument(
        "--tls",
        metavar="auto|CERT[,KEY]",
        help="serve https, which a phone's camera needs: with a certificate made here for this "
        "machine's addresses (browsers warn once), or with yours (PEM)",
    )


def tls_settings(
    found: Namespace,
    host: str,
    folder: Path | None = None,
    here: Iterable[Interface] | None = None,
) -> TlsSettings | None:
    """The settings from what `add_tls_arguments` added; None without `--tls`.

    `host` is what the server serves. `auto` makes the certificate, or takes the one that it made
    before, so that a phone that accepted it is not asked again. Raises `UnderstudyError`.
    """
    if found.tls is None:
        return None
    if found.tls == AUTO:
        names = certificate_names(host, interfaces() if here is None else here)
        now = datetime.datetime.now(datetime.UTC)
        return TlsSettings(own_certificate(folder or cache_folder() / FOLDER, names, now), None)
    certificate, comma, key = found.tls.partition(",")
    if not certificate or (comma and not key):
        raise SetupError(f"--tls {found.tls!r} names no file; give auto, CERT or CERT,KEY")
    return TlsSettings(_file(certificate), _file(key) if key else None)


def certificate_names(host: str, here: Iterable[Interface]) -> frozenset[str]:
    """What this machine is called by a browser in its network.

    Of IPv6 only loopback: its other addresses change by the day, and the certificate with them.
    """
    names = {"localhost", "127.0.0.1", "::1", *(one.address for one in here)}
    if host not in ("0.0.0.0", "::", ""):
        names.add(host)
    machine = socket.gethostname().rstrip(".").lower()
    if machine.isascii():
        names |= {machine, f"{machine.split('.')[0]}.local"}
    return frozenset(name for name in names if name)


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise SetupError(f"--tls: there is no file {path}; give auto, or a certificate in PEM")
    return path
