"""What is fuzzed: something that takes an input, and says whether it took or refused it."""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from typing import Protocol


class Verdict(enum.Enum):
    """What became of an input, where all is well."""

    TAKEN = "taken"
    REFUSED = "refused"  # with the error that is meant for it


class LetInError(Exception):
    """Something was taken that must not be."""


class Target(Protocol):
    """One way in. `feed` may raise nothing but `LetInError`, or it is a crash."""

    name: str
    share: float  # of all inputs; all targets' shares together are 1

    def make(self, rng: random.Random) -> object:
        """An input, from `rng` alone: the same again for the same generator."""

    def feed(self, given: object) -> Verdict:
        """Let the code have it."""

    def close(self) -> None:
        """Free what is held."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input that did what it must not."""

    target: str
    number: int  # `--only TARGET:NUMBER` makes it again
    kind: str  # "crash", "hang", "let in"
    what: str
