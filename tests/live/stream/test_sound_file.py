from __future__ import annotations

import logging
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from live.errors import SourceError
from live.stream.opus import BLOCK, BLOCK_S, RATE_HZ
from live.stream.sound_file import RETRY_S, SoundFile
from tests.live.stream.sounds import clicks, mono, onsets_s, write_clicks, write_sound


def play(source: SoundFile, seconds: float) -> NDArray[np.float64]:
    blocks = [source.take(100 + at * BLOCK_S) for at in range(round(seconds / BLOCK_S))]
    assert {one.shape for one in blocks} == {(BLOCK, 2)}
    return mono(np.concatenate(blocks))


@pytest.mark.parametrize(
    ("rate_hz", "codec", "container"),
    [
        (48_000, "pcm_s16le", "wav"),
        (44_100, "pcm_s16le", "wav"),
        (44_100, "flac", "flac"),
        (44_100, "libmp3lame", "mp3"),
        (48_000, "aac", "mp4"),
        (8_000, "pcm_s16le", "wav"),
    ],
)
def test_every_form_is_heard_at_its_own_pace(
    tmp_path: Path, rate_hz: int, codec: str, container: str
) -> None:
    path = write_clicks(tmp_path / "song", 4.0, rate_hz, codec=codec, container=container)
    source = SoundFile(path)
    found = onsets_s(play(source, 3.9))
    source.close()
    source.close()
    # A coder's own first silence (MP3's, AAC's) shifts all of them; their distance is the file's.
    np.testing.assert_allclose(np.diff(found[-3:]), [1, 1], atol=2e-3)


def test_it_starts_over_without_a_gap(tmp_path: Path) -> None:
    times_s = np.arange(round(0.7731 * RATE_HZ)) / RATE_HZ  # not a whole number of blocks
    source = SoundFile(write_sound(tmp_path / "loop.wav", clicks(times_s)))
    found = onsets_s(play(source, 4.0))
    np.testing.assert_allclose(found, np.arange(6) * 0.7731, atol=1e-3)


def test_a_clip_with_pictures_gives_its_sound(tmp_path: Path) -> None:
    path = write_clicks(tmp_path / "clip.mp4", 1.5, codec="aac", container="mp4")
    assert np.abs(play(SoundFile(path), 1.0)).max() > 0.5


def test_what_cannot_be_played_is_refused_in_one_sentence(
    tmp_path: Path, one_person_clip: Path
) -> None:
    text = tmp_path / "song.wav"
    text.write_bytes(b"no sound at all" * 100)
    empty = tmp_path / "empty.wav"
    empty.touch()
    cut = write_clicks(tmp_path / "cut.mp4", 1.0, codec="aac", container="mp4")
    cut.write_bytes(cut.read_bytes()[:300])
    silent = tmp_path / "nothing.wav"
    with wave.open(str(silent), "wb") as out:
        out.setparams((2, 2, 48_000, 0, "NONE", ""))
    for path in (text, empty, cut, silent, one_person_clip, tmp_path, tmp_path / "absent.wav"):
        with pytest.raises(SourceError, match=r"--sound .*; give ") as caught:
            SoundFile(path)
        print(caught.value)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="there is no sound in it"):
        SoundFile(one_person_clip)
    with pytest.raises(SourceError, match="there is no such file"):
        SoundFile(tmp_path / "absent.wav")


def test_damage_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    path = write_clicks(tmp_path / "song.mp3", 6.0, codec="libmp3lame", container="mp3")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    source = SoundFile(path)
    found = onsets_s(play(source, 5.5))
    assert source.trouble is None
    assert len(found) >= 4


def test_a_file_that_goes_away_is_silent_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clicks(tmp_path / "song.wav", 1.0)
    data = path.read_bytes()
    source = SoundFile(path)
    path.unlink()
    with caplog.at_level(logging.ERROR):
        heard = play(source, 4.0)  # the file that is open plays to its end
    assert onsets_s(heard) == [0.0]
    assert source.trouble is not None
    assert str(path) in source.trouble
    assert len(caplog.records) == 1, "said once, however often it was tried"
    path.write_bytes(data)
    assert not source.take(104.0).any() or source.trouble is None
    later = [source.take(104.0 + RETRY_S + at * BLOCK_S) for at in range(50)]
    assert np.abs(mono(np.concatenate(later))).max() > 0.5
    assert source.trouble is None


def test_a_playlist_does_not_lead_to_the_network(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/song.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError):
        SoundFile(path)
