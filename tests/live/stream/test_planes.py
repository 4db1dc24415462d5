from __future__ import annotations

import cv2
import numpy as np
import pytest

from live.stream.planes import Planes, quartered, size_of, to_i420
from live.stream.steering import Rung
from tests.live.stream.pattern import pattern, psnr_db


@pytest.mark.parametrize("size", [(64, 64), (270, 480), (66, 98), (2, 2), (6, 4)])
def test_a_quarter_is_the_same_picture_smaller(size: tuple[int, int]) -> None:
    small = quartered(to_i420(pattern(3, size)))
    height, width = max(2, size[0] // 4 * 2), max(2, size[1] // 4 * 2)
    assert size_of(small) == (height, width)
    if min(size) >= 64:
        shown = cv2.cvtColor(small, cv2.COLOR_YUV2RGB_I420)
        whole = cv2.resize(pattern(3, size), (width, height), interpolation=cv2.INTER_AREA)
        assert psnr_db(np.asarray(whole, np.uint8), np.asarray(shown, np.uint8)) > 28


def test_each_size_is_made_once() -> None:
    planes = Planes(pattern(0, (64, 64)))
    assert planes.of(Rung.QUARTER) is planes.of(Rung.QUARTER)
    assert size_of(planes.of(Rung.FULL)) == (64, 64)
