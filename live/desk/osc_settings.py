"""Where OSC comes in, and where the state of the desk is told."""

from __future__ import annotations

import ipaddress
from argparse import Namespace
from dataclasses import dataclass

from live.arguments import Arguments
from live.errors import SetupError

HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class OscTarget:
    """A desk that is told what changes."""

    host: str
    port: int  # UDP

    def __post_init__(self) -> None:
        if not self.host or not 1 <= self.port <= 65_535:
            raise SetupError(f"--osc-to {self}: give HOST:PORT, such as 192.168.1.20:9001")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class OscSettings:
    """OSC, in and out."""

    port: int | None = None  # UDP, for orders; 0: any that is free; None: none are taken
    host: str = HERE  # the address that it listens at
    to: tuple[OscTarget, ...] = ()

    def __post_init__(self) -> None:
        if self.port is not None and not 0 <= self.port <= 65_535:
            raise SetupError(f"--osc {self.port} is no port; give 1 to 65535, such as 9000")

    @property
    def open_to_others(self) -> bool:
        """Whether anybody but this machine may give orders."""
        if self.port is None or self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return True


def add_osc_arguments(parser: Arguments) -> None:
    """`--osc`, `--osc-host` and `--osc-to`."""
    parser.add_argument(
        "--osc",
        type=int,
        metavar="PORT",
        help="take OSC orders at this UDP port, from this machine alone; addresses: docs/osc.md",
    )
    parser.add_argument(
        "--osc-host",
        metavar="ADDRESS",
        help="take them at this address of the machine, 0.0.0.0 for every one; OSC knows no "
        "password: whoever reaches the port operates the show",
    )
    parser.add_argument(
        "--osc-to",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="tell this desk by OSC what changes; may be given more than once",
    )


def osc_settings(found: Namespace) -> OscSettings | None:
    """The settings from what `add_osc_arguments` added; None where no OSC is asked for.

    Raises SetupError.
    """
    if found.osc is None and found.osc_host is not None:
        raise SetupError("--osc-host without --osc; give --osc PORT too")
    if found.osc is not None and found.osc < 1:
        raise SetupError(f"--osc {found.osc} is no port; give 1 to 65535, such as 9000")
    if found.osc is None and not found.osc_to:
        return None
    targets = tuple(dict.fromkeys(_target(text) for text in found.osc_to))
    return OscSettings(found.osc, found.osc_host or HERE, targets)


def _target(text: str) -> OscTarget:
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()):
        raise SetupError(f"--osc-to {text!r}: give HOST:PORT, such as 192.168.1.20:9001")
    return OscTarget(host.removeprefix("[").removesuffix("]"), int(port[:6]))
