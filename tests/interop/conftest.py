from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.stream.hub import Hub
from tests.interop.service import own_address


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


@pytest.fixture
def address() -> str:
    """This machine's own address in a network; media servers pass over the loopback."""
    return own_address()
