from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from live.errors import StreamError
from live.frames import Image
from live.stream import encoder as encoder_module
from live.stream.encoder import (
    Codec,
    Coded,
    Encoder,
    EncoderKind,
    EncoderSettings,
    kinds_of,
    open_encoder,
    try_encoders,
)
from live.stream.planes import to_i420
from tests.live.stream.pattern import pattern, psnr_db, read_number

DECODERS = {Codec.H264: "h264", Codec.VP8: "vp8"}


def run(codec: Codec, images: list[Image], keys: frozenset[int] = frozenset()) -> list[Coded]:
    planes = [to_i420(image) for image in images]
    size = planes[0].shape[0] * 2 // 3, planes[0].shape[1]
    encoder = open_encoder(codec, size, EncoderSettings())
    return [encoder.encode(one, n * 3000, n / 30, n in keys) for n, one in enumerate(planes)]


def decode(codec: Codec, coded: list[Coded]) -> list[Image]:
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [frame for one in coded for frame in decoder.decode(av.Packet(bytes(one.packet)))]
    frames += decoder.decode(None)
    return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("size", [(256, 256), (360, 640), (135, 241), (97, 64)])
def test_what_is_decoded_is_what_was_published(codec: Codec, size: tuple[int, int]) -> None:
    images = [pattern(number, size) for number in range(12)]
    shown = decode(codec, run(codec, images))
    assert len(shown) == len(images)
    height, width = size
    assert shown[0].shape[:2] == (height + height % 2, width + width % 2)
    for number, (image, seen) in enumerate(zip(images, shown, strict=True)):
        assert read_number(seen[:height, :width]) == number
        assert psnr_db(image, seen[:height, :width]) > 27


def test_an_odd_edge_is_repeated_not_lost() -> None:
    image = np.zeros((3, 5, 3), np.uint8)
    image[:, -1] = 255
    planes = to_i420(image)
    assert planes.shape == (6, 6)
    luma = planes[:4]
    assert (luma[:, 4:] > 230).all()
    assert (luma[:, :4] < 20).all()


@pytest.mark.parametrize("codec", list(Codec))
def test_a_key_frame_comes_when_asked_and_decoding_can_start_there(codec: Codec) -> None:
    images = [pattern(number) for number in range(20)]
    coded = run(codec, images, keys=frozenset({9}))
    assert [n for n, one in enumerate(coded) if one.key_frame] == [0, 9]
    late = decode(codec, coded[9:])
    assert read_number(late[0]) == 9
    assert psnr_db(images[9], late[0]) > 27


def test_h264_is_constrained_baseline_with_its_parameter_sets_at_every_key_frame() -> None:
    coded = run(Codec.H264, [pattern(number) for number in range(6)], keys=frozenset({3}))
    for number in (0, 3):
        data = bytes(coded[number].packet)
        kinds = {data[i + 3] & 31 for i in range(len(data) - 3) if data[i : i + 3] == b"\0\0\1"}
        assert {5, 7, 8} <= kinds  # IDR slice, SPS, PPS: ITU-T H.264 table 7-1
        sps = data.index(b"\0\0\1\x67") + 4
        assert data[sps] == 66  # profile_idc: baseline
        assert data[sps + 1] & 0x40  # constraint_set1_flag: constrained


@pytest.mark.parametrize("codec", list(Codec))
def test_the_stream_keeps_to_its_bitrate_even_on_noise(codec: Codec) -> None:
    settings = EncoderSettings(bitrate_kbps=1500)
    encoder = open_encoder(codec, (256, 256), settings)
    random = np.random.default_rng(0)
    sizes = []
    for number in range(90):
        noise = random.integers(0, 256, (256, 256, 3), np.uint8)
        sizes.append(encoder.encode(to_i420(noise), number * 3000, 0.0, False).packet.size)
    later_kbps = sum(sizes[30:]) * 8 / 2 / 1000
    assert later_kbps < 1.25 * settings.bitrate_kbps


@pytest.mark.parametrize("codec", list(Codec))
def test_nothing_is_held_back(codec: Codec) -> None:
    for number, one in enumerate(run(codec, [pattern(n) for n in range(5)])):
        assert one.packet.pts == number * 3000
        assert one.captured_s == number / 30


def test_the_next_of_the_table_is_used_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = (EncoderKind("no_such_encoder", lambda _: {}), *encoder_module.ENCODERS[Codec.H264])
    monkeypatch.setitem(encoder_module.ENCODERS, Codec.H264, rows)
    with caplog.at_level("INFO"):
        assert open_encoder(Codec.H264, (64, 64), EncoderSettings()).name == "libx264"
    assert "no_such_encoder does not open" in caplog.text
    assert "H264: libx264 at 64x64" in caplog.text


def test_without_any_encoder_the_sentence_names_the_remedy() -> None:
    with pytest.raises(StreamError, match=r"libx264 failed before.*pip install av"):
        open_encoder(Codec.H264, (64, 64), EncoderSettings(), frozenset({"h264_nvenc", "libx264"}))


def test_a_size_that_no_encoder_takes_is_named() -> None:
    kind = encoder_module.ENCODERS[Codec.H264][-1]
    with pytest.raises(StreamError, match="does not open at 0x0"):
        Encoder(kind, (0, 0), EncoderSettings())


def test_a_bitrate_is_steered_in_place_without_a_key_frame() -> None:
    encoder = open_encoder(Codec.H264, (256, 256), EncoderSettings(bitrate_kbps=3000))
    random = np.random.default_rng(0)
    coded = []
    for number in range(180):
        if number == 90:
            encoder.steer(600)
        noise = random.integers(0, 256, (256, 256, 3), np.uint8)
        coded.append(encoder.encode(to_i420(noise), number * 3000, 0.0, False))
    before, after = (
        sum(one.packet.size for one in part) * 8 * 30 / len(part) / 1000
        for part in (coded[30:90], coded[120:])
    )
    assert before > 2000
    assert after < 900
    assert [n for n, one in enumerate(coded) if one.key_frame] == [0]


def test_a_named_encoder_stands_alone() -> None:
    x264, vp8 = EncoderSettings(name="libx264"), EncoderSettings(name="libvpx")
    assert [kind.name for kind in kinds_of(Codec.H264, x264)] == ["libx264"]
    assert [kind.name for kind in kinds_of(Codec.VP8, x264)] == ["libvpx"]  # who has no H.264
    assert kinds_of(Codec.H264, vp8) == ()
    assert try_encoders(x264, (64, 64)) == {Codec.H264: "libx264", Codec.VP8: "libvpx"}
    assert try_encoders(vp8, (64, 64)) == {Codec.VP8: "libvpx"}


def test_what_most_machines_lack_is_said_plainly_and_in_full_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nvenc, x264 = encoder_module.ENCODERS[Codec.H264]
    nowhere = replace(nvenc, options=lambda _: {"preset": "no such preset"})  # no GPU has that
    monkeypatch.setitem(encoder_module.ENCODERS, Codec.H264, (nowhere, x264))
    with caplog.at_level("DEBUG", logger="live.stream.encoder"):
        open_encoder(Codec.H264, (64, 64), EncoderSettings())
    told = [one.message for one in caplog.records if one.levelname == "INFO"]
    assert told == ["H264: libx264 at 64x64, 3000 kbit/s (no NVIDIA encoder here)"]
    assert "h264_nvenc does not open" in caplog.text


def test_an_encoder_that_nobody_knows_is_refused_with_those_that_are() -> None:
    with pytest.raises(StreamError, match="h265_nvenc: there is none; give h264_nvenc, libx264"):
        EncoderSettings(name="h265_nvenc")


def test_a_named_encoder_that_does_not_work_here_is_an_error_not_a_fallback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = EncoderKind("h264_nvenc", lambda _: {"preset": "no such preset"})  # no GPU has that
    monkeypatch.setitem(encoder_module.ENCODERS, Codec.H264, (row,))
    with pytest.raises(StreamError, match="h264_nvenc does not open"):
        try_encoders(EncoderSettings(name="h264_nvenc"), (64, 64))


@pytest.mark.parametrize(
    ("field", "value"),
    [("bitrate_kbps", 0), ("fps", 0.0), ("vbv_frames", 0.5), ("key_interval_s", 0.0)],
)
def test_settings_that_make_no_sense_are_refused(field: str, value: float) -> None:
    with pytest.raises(StreamError, match="give"):
        EncoderSettings(**{field: value})  # type: ignore[arg-type]
