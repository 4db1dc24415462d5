from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live.engines.engine_cache import EngineCache
from live.engines.fake_cuda import GPU, FakeCuda
from live.engines.tensorrt_build import build_plan
from live.engines.tensorrt_library import (
    TENSORRT,
    TENSORRT_RTX,
    Flavour,
    library_of,
    load_library,
)
from live.engines.tensorrt_open import TensorRtOpener, engine_key, open_tensorrt
from live.errors import SetupError
from tests.live.engines.fake_tensorrt import FakeTensorRt
from tests.live.engines.nets import fading_generator, label

FEEDBACK = {"next_state": "state"}
FLAVOURS = pytest.mark.parametrize("flavour", [TENSORRT, TENSORRT_RTX], ids=lambda f: f.name)


class Desk:
    """One machine: its card, its library, its cache."""

    def __init__(self, folder: Path, flavour: Flavour, driver: str = "1.0") -> None:
        self.cuda = FakeCuda(replace(GPU, driver=driver))
        self.api = FakeTensorRt(self.cuda)
        self.library = library_of(flavour, self.api)
        self.cache = EngineCache(folder)
        self.model = fading_generator()

    def start(self) -> str:
        """Open, run once, close; the engine's name."""
        opener = TensorRtOpener(self.library, self.cuda, self.cache)
        engine = opener.open(self.model, "net", FEEDBACK)
        assert engine.run({"label": label(1)})["rgba"].any()
        engine.close()
        assert self.cuda.held() == 0
        return engine.name

    def names(self) -> list[str]:
        return sorted(path.suffix for path in self.cache.folder.iterdir())


@FLAVOURS
def test_the_first_start_builds_and_the_second_does_not(flavour: Flavour, tmp_path: Path) -> None:
    desk = Desk(tmp_path, flavour)
    assert desk.start() == f"{flavour.name} fp32"
    assert desk.api.builds == 1
    assert desk.names() == ([".engine", ".jit"] if flavour.portable else [".engine", ".timing"])
    desk.start()
    assert desk.api.builds == 1
    assert desk.api.loaded_jit == ([b"jitted"] if flavour.portable else [])


def test_another_driver_rebuilds_and_measures_from_nothing(tmp_path: Path) -> None:
    Desk(tmp_path, TENSORRT).start()
    desk = Desk(tmp_path, TENSORRT, driver="2.0")
    desk.start()
    assert desk.api.builds == 1
    assert desk.api.configs[0].timing.content == b"", "times measured on the old driver are no help"


def test_another_driver_makes_rtx_compile_anew_but_build_nothing(tmp_path: Path) -> None:
    Desk(tmp_path, TENSORRT_RTX).start()
    desk = Desk(tmp_path, TENSORRT_RTX, driver="2.0")
    desk.start()
    assert desk.api.builds == 0 and desk.api.loaded_jit == []


@FLAVOURS
def test_an_engine_that_the_card_refuses_is_rebuilt(
    flavour: Flavour, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its entry is whole and says all the right things, and yet it is no engine."""
    desk = Desk(tmp_path, flavour)
    key = engine_key(desk.library, desk.model, desk.cuda.gpu, "fp32")
    desk.cache.store(key, b"from elsewhere")
    desk.start()
    assert desk.api.builds == 1
    assert "fp32 engine from the cache is not used" in caplog.text
    assert desk.cache.load(key) != b"from elsewhere"


@FLAVOURS
@pytest.mark.parametrize("keep", [0, 300, -1])
def test_a_half_written_entry_is_rebuilt_and_replaced(
    flavour: Flavour, tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a power cut, on a file system that renames before it writes."""
    Desk(tmp_path, flavour).start()
    (entry,) = tmp_path.glob("*.engine")
    whole = entry.read_bytes()
    entry.write_bytes(whole[:keep])
    desk = Desk(tmp_path, flavour)
    desk.start()
    assert desk.api.builds == 1 and "made anew" in caplog.text
    assert entry.read_bytes() == whole


def test_a_float16_engine_that_was_built_ahead_is_taken(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TENSORRT)
    half = build_plan(desk.library, desk.model, "net").content  # in truth of the converted model
    desk.cache.store(engine_key(desk.library, desk.model, desk.cuda.gpu, "fp16"), half)
    assert desk.start() == "tensorrt fp16"


def test_where_the_cache_cannot_be_written_the_engine_runs_uncached(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    desk = Desk(tmp_path / "file" / "engines", TENSORRT_RTX)
    desk.start()
    assert "used now and made again at the next start" in caplog.text


def test_keys_tell_cards_apart(tmp_path: Path) -> None:
    classic, rtx = Desk(tmp_path, TENSORRT), Desk(tmp_path, TENSORRT_RTX)
    key = engine_key(classic.library, b"model", GPU, "fp32")
    assert (key.gpu, key.driver, key.runtime) == ("Fake RTX sm_89", "1.0", "tensorrt 11.0")
    assert key.model_sha256 == hashlib.sha256(b"model").hexdigest()
    here = engine_key(rtx.library, b"model", GPU, "fp32")
    assert here == engine_key(rtx.library, b"model", "sm_89", "fp32"), "built ahead, found here"
    assert engine_key(rtx.library, b"model", GPU, "fp32", "jit").driver == "1.0"


@FLAVOURS
def test_a_missing_library_gives_the_pip_line(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in flavour.modules:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SetupError, match=f"{flavour.title} cannot be imported .*{flavour.pip}"):
        open_tensorrt(flavour, b"", "net", FEEDBACK)


def test_either_module_name_of_rtx_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", FakeTensorRt(FakeCuda()))
    assert load_library(TENSORRT_RTX).version == "tensorrt-rtx 11.0"


def test_open_tensorrt_uses_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cuda = FakeCuda()
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tensorrt", FakeTensorRt(cuda))
    engine = open_tensorrt(TENSORRT, fading_generator(), "net", FEEDBACK, lambda: cuda)
    assert np.isfinite(engine.run({"label": label(2)})["rgba"]).all()
    engine.close()
    assert len(list((tmp_path / "engines").iterdir())) == 2
