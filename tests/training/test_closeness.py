from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from training.closeness import LiteCloseness, LpipsCloseness, choose_closeness
from training.perceptual import PerceptualFeatures

BLACK, WHITE = (np.full((32, 32, 3), value, np.uint8) for value in (0, 255))
STUB = """
class LPIPS:
    def __init__(self, net, verbose):
        assert net == "alex"
    def eval(self):
        return self
    def __call__(self, truth, found):
        return (truth - found).abs().max()
"""


def test_without_lpips_the_sheet_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    chosen = choose_closeness(PerceptualFeatures())
    assert isinstance(chosen, LiteCloseness) and "not LPIPS" in chosen.name
    assert chosen.between(BLACK, BLACK) == 0 and chosen.between(BLACK, WHITE) > 0.1


def test_lpips_is_taken_where_package_and_weights_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of the same interface: LPIPS wants pictures in [-1, 1]."""
    (tmp_path / "lpips").mkdir()
    (tmp_path / "lpips" / "__init__.py").write_text(STUB)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    importlib.invalidate_caches()
    features = PerceptualFeatures()
    assert isinstance(choose_closeness(features), LiteCloseness)  # no backbone's weights yet
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").touch()
    chosen = choose_closeness(features)
    assert isinstance(chosen, LpipsCloseness) and chosen.name.startswith("LPIPS")
    assert chosen.between(BLACK, WHITE) == pytest.approx(2)
    monkeypatch.delitem(sys.modules, "lpips")
