from __future__ import annotations

import pytest

from live.stream.encoder import Codec, Coded, EncoderSettings
from live.stream.lane import IDLE_S, REOPEN_S, Lane
from live.stream.planes import to_i420
from live.stream.presentation import Presentation
from live.stream.steering import Rung
from tests.live.stream.pattern import pattern


class Driven:
    """A lane at 30 pictures a second."""

    def __init__(self, codec: Codec, kbps: int = 1000) -> None:
        self.lane = Lane(codec, Rung.FULL, EncoderSettings(bitrate_kbps=kbps))
        self.number = 0

    def code(self, kbps: int, count: int = 1) -> list[Coded]:
        coded = []
        for _ in range(count):
            at_s = self.number / 30
            presentation = Presentation(self.number * 3000, at_s, at_s, 0.0)
            image = to_i420(pattern(self.number, (64, 64)))
            coded.append(self.lane.encode(image, presentation, kbps))
            self.number += 1
        return coded


def test_x264_takes_any_bitrate_without_a_key_frame() -> None:
    driven = Driven(Codec.H264)
    coded = driven.code(1000, 5) + driven.code(300, 5) + driven.code(900, 5)
    assert [one.key_frame for one in coded] == [True] + [False] * 14


def test_vp8_is_opened_anew_but_only_for_much_and_not_often() -> None:
    driven = Driven(Codec.VP8)
    pictures = round(REOPEN_S * 30) + 1
    assert [n for n, one in enumerate(driven.code(1000, pictures)) if one.key_frame] == [0]
    assert not any(one.key_frame for one in driven.code(800, 10))  # too little
    assert driven.code(400)[0].key_frame
    assert not any(one.key_frame for one in driven.code(1000, 10))  # too soon
    assert sum(one.key_frame for one in driven.code(1000, pictures)) == 1


@pytest.mark.parametrize("codec", list(Codec))
def test_an_encoder_that_nobody_needs_is_freed_after_a_while(codec: Codec) -> None:
    driven = Driven(codec)
    driven.code(1000)
    names = []
    for now_s in (IDLE_S / 2, IDLE_S + 1):
        driven.lane.rest(now_s)
        names.append(driven.lane.encoder_name)
    assert names[0] is not None
    assert names[1] is None
    assert driven.code(1000)[0].key_frame
