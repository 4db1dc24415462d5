"""The tokens of the three rights, kept in one file that only its owner reads."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from live.errors import SetupError

FILE = "tokens.json"
MOST_BYTES = 4096  # of the file

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")
"""Fit for a link's fragment and for a header; 22 characters carry 128 bits."""


def new_token() -> str:
    """A token that nobody guesses: 128 random bits."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Who has one of these has its right. They are shown in links, and never logged."""

    viewer: str = field(default_factory=new_token, repr=False)
    camera: str = field(default_factory=new_token, repr=False)
    operator: str = field(default_factory=new_token, repr=False)

    def __post_init__(self) -> None:
        given = [getattr(self, one.name) for one in fields(self)]
        wrong = [
            one.name
            for one, token in zip(fields(self), given, strict=True)
            if not (isinstance(token, str) and _TOKEN.fullmatch(token))
        ]
        if wrong:
            raise SetupError(
                f"the {wrong[0]}'s token is not one of 22 to 128 letters, digits, - and _; "
                "take it out of the file, and a new one is made"
            )
        if len(set(given)) != len(given):
            raise SetupError("two rights have the same token; give each its own")


def kept_tokens(path: Path) -> Tokens:
    """The tokens in `path`, so that links outlive a restart; those that it lacks are made.

    Raises `SetupError` where others may read or change the file, and where it cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = _read(path)
        tokens = _parse(found, path) if found is not None else Tokens()
        if found is None or set(json.loads(found)) != set(asdict(tokens)):
            _write(path, tokens)
    except OSError as error:
        raise SetupError(
            f"the tokens cannot be kept in {path} ({error.strerror}); give --tokens FILE"
        ) from error
    return tokens


def _read(path: Path) -> bytes | None:
    """The file's content; None where there is none. Never one that is not the user's own."""
    try:
        # A link could name another's file, a pipe would hang the start.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise SetupError(f"--tokens {path} is no plain file; give another")
        if os.name == "posix" and (about.st_mode & 0o077 or about.st_uid != os.geteuid()):
            raise SetupError(
                f"others may read or change {path}, which holds the show's tokens; type "
                f"chmod 600 {path}, or delete it for new ones"
            )
        return file.read(MOST_BYTES)


def _parse(text: bytes, path: Path) -> Tokens:
    known = {one.name for one in fields(Tokens)}
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or set(data) - known:
            raise ValueError("it is no table of viewer, camera and operator")
    except (ValueError, RecursionError) as error:
        raise SetupError(
            f"{path} holds no tokens ({type(error).__name__}); delete it, and new ones are made"
        ) from None  # the cause would show what is in it
    try:
        return Tokens(**data)
    except SetupError as error:
        raise SetupError(f"{path}: {error}") from None


def _write(path: Path, tokens: Tokens) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(asdict(tokens), indent=2) + "\n")
    part.replace(path)
