from __future__ import annotations

import threading

import pytest

from live.latest import Closed, Latest


def test_newest_wins_and_the_rest_is_counted() -> None:
    box: Latest[int] = Latest()
    for number in range(5):
        box.put(number)
    assert box.take() == 4
    assert box.dropped == 4
    assert box.take(timeout_s=0.01) is None


def test_a_waiting_reader_gets_what_comes() -> None:
    box: Latest[str] = Latest()
    got: list[str | None] = []
    reader = threading.Thread(target=lambda: got.append(box.take(5)))
    reader.start()
    box.put("frame")
    reader.join(5)
    assert got == ["frame"]


def test_close_wakes_the_reader_and_refuses_later_items() -> None:
    box: Latest[int] = Latest()
    ended = threading.Event()

    def read() -> None:
        with pytest.raises(Closed):
            box.take()
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    box.close()
    box.close()
    reader.join(5)
    assert ended.is_set()
    box.put(1)
    with pytest.raises(Closed):
        box.take()
