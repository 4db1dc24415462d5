"""What the doctor's tests may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_subject import write_tiny_subject


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    """A whole bundle, with consent."""
    return write_tiny_subject(tmp_path / "tiny")
