"""Which MediaStreams a viewer finds the picture and the sound in."""

from __future__ import annotations

import re
import uuid


def unlocked(answer: str) -> str:
    """`answer`, which aiortc made, with its picture in a MediaStream of its own, too.

    Two tracks whose first MediaStream is the same are kept together by Chromium: it holds the
    picture back to meet the sound's longer jitter buffer, by 100 ms and more where packets wobble,
    as soon as playout-delay lets it. So the picture's first is one of its own, and the sound is
    sent earlier instead, see `sound.LEAD_S`. The second is the sound's: players that show
    `event.streams[0]` of the track that came last get both (RFC 8830 allows several lines).
    """
    first, *media = re.split(r"^(?=m=)", answer, flags=re.MULTILINE)
    return "".join(
        (first, *(_unlocked(one) if one.startswith("m=video") else one for one in media))
    )


def _unlocked(section: str) -> str:
    own = f"a=msid:{uuid.uuid4()} "
    return re.sub(r"^a=msid:\S+ (.*)$", rf"{own}\1\n\g<0>", section, count=1, flags=re.MULTILINE)
