"""Where the show is published by WHIP, and with which token."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from live.arguments import Arguments
from live.errors import SetupError, StreamError

TOKEN_VARIABLE = "UNDERSTUDY_WHIP_TOKEN"


@dataclass(frozen=True, slots=True)
class WhipSettings:
    """Where the show is published, and how patiently."""

    url: str = field(repr=False)  # of the WHIP endpoint, http or https
    token: str | None = field(default=None, repr=False)  # sent as Bearer, RFC 6750
    answer_s: float = 10.0  # for one HTTP exchange, seconds
    connect_s: float = 10.0  # from answer to connection, seconds
    silence_s: float = 15.0  # without a word from the SFU, seconds
    steady_s: float = 10.0  # a connection of this length ends the back-off, seconds
    first_wait_s: float = 0.5  # after a first failure; doubled after each more, seconds
    longest_wait_s: float = 30.0  # between two tries, seconds
    farewell_s: float = 1.5  # for the DELETE at the end, seconds
    private: bool = False  # the address is a secret itself; messages tell its host only

    def __post_init__(self) -> None:
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise StreamError("the WHIP token has characters that no HTTP header can carry")
        _check_address(
            self.url, "what --whip's file holds" if self.private else f"--whip {self.url!r}"
        )
        times = (self.answer_s, self.connect_s, self.silence_s, self.steady_s, self.first_wait_s)
        if min(*times, self.longest_wait_s, self.farewell_s) <= 0:
            raise StreamError("WHIP's times must be more than 0 seconds")


def _check_address(text: str, told: str) -> None:
    try:
        url = URL(text)
    except ValueError as error:
        raise StreamError(f"{told} is no address; give https://HOST/PATH") from error
    if url.user is not None or url.password is not None:
        raise StreamError(
            "--whip has a name or password in its address, where every process can read it; "
            f"put the token into {TOKEN_VARIABLE} or --whip-token-file"
        )
    if url.scheme not in ("http", "https") or not url.host:
        raise StreamError(f"{told} is no address; give https://HOST/PATH")


def wait_s(failures: int, settings: WhipSettings) -> float:
    """How long to wait after so many failures in a row (1 or more), seconds."""
    doublings = min(failures - 1, 30)
    return min(settings.first_wait_s * 2.0**doublings, settings.longest_wait_s)


def add_whip_arguments(parser: Arguments) -> None:
    """`--whip` and `--whip-token-file`."""
    parser.add_argument(
        "--whip",
        metavar="URL",
        help="publish to an SFU by WHIP too; @FILE where the address itself is a secret; its token "
        f"comes from the environment variable {TOKEN_VARIABLE} or from a file",
    )
    parser.add_argument(
        "--whip-token-file", type=Path, metavar="FILE", help="a file that holds WHIP's token"
    )


def whip_settings(
    found: Namespace, environment: Mapping[str, str] = os.environ
) -> WhipSettings | None:
    """The settings from what `add_whip_arguments` added; None without `--whip`.

    Raises `UnderstudyError`; no message holds the token.
    """
    if found.whip is None:
        if found.whip_token_file is not None:
            raise SetupError("--whip-token-file without --whip; give --whip URL too")
        return None
    url, private = found.whip, found.whip.startswith("@")
    if private:
        url = _read(Path(url[1:]), "--whip @", "address")
    token = environment.get(TOKEN_VARIABLE, "").strip() or None
    if found.whip_token_file is not None:
        token = _read(found.whip_token_file, "--whip-token-file ", "token")
    return WhipSettings(url, token, private=private)


def _read(path: Path, option: str, what: str) -> str:
    try:
        found = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SetupError(f"{option}{path} cannot be read ({reason})") from error
    if not found:
        raise SetupError(f"{option}{path} is empty; put the {what} into it")
    return found
