"""`Lock`: knows again the one person who was pointed at, by place and by clothes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from live.pose.clothes import Clothes, unlike

# Measured on two real people: one and the same is 0.02 to 0.21 unlike, under a change of light up
# to 0.31; two who are dressed differently are 0.57 to 0.66.
_LIKE = 0.35  # less unlike than this, and it is the same person come back
_OTHER = 0.5  # more unlike than this, and it is somebody else
_CLEAR = 0.1  # so much less unlike another person than the followed one: it is that other
_NEAR = 1.0  # body sizes from where the followed one was lost: so near, it may be that one
_LONG_S = 2.0  # unseen for so long, somebody may come back anywhere, and in any size
_TURNED_S = 1.5  # alone in the picture and in the right place for so long: who has turned round
_ADAPT_S = 3.0  # time constant with which the clothes in mind follow those seen
_MOST_OTHERS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Somebody in a frame, as compared with the followed person."""

    distance: float  # from where that one was last seen, body sizes
    strangeness: float  # as `live.pose.follow` has it: above 1 it cannot have got there
    worn: Clothes | None  # None where the clothes are not seen


class Lock:
    """What is known of the followed person and of those who are not."""

    def __init__(self, worn: Clothes | None, others: list[Clothes | None], now_s: float) -> None:
        """worn: by the person who was pointed at; others: worn by everybody else in view."""
        self._worn = worn
        self._others: list[Clothes] = []
        self._seen_s = now_s
        self._odd_s: float | None = None  # since when there is but one, in other clothes
        self._keep_apart(others)

    def choose(self, candidates: list[Candidate], now_s: float) -> int | None:
        """Which of one frame's candidates is the followed person; None where none can be."""
        long = abs(now_s - self._seen_s) > _LONG_S
        admitted = [at for at, one in enumerate(candidates) if self._admits(one, long)]
        if not admitted:
            admitted = self._turned(candidates, now_s)
        if not admitted:
            return None
        chosen = min(admitted, key=lambda at: candidates[at].strangeness)
        self._saw(candidates[chosen].worn, now_s)
        self._keep_apart([one.worn for one in candidates if one is not candidates[chosen]])
        return chosen

    def _admits(self, one: Candidate, long: bool) -> bool:
        here = one.strangeness <= 1 and one.distance <= _NEAR
        if one.worn is None or self._worn is None:
            return here
        gap, other = unlike(one.worn, self._worn), self._nearest_other(one.worn)
        if gap > _OTHER or other < gap - _CLEAR:
            return False
        known = gap < _LIKE and gap < other - _CLEAR
        return here or (known and (long or one.strangeness <= 1))

    def _turned(self, candidates: list[Candidate], now_s: float) -> list[int]:
        """The only one there is, who stands where the followed one stood, and like no other: the
        same from behind, once that has lasted."""
        one = candidates[0]
        alone = len(candidates) == 1 and one.strangeness <= 1 and one.distance <= _NEAR
        if not alone or one.worn is None or self._nearest_other(one.worn) < _OTHER:
            self._odd_s = None
            return []
        if self._odd_s is None:
            self._odd_s = now_s
        if abs(now_s - self._odd_s) < _TURNED_S:
            return []
        self._worn = one.worn
        return [0]

    def _saw(self, worn: Clothes | None, now_s: float) -> None:
        dt_s = min(abs(now_s - self._seen_s), 1.0)
        self._seen_s, self._odd_s = now_s, None
        if worn is not None:
            mind = worn if self._worn is None else self._worn
            self._worn = mind + (worn - mind) * (1 - math.exp(-dt_s / _ADAPT_S))

    def _nearest_other(self, worn: Clothes) -> float:
        return min((unlike(worn, one) for one in self._others), default=math.inf)

    def _keep_apart(self, others: list[Clothes | None]) -> None:
        """Bear in mind those who are not followed."""
        for worn in others:
            if worn is None:
                continue
            self._others = [one for one in self._others if unlike(one, worn) >= _LIKE / 2]
            self._others = [*self._others, worn][-_MOST_OTHERS:]
