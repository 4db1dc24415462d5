"""The Motion JPEG preview: real sockets, real clients that are slow, rude or gone, and Chromium."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
import threading
import tracemalloc
from collections.abc import Awaitable, Callable

import aiohttp
import av
import numpy as np
import pytest

from live.errors import SetupError
from live.frames import Image, Picture
from live.latest import Latest
from live.stream.cors import CorsSettings
from live.stream.hub import Hub
from live.stream.mjpeg import Preview, add_preview
from live.stream.outputs import Outputs
from live.stream.preview_settings import (
    PreviewSettings,
    add_preview_arguments,
    preview_settings,
)
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.pattern import pattern, psnr_db, read_number
from tests.live.stream.preview_stage import (
    FAST,
    PATIENCE_S,
    Stage,
    deaf,
    decoded,
    staged,
    until,
    watching,
    whole_parts,
)


def noise(number: int) -> Image:
    """What JPEG cannot make small: about 200 kB."""
    return np.random.default_rng(number).integers(0, 256, (384, 384, 3), np.uint8)


async def test_the_stream_is_what_was_published_and_newest_wins() -> None:
    async with staged() as stage, stage.playing(), watching(stage.url) as client:
        numbers = []
        for jpeg in await client.jpegs(10):
            seen = decoded(jpeg)
            numbers.append(read_number(seen))
            assert psnr_db(pattern(numbers[-1]), seen) > 27
        assert numbers == sorted(set(numbers))


async def test_all_clients_get_the_same_bytes_of_one_coding() -> None:
    async with staged() as stage, stage.playing(fps=20):
        async with watching(stage.url) as a, watching(stage.url) as b, watching(stage.url) as c:
            await until(lambda: len(stage.preview) == 3)
            before, shown = stage.preview.encoded, stage.number
            got = await asyncio.gather(*(client.jpegs(20) for client in (a, b, c)))
            encoded, shown = stage.preview.encoded - before, stage.number - shown
        by_number = [{read_number(decoded(jpeg)): jpeg for jpeg in jpegs} for jpegs in got]
        common = set(by_number[0]) & set(by_number[1]) & set(by_number[2])
        assert len(common) >= 10
        for number in common:
            assert by_number[0][number] == by_number[1][number] == by_number[2][number]
        assert encoded <= shown + 1, "once for all three"


async def test_a_single_picture_is_sent_whole_at_once() -> None:
    async with staged() as stage:
        stage.show()
        async with watching(stage.url) as a, watching(stage.url) as b:  # the second one, too
            for client in (a, b):
                assert read_number(decoded((await client.jpegs(1))[0])) == 0


async def test_a_still() -> None:
    async with staged() as stage, stage.playing(), aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(stage.url + "preview.jpg") as response:
                assert response.status == 200
                assert response.content_type == "image/jpeg"
                jpeg = await response.read()
                assert psnr_db(pattern(read_number(decoded(jpeg))), decoded(jpeg)) > 27
        await until(lambda: len(stage.preview) == 0)


@pytest.mark.parametrize("size", [(1, 1), (241, 135), (99, 1001), (720, 1280)])
async def test_any_size(size: tuple[int, int]) -> None:
    async with staged() as stage:
        stage.show(np.full((*size, 3), (200, 40, 40), np.uint8))
        async with watching(stage.url) as client:
            seen = decoded((await client.jpegs(1))[0])
        assert seen.shape == (*size, 3)
        assert np.abs(seen.mean((0, 1)) - (200, 40, 40)).max() < 4


async def test_nothing_is_coded_while_nobody_watches() -> None:
    async with staged() as stage, stage.playing():
        await until(lambda: stage.number > 10)
        assert stage.preview.encoded == 0
        async with watching(stage.url) as client:
            await client.jpegs(3)
        await until(lambda: len(stage.preview) == 0)
        encoded, shown = stage.preview.encoded, stage.number
        await until(lambda: stage.number > shown + 20)
        assert stage.preview.encoded <= encoded + 1  # one may have been on its way
        async with watching(stage.url) as client:
            assert read_number(decoded((await client.jpegs(1))[0])) > shown


async def test_a_client_that_does_not_read_costs_no_memory_and_is_shown_out() -> None:
    settings = PreviewSettings(fps=60, stall_s=2.0)
    async with staged(settings) as stage, stage.playing(draw=noise):
        stuck = [await deaf(stage.url) for _ in range(4)]
        try:
            async with watching(stage.url) as client:
                await until(lambda: len(stage.preview) == 5)
                size = len((await client.jpegs(5))[-1])
                gc.collect()
                tracemalloc.start()
                sent = 0
                while len(stage.preview) == 5:
                    sent += len(await client.jpegs(1))
                    now, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                print(f"{sent} of {size} bytes sent to the other; peak {peak} bytes")
                assert sent >= 10
                # Four that kept what they missed would hold 4 * sent; these hold one each, and the
                # rest is the show, its coding and the client that is well.
                assert now < 16 * size
                await until(lambda: len(stage.preview) == 1)
                assert len(await client.jpegs(10)) == 10
        finally:
            for one in stuck:
                one.close()


async def test_a_still_that_is_not_taken_is_given_up() -> None:
    def big(number: int) -> Image:
        return np.random.default_rng(number).integers(0, 256, (1080, 1920, 3), np.uint8)

    async with staged(PreviewSettings(stall_s=0.3)) as stage:
        stage.show(big(0))
        stuck = await deaf(stage.url, "preview.jpg")
        try:
            await until(lambda: len(stage.preview) == 1)
            await until(lambda: len(stage.preview) == 0)
        finally:
            stuck.close()


async def test_a_slow_client_skips_and_stays() -> None:
    settings = PreviewSettings(fps=60, stall_s=2.0)
    async with staged(settings) as stage, stage.playing(draw=numbered_noise):
        slow = await deaf(stage.url)
        loop = asyncio.get_running_loop()
        try:
            await until(lambda: len(stage.preview) == 1)
            got, ends_s = b"", loop.time() + 5  # more than its limit
            while loop.time() < ends_s:
                got += await loop.sock_recv(slow, 2**16)
                await asyncio.sleep(0.02)
            assert len(stage.preview) == 1
            numbers = [read_number(decoded(jpeg)) for jpeg in whole_parts(got)]
            print(f"took {numbers} of {stage.number}")
            assert numbers == sorted(set(numbers))
            assert numbers[-1] > stage.number / 3, "what is new, not what was missed"
        finally:
            slow.close()
        await until(lambda: len(stage.preview) == 0)


def numbered_noise(number: int) -> Image:
    image = noise(number)
    image[: len(image) // 8] = pattern(number, image.shape[:2])[: len(image) // 8]
    return image


async def test_ffmpeg_reads_it() -> None:
    """As media players and OBS do."""

    def read(url: str) -> list[int]:
        options = {"strict_mime_boundary": "1"}
        with av.open(url, format="mpjpeg", options=options, timeout=PATIENCE_S) as container:
            frames = container.decode(video=0)
            images = [next(frames).to_ndarray(format="rgb24") for _ in range(10)]
        return [read_number(np.asarray(image, np.uint8)) for image in images]

    async with staged() as stage, stage.playing():
        numbers = await asyncio.to_thread(read, stage.url + "preview.mjpg")
    assert numbers == sorted(set(numbers))


async def test_a_client_that_left_is_noticed_without_any_new_picture() -> None:
    async with staged() as stage:
        stage.show()
        async with watching(stage.url) as client:
            await client.jpegs(1)
            assert len(stage.preview) == 1
        await until(lambda: len(stage.preview) == 0)


async def test_only_so_many_may_watch() -> None:
    settings = PreviewSettings(most=2)
    async with staged(settings) as stage, stage.playing(), aiohttp.ClientSession() as session:
        async with watching(stage.url), watching(stage.url):
            for name in ("preview.mjpg", "preview.jpg"):
                async with session.get(stage.url + name) as response:
                    assert response.status == 503
                    assert response.headers["Retry-After"] == "5"
                    assert "all 2 places of the preview are taken" in await response.text()
        await until(lambda: len(stage.preview) == 0)
        async with watching(stage.url) as client:
            assert len(await client.jpegs(1)) == 1


async def test_without_a_picture_it_says_so() -> None:
    async with staged(PreviewSettings(first_s=0.05)) as stage, aiohttp.ClientSession() as session:
        for name in ("preview.mjpg", "preview.jpg"):
            async with session.get(stage.url + name) as response:
                assert response.status == 503
                assert "no picture yet" in await response.text()


async def test_the_end_of_the_show_is_the_end_of_the_stream(hub: Hub) -> None:
    async with staged() as stage, aiohttp.ClientSession() as session:
        stage.show()
        async with watching(stage.url) as client:
            first = await client.jpegs(1)
            Outputs(hub, [stage.pictures]).close()
            assert await client.jpegs(5) == first, "the last picture closes the part begun"
        for name in ("preview.mjpg", "preview.jpg"):
            async with session.get(stage.url + name) as response:
                assert response.status == 410
                assert "the show has ended" in await response.text()


async def test_a_show_that_ends_while_a_client_waits_for_its_first_picture() -> None:
    async with staged() as stage, aiohttp.ClientSession() as session:
        asking = asyncio.create_task(session.get(stage.url + "preview.mjpg"))
        await until(lambda: len(stage.preview) == 1)
        stage.pictures.close()
        async with await asking as response:
            assert response.status == 410


async def test_the_headers() -> None:
    async with staged() as stage, stage.playing(), aiohttp.ClientSession() as session:
        for name in ("preview.mjpg", "preview.jpg"):
            async with session.get(stage.url + name) as response:
                assert response.headers["Cache-Control"] == "no-store"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        async with session.head(stage.url + "preview.mjpg") as response:
            assert response.status == 405


async def test_another_site_may_show_it_where_it_is_named() -> None:
    cors = CorsSettings(frozenset({"https://theatre.example"}))
    async with (
        staged(FAST, cors) as stage,
        stage.playing(),
        aiohttp.ClientSession() as session,
        session.get(stage.url + "preview.jpg") as response,
    ):
        assert "Cross-Origin-Resource-Policy" not in response.headers


async def leave_early(stage: Stage, session: aiohttp.ClientSession) -> None:
    async with session.get(stage.url + "preview.mjpg") as response:
        await response.content.readany()


async def ask_and_go(stage: Stage, session: aiohttp.ClientSession) -> None:
    client = await deaf(stage.url)
    client.close()


async def ask_rudely(stage: Stage, session: aiohttp.ClientSession) -> None:
    client = await deaf(stage.url)
    await asyncio.sleep(0.02)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    client.close()


async def a_still(stage: Stage, session: aiohttp.ClientSession) -> None:
    async with session.get(stage.url + "preview.jpg") as response:
        await response.read()


async def test_two_hundred_that_come_and_go_leave_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ways: list[Callable[[Stage, aiohttp.ClientSession], Awaitable[None]]] = [
        leave_early, ask_and_go, ask_rudely, a_still,
    ]  # fmt: skip
    settings = PreviewSettings(most=50, fps=60)
    async with staged(settings) as stage, stage.playing():
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(way(stage, session) for way in ways))
        await until(lambda: len(stage.preview) == 0)
        await asyncio.sleep(0.1)
        tasks, sockets, threads = len(asyncio.all_tasks()), open_files(), threading.active_count()
        for _ in range(10):
            async with aiohttp.ClientSession() as session:
                await asyncio.gather(*(way(stage, session) for way in ways * 5))
        await until(lambda: len(stage.preview) == 0)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        await until(lambda: open_files() <= sockets)
        assert threading.active_count() == threads
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


async def test_the_server_ends_at_once_with_clients_stuck_and_well(hub: Hub) -> None:
    pictures: Latest[Picture] = Latest()
    preview = Preview(FAST, pictures)
    outputs = Outputs(hub, [pictures])
    server = ShowServer(
        ServerSettings(port=0), hub, dict, more=[lambda app: add_preview(app, preview)]
    )
    server.start()
    stuck = await deaf(server.url)
    try:
        outputs.publish(Picture(noise(0), 0.0, 0, "generated"))
        async with watching(server.url) as client:
            for number in range(1, 30):
                outputs.publish(Picture(noise(number), number / 30, number, "generated"))
                await asyncio.sleep(0.02)
            assert len(await client.jpegs(3)) == 3
            await asyncio.to_thread(server.close)
            await client.jpegs(100)
    except (aiohttp.ClientError, ConnectionError):  # cut in the middle of a part
        pass
    finally:
        stuck.close()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"server", "preview"}
    gc.collect()  # what was not closed warns now, and a warning is an error


# What is asked for.


def parsed(*arguments: str) -> PreviewSettings | None:
    parser = argparse.ArgumentParser()
    add_preview_arguments(parser)
    return preview_settings(parser.parse_args(arguments))


def test_the_command_line() -> None:
    assert parsed() == PreviewSettings(most=8, fps=15.0)
    assert parsed("--preview-clients", "0") is None
    assert parsed("--preview-clients", "3", "--preview-fps", "5") == PreviewSettings(3, 5.0)
    with pytest.raises(SetupError, match="-1 clients"):
        parsed("--preview-clients", "-1")
    with pytest.raises(SetupError, match="preview of 0 fps"):
        parsed("--preview-fps", "0")
    with pytest.raises(SetupError, match="quality"):
        PreviewSettings(quality=0)
    with pytest.raises(SetupError, match="more than 0"):
        PreviewSettings(stall_s=0)
