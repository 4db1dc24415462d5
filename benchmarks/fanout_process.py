"""A process that is asked over a pipe, and always ended."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from types import TracebackType
from typing import Any

from live.errors import UnderstudyError

ANSWER_S = 180.0
"""Thirty-two joins one after the other, each as slow as it may be, do not fit: that is an error."""

STOP_S = 20.0


class Process:
    """Runs `work(pipe, *arguments)`; `ask` sends a tuple and waits for what comes back."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._name = work.__name__
        self._child = context.Process(target=work, args=(theirs, *arguments), daemon=True)
        self._child.start()
        theirs.close()

    def ask(self, *words: object) -> Any:
        """Send and wait. Raises `UnderstudyError` when no answer comes."""
        self.send(*words)
        return self.take()

    def send(self, *words: object) -> None:
        """Send only; `take` gets the answer."""
        self._pipe.send(words)

    def take(self) -> Any:
        """The next answer. Raises `UnderstudyError` when none comes, or an error does."""
        if not self._pipe.poll(ANSWER_S):
            raise UnderstudyError(f"{self._name} gave no answer within {ANSWER_S:.0f} s")
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise UnderstudyError(f"{self._name} died; see above for its reason") from None
        if isinstance(answer, Exception):
            raise UnderstudyError(f"{self._name}: {answer}") from answer
        return answer

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._pipe.send(("stop",))
            self._child.join(STOP_S)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()
        self._pipe.close()
