"""Outputs: every picture goes to the encoder, and first to those who want it raw."""

from __future__ import annotations

from collections.abc import Sequence

from live.frames import Picture
from live.latest import Latest
from live.show import Publish


class Outputs:
    """A `live.show.Publish` before another: mailboxes are filled, then that one is called.

    A mailbox never blocks, so nobody who takes raw pictures can hold up the encoder.
    """

    def __init__(self, publish: Publish, mailboxes: Sequence[Latest[Picture]]) -> None:
        self._publish = publish
        self._mailboxes = tuple(mailboxes)

    def publish(self, picture: Picture) -> object:
        """Leave `picture` in every mailbox, then publish it; raises what that raises."""
        for mailbox in self._mailboxes:
            mailbox.put(picture)
        return self._publish.publish(picture)

    def close(self) -> None:
        """End those who wait at a mailbox. From any thread; may be called twice."""
        for mailbox in self._mailboxes:
            mailbox.close()
