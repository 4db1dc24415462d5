"""The three live views over a real socket: what is asked for comes, decoded and looked at."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import aiohttp
import cv2
import numpy as np
import pytest

from live.desk.views import NAMES
from live.frames import Image
from tests.live.desk.console_client import looking
from tests.live.desk.console_server import Console, serving


@pytest.fixture
def console() -> Iterator[Console]:
    with serving() as made:
        yield made


async def a_round(
    opened: aiohttp.ClientWebSocketResponse, count: int = 3
) -> list[tuple[str, Image | None]]:
    found: list[tuple[str, Image | None]] = []
    for _ in range(count):
        data = await opened.receive_bytes(timeout=20)
        image = cv2.imdecode(np.frombuffer(data[1:], np.uint8), 1) if len(data) > 1 else None
        found.append((NAMES[data[0]], None if image is None else np.asarray(image, np.uint8)))
    return found


async def whole_round(opened: aiohttp.ClientWebSocketResponse) -> dict[str, Image]:
    """The first in which every view has its picture."""
    while True:
        found = await a_round(opened)
        if all(image is not None for _, image in found):
            return {name: image for name, image in found if image is not None}
        await opened.send_json({"next": True})


async def test_a_round_brings_what_is_wanted_as_wide_as_it_is_wanted(console: Console) -> None:
    async with looking(console.server.url, width=160) as opened:
        found = await whole_round(opened)
        assert list(found) == ["source", "label", "output"]
        assert {image.shape[1] for image in found.values()} == {160}
        await opened.send_json({"next": True, "want": ["output"], "width": 96})
        ((name, image),) = await a_round(opened, 1)
        assert name == "output"
        assert image is not None
        assert image.shape[1] == 96
        for wish, width in ((0.5, 64), (1e300, 512), (100.4, 100)):  # its window may have any size
            await opened.send_json({"next": True, "width": wish})
            ((_, image),) = await a_round(opened, 1)
            assert image is not None
            assert image.shape[1] == width


async def test_the_skeleton_and_the_followed_persons_frame_are_on_the_source(
    console: Console,
) -> None:
    async with looking(console.server.url) as opened:
        with_somebody = (await whole_round(opened))["source"]
        console.show.nobody = True
        seen = console.show.seen()
        while seen is None or seen[1] is not None:
            await asyncio.sleep(0.01)
            seen = console.show.seen()
        await opened.send_json({"next": True})
        without = (await whole_round(opened))["source"]

    def vivid(image: Image) -> int:
        return int((image.max(2).astype(int) - image.min(2) > 150).sum())

    assert vivid(with_somebody) > vivid(without) + 500


async def test_nothing_is_coded_while_nobody_looks_and_nobody_asks(console: Console) -> None:
    async with looking(console.server.url) as opened:
        await whole_round(opened)
        coded = console.views.coded
        newest = console.show.seen()
        while console.show.seen() is newest:  # the show goes on
            await asyncio.sleep(0.01)
        assert console.views.coded == coded
    assert console.views.coded == coded


async def test_two_who_look_at_the_same_get_the_same_jpeg(console: Console) -> None:
    async with looking(console.server.url) as opened:
        await whole_round(opened)
    console.show.close()  # it stands still
    sizes = {name: len(console.views.jpeg(name, 320)) for name in NAMES}
    coded = console.views.coded
    assert {name: len(console.views.jpeg(name, 320)) for name in NAMES} == sizes
    assert console.views.coded == coded


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"want": "source"}, '"want" lists'),
        ({"want": ["nothing"]}, '"want" lists'),
        ({"want": [["source"]]}, '"want" lists'),
        ({"want": ["label", "label"]}, '"want" lists'),
        ({"width": None}, '"width" is pixels'),
        ({"width": math.nan}, '"width" is pixels'),
        ({"width": True}, '"width" is pixels'),
        ({"wide": 1}, "'wide' is unknown"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_answered(
    console: Console, wish: dict[str, object], words: str
) -> None:
    async with looking(console.server.url) as opened:
        await whole_round(opened)
        await opened.send_json({"next": True, **wish})
        assert words in (await opened.receive_json())["error"].replace('"wide"', "'wide'")
        await opened.send_str("{")
        assert "error" in await opened.receive_json()
        await opened.send_bytes(b"\x00")
        assert "error" in await opened.receive_json()
        await opened.send_json({"next": True})
        assert len(await a_round(opened)) == 3


async def test_a_show_without_a_picture_yet_says_so_with_an_empty_one() -> None:
    with serving(playing=False) as made:
        async with looking(made.server.url) as opened:
            assert await a_round(opened) == [("source", None), ("label", None), ("output", None)]
