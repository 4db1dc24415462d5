from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from live.errors import StreamError
from live.frames import Image, Picture
from live.latest import Closed
from live.stream import encoder as encoder_module
from live.stream.encoder import Codec, Coded, Encoder, EncoderKind
from live.stream.hub import Hub
from live.stream.hub_counts import Published
from live.stream.steering import Line, Rung
from live.stream.subscription import LONGEST, Subscription
from tests.live.stream.pattern import pattern


class Stage:
    """Publishes numbered pictures at 30 per second on a clock of its own."""

    def __init__(self, always_encode: bool = False) -> None:
        self.now_s = 0.0
        self.number = 0
        self.hub = Hub(always_encode=always_encode, clock=lambda: self.now_s)

    def watch(self, codec: Codec = Codec.H264) -> Subscription:
        """A viewer who is ready to take pictures."""
        made = self.hub.subscribe(codec)
        made.begin()
        return made

    def show(self, count: int = 1, size: tuple[int, int] = (64, 64)) -> list[Published]:
        done = []
        for _ in range(count):
            picture = Picture(pattern(self.number, size), self.now_s, self.number, "generated")
            done.append(self.hub.publish(picture))
            self.number += 1
            self.now_s += 1 / 30
        return done

    async def show_here(self, count: int = 1, size: tuple[int, int] = (64, 64)) -> list[Published]:
        """The same on another thread, as it is meant, and then the event loop's turn."""
        done = await asyncio.to_thread(self.show, count, size)
        await asyncio.sleep(0)
        return done


async def drain(subscription: Subscription, count: int) -> list[Coded]:
    return [await asyncio.wait_for(subscription.next(), 5) for _ in range(count)]


def test_nobody_watches_nothing_is_encoded() -> None:
    stage = Stage()
    assert [one.bytes for one in stage.show(3)] == [0, 0, 0]
    assert stage.hub.counts.frames == 3
    assert stage.hub.counts.encoded == 0
    assert stage.hub.encoders == {}


def test_the_benchmark_may_ask_to_encode_for_nobody() -> None:
    stage = Stage(always_encode=True)
    done = stage.show(5)
    assert all(one.bytes > 0 for one in done)
    assert [one.key_frame for one in done] == [True, False, False, False, False]
    assert stage.hub.counts.bytes == sum(one.bytes for one in done)
    assert stage.hub.encoders == {Codec.H264: "libx264"}


async def test_one_encode_serves_all_viewers_of_a_codec() -> None:
    stage = Stage()
    viewers = [stage.watch() for _ in "abcde"]
    await stage.show_here(4)
    received = [await drain(viewer, 4) for viewer in viewers]
    assert stage.hub.counts.encoded == 4
    assert stage.hub.counts.viewers == 5
    for others in received[1:]:
        assert all(a is b for a, b in zip(received[0], others, strict=True))


async def test_each_codec_that_is_watched_is_encoded_and_no_other() -> None:
    stage = Stage()
    stage.watch(Codec.VP8)
    await stage.show_here(2)
    assert stage.hub.encoders == {Codec.VP8: "libvpx"}
    stage.watch()
    await stage.show_here(2)
    assert set(stage.hub.encoders) == set(Codec)
    assert stage.hub.counts.encoded == 2 + 4


async def test_who_joins_late_starts_at_a_key_frame_made_for_them() -> None:
    stage = Stage()
    early = stage.watch()
    await stage.show_here(5)
    late = stage.watch()
    await stage.show_here(2)
    assert [one.key_frame for one in await drain(early, 7)] == [True, *[False] * 4, True, False]
    assert [one.key_frame for one in await drain(late, 2)] == [True, False]


async def test_a_slow_viewer_is_cut_to_the_next_key_frame_and_holds_up_nobody() -> None:
    stage = Stage()
    slow, swift = stage.watch(), stage.watch()
    got: list[Coded] = []
    for _ in range(4 * LONGEST):
        await stage.show_here(1)
        got += await drain(swift, 1)
    assert len(got) == 4 * LONGEST
    assert swift.dropped == 0
    assert slow.dropped >= LONGEST
    assert (await drain(slow, 1))[0].key_frame
    assert stage.hub.counts.dropped == slow.dropped
    slow.close()
    assert stage.hub.counts.dropped == slow.dropped  # and it is not forgotten with the viewer


async def test_a_storm_of_asks_makes_two_key_frames_a_second() -> None:
    stage = Stage()
    viewer = stage.watch()
    for _ in range(90):
        for _ in range(50):
            viewer.ask_key_frame()
        await stage.show_here(1)
        await drain(viewer, 1)
    assert stage.hub.counts.key_frames <= 2 * 3 + 1
    assert stage.hub.counts.key_frames >= 4


async def test_a_picture_of_another_size_goes_on_with_a_new_encoder() -> None:
    stage = Stage()
    viewer = stage.watch()
    await stage.show_here(2, (64, 64))
    await stage.show_here(2, (96, 128))
    assert [one.key_frame for one in await drain(viewer, 4)] == [True, False, True, False]


async def test_an_encoder_that_dies_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    x264 = encoder_module.ENCODERS[Codec.H264][-1]
    mortal = EncoderKind("libx264rgb", x264.options)  # dies of our hand below
    monkeypatch.setitem(encoder_module.ENCODERS, Codec.H264, (mortal, x264))
    healthy = Encoder.encode

    def encode(self: Encoder, i420: Image, ticks: int, at_s: float, key_frame: bool) -> Coded:
        if self.name == mortal.name and ticks > 3 * 3000:
            raise StreamError(f"the encoder {self.name} failed: device lost")
        return healthy(self, i420, ticks, at_s, key_frame)

    monkeypatch.setattr(Encoder, "encode", encode)
    monkeypatch.setattr(encoder_module, "_open", _open_as_x264)
    stage = Stage()
    viewer = stage.watch()
    await stage.show_here(6)
    assert [one.key_frame for one in await drain(viewer, 6)] == [True, *[False] * 3, True, False]
    assert stage.hub.encoders == {Codec.H264: "libx264"}
    assert "device lost; trying the next one" in caplog.text


def _open_as_x264(kind: EncoderKind, size: object, settings: object) -> object:
    return _really_open(EncoderKind("libx264", kind.options), size, settings)  # type: ignore[arg-type]


_really_open = encoder_module._open


async def test_where_no_encoder_is_left_viewers_come_back_with_another_codec(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    healthy = Encoder.encode

    def encode(self: Encoder, i420: Image, ticks: int, at_s: float, key_frame: bool) -> Coded:
        if self.name == "libx264" and ticks > 3 * 3000:
            raise StreamError("the encoder libx264 failed: out of memory")
        return healthy(self, i420, ticks, at_s, key_frame)

    monkeypatch.setattr(Encoder, "encode", encode)
    stage = Stage()
    viewer, other = stage.watch(), stage.watch(Codec.VP8)
    await stage.show_here(8)
    with pytest.raises(Closed):
        await viewer.next()
    assert stage.hub.able == {Codec.VP8}
    assert len(await drain(other, 8)) == 8  # who watches VP8 has noticed nothing
    assert "viewers of H264 are sent away" in caplog.text
    with pytest.raises(StreamError, match="no encoder for H264"):
        stage.hub.subscribe(Codec.H264)


async def test_a_viewer_who_only_connects_costs_nothing_and_starts_at_once() -> None:
    stage = Stage()
    viewer = stage.hub.subscribe(Codec.H264)
    assert [one.bytes for one in await stage.show_here(20)] == [0] * 20
    viewer.begin()
    await stage.show_here(1)
    assert (await drain(viewer, 1))[0].key_frame
    assert viewer.dropped == 0


async def test_a_crowd_that_comes_at_once_shares_a_key_frame_and_waits_for_no_limit() -> None:
    stage = Stage()
    first = stage.watch()
    keys = []
    for _ in range(30):
        crowd = [stage.watch() for _ in "abcde"]
        await stage.show_here(1)
        keys.append((await drain(first, 1))[0].key_frame)
        for one in crowd:
            one.close()
    gaps = np.diff(np.flatnonzero(keys))
    assert keys[0]
    assert (gaps == 5).all()  # 0.15 s at 30 per second, however many come


async def test_a_weak_line_gets_a_quarter_and_the_others_keep_their_picture() -> None:
    stage = Stage()
    strong, weak = stage.watch(), stage.watch()
    await stage.show_here(1)
    await drain(strong, 1)
    await drain(weak, 1)
    weak.line = Line(500e3, 0.0)
    sizes = []
    for _ in range(40):
        await stage.show_here(1)
        await drain(strong, 1)
        sizes.append((await drain(weak, 1))[0])
    assert strong.rung is Rung.FULL
    assert weak.rung is Rung.QUARTER
    moved = next(n for n, one in enumerate(sizes) if one.size == (32, 32))
    assert sizes[moved].key_frame
    assert {one.size for one in sizes[:moved]} <= {(64, 64)}
    assert {one.size for one in sizes[moved:]} == {(32, 32)}
    ticks = [one.packet.pts for one in sizes]
    assert all(later > earlier for earlier, later in pairwise(ticks))  # type: ignore[operator]
    counts = stage.hub.counts
    assert (counts.viewers, counts.quarter, counts.bitrate_kbps) == (2, 1, 3000)


async def test_a_line_that_recovers_gets_the_whole_picture_back_at_a_key_frame() -> None:
    stage = Stage()
    strong, weak = stage.watch(), stage.watch()
    await stage.show_here(1)
    weak.line = Line(500e3, 0.0)
    got: list[Coded] = []
    for number in range(20 * 30):
        if number == 30:
            weak.line = Line(3e6, 0.0)
        await stage.show_here(1)
        await drain(strong, 1)
        got += await drain(weak, 1)
    sizes = [one.size for one in got]
    back = len(sizes) - 1 - sizes[::-1].index((32, 32)) + 1
    assert got[back].key_frame
    assert back > 10 * 30
    assert set(sizes[back:]) == {(64, 64)}


async def test_all_lines_weak_all_keep_the_whole_picture_at_less_bitrate() -> None:
    stage = Stage()
    viewers = [stage.watch() for _ in range(3)]
    await stage.show_here(1)
    for viewer in viewers:
        viewer.line = Line(1.5e6, 0.0)
    for _ in range(20):
        await stage.show_here(1)
        for viewer in viewers:
            await drain(viewer, 1)
    assert {one.rung for one in viewers} == {Rung.FULL}
    assert stage.hub.counts.bitrate_kbps == 1500


async def test_a_tap_has_everything_from_a_key_frame_on() -> None:
    stage = Stage()
    stage.watch()
    await stage.show_here(6)
    got: list[Coded] = []
    tap = stage.hub.tap(Codec.H264, got.append)
    await stage.show_here(4)
    tap.close()
    tap.close()
    await stage.show_here(2)
    assert [one.key_frame for one in got] == [True, False, False, False]
    assert [one.size for one in got] == [(64, 64)] * 4


def test_a_tap_alone_keeps_the_encoder_at_work() -> None:
    stage = Stage()
    got: list[Coded] = []
    stage.hub.tap(Codec.H264, got.append)
    stage.show(3)
    assert len(got) == 3
    assert stage.hub.counts.viewers == 0


async def test_closing_ends_every_viewer_and_lets_nobody_in() -> None:
    stage = Stage()
    viewer = stage.watch()
    waiting = asyncio.create_task(viewer.next())
    await asyncio.sleep(0)
    stage.hub.close()
    stage.hub.close()
    with pytest.raises(Closed):
        await waiting
    with pytest.raises(StreamError, match="the show has ended"):
        stage.hub.subscribe(Codec.H264)
    assert stage.hub.counts.viewers == 0
    stage.show(2)  # the encode stage may not have heard yet


def test_a_viewer_whose_event_loop_is_gone_does_no_harm() -> None:
    stage = Stage()

    async def come_and_vanish() -> None:
        stage.watch()

    asyncio.run(come_and_vanish())
    assert stage.show(2)[1].bytes > 0
    stage.hub.close()
