from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from live.engines.engine_cache import LEFT_AFTER_S, EngineCache, EngineKey

ROOT = Path(__file__).parents[3]
KEY = EngineKey("ab" * 32, "tensorrt 11.4", "NVIDIA RTX 4090 sm_89", "580.1", "fp32")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def warned(caplog: pytest.LogCaptureFixture) -> str:
    assert len(caplog.records) == 1, caplog.text
    return caplog.records[0].getMessage()


def test_what_was_stored_is_loaded(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    assert cache.load(KEY) is None
    assert cache.store(KEY, b"first") and cache.store(KEY, b"second\n with a line")
    assert cache.load(KEY) == b"second\n with a line"
    assert [path.name for path in cache.folder.iterdir()] == [KEY.file_name()]
    assert cache.load(replace(KEY, precision="fp16")) is None
    assert cache.load(replace(KEY, kind="timing")) is None
    assert cache.load(replace(KEY, model_sha256="cd" * 32)) is None
    assert caplog.records == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"driver": "590.2"}, "driver '580.1' and not '590.2'"),
        ({"runtime": "tensorrt 12.0"}, "runtime 'tensorrt 11.4' and not 'tensorrt 12.0'"),
        ({"model_sha256": "ab" * 8 + "cd" * 24}, "was made for model_sha256"),
    ],
)
def test_an_entry_of_another_driver_or_version_is_replaced(
    cache: EngineCache, caplog: pytest.LogCaptureFixture, change: dict[str, str], says: str
) -> None:
    cache.store(KEY, b"old")
    now = replace(KEY, **change)
    assert cache.load(now) is None
    assert says in warned(caplog) and "made anew" in warned(caplog)
    cache.store(now, b"new")
    assert cache.load(now) == b"new"
    assert len(list(cache.folder.iterdir())) == 1


def test_a_file_from_another_card_is_not_used_under_a_new_name(
    cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(KEY, gpu="NVIDIA H100 sm_90")
    cache.store(other, b"foreign")
    (cache.folder / other.file_name()).rename(cache.folder / KEY.file_name())
    assert cache.load(KEY) is None
    assert "gpu 'NVIDIA H100 sm_90' and not 'NVIDIA RTX 4090 sm_89'" in warned(caplog)


@pytest.mark.parametrize("keep", [0, 10, 200, -7, -1])
def test_a_half_written_entry_is_not_used(
    cache: EngineCache, caplog: pytest.LogCaptureFixture, keep: int
) -> None:
    path = cache.write(KEY, b"x" * 1000)
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.load(KEY) is None
    assert "made anew" in warned(caplog)


def test_a_flipped_bit_is_noticed(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    path = cache.write(KEY, b"x" * 1000)
    content = bytearray(path.read_bytes())
    content[-500] ^= 4
    path.write_bytes(content)
    assert cache.load(KEY) is None
    assert "is damaged (1000 bytes)" in warned(caplog)


@pytest.mark.parametrize("content", [b"\x00" * 9000, b"{}\n", b"[1]\nabc", b'{"format": 1}\n'])
def test_what_is_no_entry_is_not_used(cache: EngineCache, content: bytes) -> None:
    cache.write(KEY, b"").write_bytes(content)
    assert cache.load(KEY) is None


def test_what_a_killed_process_left_half_written_is_swept_away(tmp_path: Path) -> None:
    left, at_work = tmp_path / "tmpleft.partial", tmp_path / "tmpwork.partial"
    for path in (left, at_work):
        path.write_bytes(b"half an eng")
    now_s = at_work.stat().st_mtime
    os.utime(left, (now_s, now_s - LEFT_AFTER_S - 1))
    EngineCache(tmp_path, clock=lambda: now_s).write(KEY, b"engine")
    assert {path.name for path in tmp_path.iterdir()} == {at_work.name, KEY.file_name()}


@POSIX
def test_a_file_that_others_may_write_is_not_trusted(
    cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write(KEY, b"engine").chmod(0o666)
    assert cache.load(KEY) is None
    assert "may be written by everybody" in warned(caplog)


@POSIX
def test_another_users_file_is_not_trusted(
    cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    path = cache.write(KEY, b"engine")
    if os.getuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(path, 12345, 12345)
    assert cache.load(KEY) is None
    assert "belongs to the user 12345" in warned(caplog)


def test_a_folder_in_the_way_is_said_so(
    cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    (cache.folder / KEY.file_name()).mkdir(parents=True)
    assert cache.load(KEY) is None
    assert "cannot be read" in warned(caplog)
    assert not cache.store(KEY, b"engine")
    assert [path.name for path in cache.folder.iterdir()] == [KEY.file_name()], "no partial file"


FULL = """
import logging, resource, sys
from pathlib import Path
from live.engines.engine_cache import EngineCache
from tests.live.engines.test_engine_cache import KEY
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
cache = EngineCache(Path(sys.argv[1]))
assert cache.store(KEY, b"x" * 100), "what fits is kept"
assert not cache.store(KEY, b"y" * 9000)
assert cache.load(KEY) == b"x" * 100, "the old entry stays whole"
"""


@POSIX
def test_a_full_disk_is_one_sentence_and_nothing_is_left_behind(tmp_path: Path) -> None:
    """The limit on a file's size stops a real write half-way, as a full disk does."""
    done = run(FULL, tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stderr.strip().splitlines()
    assert len(said) == 1
    assert f"cannot be kept in {tmp_path} ({os.strerror(errno.EFBIG)})" in said[0]
    assert "UNDERSTUDY_CACHE" in said[0]
    assert [path.name for path in tmp_path.iterdir()] == [KEY.file_name()]


MANY = """
import sys
from pathlib import Path
from live.engines.engine_cache import EngineCache
from tests.live.engines.test_engine_cache import KEY
cache, mine = EngineCache(Path(sys.argv[1])), sys.argv[2].encode() * 200_000
print("ready", flush=True)
sys.stdin.readline()
for _ in range(60):
    assert cache.store(KEY, mine)
    found = cache.load(KEY)
    assert found is not None and len(found) == 200_000 and len(set(found)) == 1, "torn"
"""


def test_two_processes_that_store_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", MANY, str(tmp_path)]
    both = [
        subprocess.Popen(
            [*command, letter], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for letter in "ab"
    ]  # fmt: skip
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in both:
        _, errors = one.communicate(timeout=60)
        assert one.returncode == 0, errors
    found = EngineCache(tmp_path).load(KEY)
    assert found in (b"a" * 200_000, b"b" * 200_000)
    assert len(list(tmp_path.iterdir())) == 1


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", program, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
