"""The invisible mark: what it does to a picture, and that it is found again."""

from __future__ import annotations

import datetime

import cv2
import numpy as np
import pytest

from live.frames import Image
from live.marking import luma_of
from live.watermark import FLAT, MOST, PER_SLOPE, Watermark, measure_gains
from live.watermark_code import encode
from live.watermark_detect import Detector, Finding
from live.watermark_pattern import TILE, data_chips, plane_of, sync_chips, tile_of
from live.watermark_payload import Payload

PAYLOAD = Payload("5eed42", datetime.date(2026, 5, 4))


def room(size: tuple[int, int] = (512, 512), seed: int = 0) -> Image:
    """A picture with flat, textured and edged parts, RGB."""
    rng = np.random.default_rng(seed)
    height, width = size
    across = np.linspace(60, 190, width)[None] + np.linspace(-20, 20, height)[:, None]
    grain = cv2.GaussianBlur(rng.normal(0, 60, size), (0, 0), 1.5)
    grain[: height // 2] = 0
    grey = across + grain
    grey[height // 4 : height // 2, width // 3 : width // 2] = 230
    tinted = np.dstack([grey, grey * 0.9, grey * 0.7])
    return np.clip(tinted, 0, 255).astype(np.uint8)


def marked(picture: Image, payload: Payload = PAYLOAD) -> Image:
    copy = picture.copy()
    Watermark(payload, picture.shape[:2]).add_to(copy)
    return copy


def found(*pictures: Image) -> Finding:
    detector = Detector()
    for picture in pictures:
        detector.see(luma_of(picture))
    finding = detector.find()
    assert finding is not None
    return finding


def oracle(picture: Image, payload: Payload) -> Image:
    """Slowly, in floating point."""
    height, width = picture.shape[:2]
    plane = plane_of(tile_of(encode(payload.pack())), (height, width))
    luma = picture.astype(np.float64) @ [0.25, 0.5, 0.25]
    slopes = np.zeros((height, width))
    slopes[:-1] += np.abs(np.diff(luma, axis=0))
    slopes[:, :-1] += np.abs(np.diff(luma, axis=1))
    out = picture.astype(np.float64)
    for top in range(0, height, 8):
        for left in range(0, width, 8):
            gain = FLAT
            if top + 8 <= height and left + 8 <= width:
                calmest = min(
                    slopes[top + y : top + y + 3, left + x : left + x + 3].sum()
                    for y in (0, 4)
                    for x in (0, 4)
                )
                gain = min(FLAT + PER_SLOPE * calmest * 4 / 36, MOST)
            block = slice(top, top + 8), slice(left, left + 8)
            out[block] += (gain * plane[block])[:, :, None]
    return np.clip(np.floor(out + 0.5), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(128, 128), (93, 141), (17, 40)])
def test_it_is_what_the_oracle_says(size: tuple[int, int]) -> None:
    picture = room(size)
    gaps = np.abs(marked(picture).astype(int) - oracle(picture, PAYLOAD))
    assert gaps.max() <= 1, "fixed point rounds a few otherwise"
    assert (gaps > 0).mean() < 0.05


def test_every_channel_changes_alike_and_little() -> None:
    picture = room()
    change = marked(picture).astype(int) - picture
    inside = (picture > 12).all(axis=2) & (picture < 243).all(axis=2)
    assert (change[inside] == change[inside][:, :1]).all()
    assert np.abs(change).max() <= 8
    assert 10 * np.log10(255**2 / np.square(change).mean()) > 42


def test_a_lone_edge_draws_no_noise_around_it() -> None:
    picture = np.full((64, 64, 3), 90, np.uint8)
    picture[:, 30:] = 200
    gains = np.zeros((8, 8), np.int16)
    measure_gains(picture, gains)
    assert (gains == int(FLAT * 64)).all()


def test_a_black_and_a_white_picture_stay_within_bounds() -> None:
    for level in (0, 255):
        picture = np.full((256, 256, 3), level, np.uint8)
        assert np.abs(marked(picture).astype(int) - level).max() <= 3


def test_where_nothing_moves_the_mark_does_not_either() -> None:
    picture, mark = room(), Watermark(PAYLOAD, (512, 512))
    moved = picture.copy()
    moved[200:260, 100:160] = 40
    one, other = picture.copy(), moved.copy()
    mark.add_to(one)
    mark.add_to(other)
    still = np.ones((512, 512), bool)
    still[192:272, 96:168] = False
    assert np.array_equal(one[still], other[still])


def test_the_chips_are_each_used_once() -> None:
    assert sorted([*sync_chips(), *data_chips().ravel()]) == list(range(1024))


def test_the_tile_is_even_and_has_no_mean() -> None:
    tile = tile_of(encode(PAYLOAD.pack()))
    assert tile.shape == (TILE, TILE)
    assert abs(float(tile.mean())) < 1e-5
    assert float(np.square(tile).mean()) == pytest.approx(1, rel=1e-4)


def test_the_pattern_of_this_version_never_changes() -> None:
    """What was marked by an older release is still read: signs and places are fixed."""
    tile = tile_of(encode(PAYLOAD.pack()))
    assert tile[0, :6].tolist() == pytest.approx(
        [-0.997, -0.358, 0.532, 1.425, 2.044, 2.232], abs=1e-3
    )


@pytest.mark.parametrize("size", [(512, 512), (512, 1024), (720, 1280), (1080, 608), (256, 256)])
def test_it_is_read_whatever_the_pictures_size(size: tuple[int, int]) -> None:
    finding = found(marked(room(size)))
    assert finding.payload == PAYLOAD
    assert finding.score > 10
    assert finding.tile_px == pytest.approx(min(size) / 4, rel=0.01)


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.37, 2.0])
def test_it_survives_a_change_of_size(scale: float) -> None:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(marked(room()), None, fx=scale, fy=scale, interpolation=how)
    assert found(np.asarray(scaled, np.uint8)).payload == PAYLOAD


@pytest.mark.parametrize(("top", "left"), [(0, 0), (77, 33), (154, 101)])
def test_it_survives_a_cut(top: int, left: int) -> None:
    assert found(marked(room())[top : top + 358, left : left + 358]).payload == PAYLOAD


def test_it_survives_jpeg_and_a_page_around_it() -> None:
    page = np.full((800, 1200, 3), 20, np.uint8)
    page[100:740, 300:940] = cv2.resize(marked(room()), (640, 640))
    shot = cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], 1)
    assert found(np.asarray(shot, np.uint8)).payload == PAYLOAD


def test_pictures_together_tell_what_one_alone_does_not() -> None:
    rng = np.random.default_rng(3)

    def noisy() -> Image:
        noise = rng.normal(0, 25, (512, 512, 1))
        return np.clip(marked(room()) + noise, 0, 255).astype(np.uint8)

    shots = [noisy() for _ in range(16)]
    assert found(shots[0]).payload is None
    assert found(*shots).payload == PAYLOAD


def test_without_a_mark_nothing_is_found() -> None:
    for seed in range(10):
        finding = found(room((400, 400), seed))
        assert finding.payload is None and finding.score < 8


def test_too_small_or_nothing_at_all_is_no_finding() -> None:
    detector = Detector()
    assert detector.find() is None
    detector.see(np.zeros((20, 400), np.float32))
    assert detector.find() is None
    with pytest.raises(ValueError, match="after pictures of"):
        detector.see(np.zeros((20, 401), np.float32))


def test_a_picture_of_one_colour_is_no_finding() -> None:
    finding = found(np.full((300, 300, 3), 128, np.uint8))
    assert finding.score < 8 and finding.payload is None
