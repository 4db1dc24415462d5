"""Offers (SDP) for the fuzzing: to the readers themselves, most of them."""

from __future__ import annotations

import asyncio
import random
from typing import cast

from benchmarks.fuzz_mutate import spoiled_bytes, spoiled_lines
from benchmarks.fuzz_target import LetInError, Verdict
from live.stream.camera_offer import read_camera_offer
from live.stream.offer import OfferError, read_offer
from tests.live.stream.watcher import Watcher


class Offers:
    """`read_offer` and `read_camera_offer`."""

    name, share = "offer", 0.1

    def __init__(self) -> None:
        self.seeds = offers()

    def make(self, rng: random.Random) -> object:
        whole = rng.choice(self.seeds)
        if rng.random() < 0.25:
            coded = spoiled_bytes(rng, whole.encode(), [one.encode() for one in self.seeds])
            return coded.decode("utf-8", "replace")
        return spoiled_lines(rng, whole, self.seeds)

    def feed(self, given: object) -> Verdict:
        text = cast(str, given)
        taken = 0
        for read in (read_offer, read_camera_offer):
            try:
                sdp = read(text).sdp
            except OfferError as error:
                if not 400 <= error.status < 500:
                    raise LetInError(f"an offer answered with {error.status}") from error
                continue
            taken += 1
            if "candidate:" in sdp and any(
                line.startswith("a=candidate:") for line in sdp.splitlines()
            ):
                raise LetInError("a stranger's candidate came through")
        return Verdict.TAKEN if taken else Verdict.REFUSED

    def close(self) -> None:
        """Nothing is held."""


def offers() -> list[str]:
    """Real ones: with sound and without, as aiortc and (in its words) as a browser make them."""

    async def made() -> list[str]:
        found = []
        for sound in (False, True):
            watcher = Watcher("", sound=sound, extensions=sound)
            found.append(await watcher.offer())
            await watcher.connection.close()
        return found

    plain = asyncio.run(made())
    return [*plain, *(one.replace("a=recvonly", "a=sendonly") for one in plain)]
