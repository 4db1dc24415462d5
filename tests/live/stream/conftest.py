from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.stream.viewers import ViewerLimits

Serve = Callable[..., ShowServer]


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


@pytest.fixture
def serve(hub: Hub) -> Iterator[Serve]:
    """Starts servers on free ports, and stops them."""
    started: list[ShowServer] = []

    def start(port: int = 0, host: str = "127.0.0.1", **limits: float) -> ShowServer:
        settings = ServerSettings(host, port, ViewerLimits(**limits))  # type: ignore[arg-type]
        server = ShowServer(settings, hub, lambda: {"fps": 30.0, "delay_ms": {"p50": 41.0}})
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.close()
