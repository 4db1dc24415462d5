"""Starts the show again when it dies: `python -m live.supervise -- run_live.py --demo`.

It stops where the show ends as it should (0) or cannot begin (2), hands signals on, keeps the port,
and kills a show that says no more that pictures leave. systemd does the same by
`docs/understudy.service`.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.notify import PERIOD_VARIABLE, PID_VARIABLE, SOCKET_VARIABLE
from live.restarts import Ended, Restarts

log = logging.getLogger(__name__)

WATCHDOG_S = 10.0
"""Seconds without a word after which a show that was ready is killed."""
END_S = 15.0
"""Seconds that a show which was told to end is given."""


@dataclass(frozen=True, slots=True)
class Said:
    """The show's own words."""

    lines: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """A signal for us, which is meant for the show."""

    number: int


@dataclass(frozen=True, slots=True)
class Over:
    """The show's process has ended."""

    code: int


class Supervisor:
    """Runs `command` until it ends for good."""

    def __init__(
        self, command: Sequence[str], restarts: Restarts, watchdog_s: float = WATCHDOG_S
    ) -> None:
        self._command = list(command)
        self._restarts = restarts
        self._watchdog_s = watchdog_s
        # Simple: a signal handler may put into it while `get` waits.
        self._events: queue.SimpleQueue[Said | Told | Over] = queue.SimpleQueue()
        self._leaving = False

    def run(self) -> int:
        """The exit code for the shell."""
        with ExitStack() as opened:
            # A watchdog above us is ours to answer, not the show's.
            environment = {name: v for name, v in os.environ.items() if name != PID_VARIABLE}
            if hasattr(socket, "AF_UNIX"):
                environment |= opened.enter_context(self._listening())
            opened.enter_context(self._hearing_signals())
            while True:
                ended = self._run_once(environment)
                if self._leaving:
                    return 0 if ended.code in (0, -signal.SIGINT, -signal.SIGTERM) else 1
                delay_s = self._restarts.after(ended)
                if delay_s is None:
                    return ended.code if ended.code >= 0 else 1
                log.warning("the show %s; it is started again in %.2g s", _how(ended), delay_s)
                if self._told_within(delay_s):
                    return 0

    def _run_once(self, environment: dict[str, str]) -> Ended:
        """From the show's start to its end."""
        began_s, ready, due_s = time.monotonic(), False, float("inf")
        # A session of its own: Ctrl-C in the terminal is for us, and handed on once.
        with subprocess.Popen(self._command, env=environment, start_new_session=True) as process:
            threading.Thread(target=self._await, args=(process,), daemon=True).start()
            while True:
                match self._next(due_s):
                    case None:
                        log.error("no picture leaves the show any more; it is killed")
                        process.kill()
                        due_s = float("inf")
                    case Said(lines):
                        ready = ready or "READY=1" in lines
                        due_s = self._due_s(lines, ready, due_s)
                    case Told(number):
                        self._leaving = True
                        process.send_signal(number)
                        due_s = time.monotonic() + END_S
                    case Over(code):
                        return Ended(code, time.monotonic() - began_s, ready)

    def _next(self, due_s: float) -> Said | Told | Over | None:
        """What happens next; None where nothing does until `due_s`."""
        wait_s = None if due_s == float("inf") else max(due_s - time.monotonic(), 0.0)
        try:
            return self._events.get(timeout=wait_s)
        except queue.Empty:
            return None

    def _due_s(self, lines: frozenset[str], ready: bool, due_s: float) -> float:
        """When the show must have said something again."""
        now_s = time.monotonic()
        if self._leaving:
            return due_s
        if "STOPPING=1" in lines:
            return now_s + END_S
        alive = ready and bool(lines & {"READY=1", "WATCHDOG=1"})
        return now_s + self._watchdog_s if alive else due_s

    def _told_within(self, delay_s: float) -> bool:
        """Wait before the next start; True when a signal says that there is to be none."""
        end_s = time.monotonic() + delay_s
        while (event := self._next(end_s)) is not None:
            if isinstance(event, Told):
                return True
        return False

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        self._events.put(Over(process.wait()))

    @contextmanager
    def _listening(self) -> Iterator[dict[str, str]]:
        """A socket for the show's words, and what its environment must say of it."""
        with TemporaryDirectory(prefix="understudy-") as folder:
            place = Path(folder) / "notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
                heard.bind(str(place))
                thread = threading.Thread(target=self._listen, args=(heard,), daemon=True)
                thread.start()
                yield {
                    SOCKET_VARIABLE: str(place),
                    PERIOD_VARIABLE: str(round(self._watchdog_s * 1e6)),
                }
                heard.sendto(b"", str(place))
                thread.join()

    def _listen(self, heard: socket.socket) -> None:
        while data := heard.recv(4096):
            self._events.put(Said(frozenset(data.decode(errors="replace").splitlines())))

    @contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        def heed(number: int, frame: FrameType | None) -> None:
            self._events.put(Told(number))

        names = ("SIGINT", "SIGTERM", "SIGHUP")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, heed) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command after `--`; the code that it ended with at last."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s supervise: %(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m live.supervise", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument(
        "--watchdog", type=float, default=WATCHDOG_S, metavar="SECONDS",
        help="kill a show that says nothing for so long (default %(default)g)",
    )  # fmt: skip
    parser.add_argument("command", nargs="+", help="run_live.py and its options, after --")
    found = parser.parse_args(arguments)
    try:
        if not 1 <= found.watchdog <= 3600:
            raise SetupError(f"--watchdog is {found.watchdog}; give 1 to 3600 seconds")
        return Supervisor(kept_port(python(found.command)), Restarts(), found.watchdog).run()
    except (UnderstudyError, OSError) as error:
        print(f"understudy: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT


def python(command: Sequence[str]) -> list[str]:
    """`command`, by this very interpreter where it is a script."""
    return [sys.executable, *command] if command[0].endswith(".py") else list(command)


def kept_port(command: Sequence[str]) -> list[str]:
    """`command` with `--port 0`, any free one, settled: viewers come back to where they were."""
    settled = list(command)
    for at, word in enumerate(settled):
        if word == "--port=0":
            settled[at] = f"--port={_free_port()}"
        elif word == "--port" and settled[at + 1 : at + 2] == ["0"]:
            settled[at + 1] = str(_free_port())
    return settled


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _how(ended: Ended) -> str:
    if ended.code < 0:
        return f"was killed by {signal.Signals(-ended.code).name} after {ended.lived_s:.1f} s"
    return f"ended with code {ended.code} after {ended.lived_s:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
