"""The subject that is shown, for the console: its portrait, and what is known of the consent."""

from __future__ import annotations

import threading
from collections.abc import Callable

from live import consent
from live.desk.thumb import thumb_of
from live.errors import DeskError, UnderstudyError
from live.subject import Subject

Shown = Callable[[], tuple[str, Subject | None]]
"""The name of who is shown now, and that subject, where it is at hand. Quick."""


class SubjectTeller:
    """Tells of one subject at a time, looked into again where another is shown. From any thread."""

    def __init__(self, shown: Shown, subject_of: Callable[[str], Subject | None]) -> None:
        """subject_of: any that can be shown, by name; None where there is none of that name. May
        take its time, and raise UnderstudyError."""
        self._shown = shown
        self._subject_of = subject_of
        self._lock = threading.Lock()
        self._known: tuple[str, Subject | None, dict[str, object]] | None = None

    def tell(self) -> dict[str, object]:
        """`{"name", "consent", "acknowledged", "thumb"}`. Never raises."""
        name, subject = self._shown()
        with self._lock:
            known = self._known
            if known is None or known[0] != name or known[1] is not subject:
                known = self._known = (name, subject, _told_of(name, subject))
            return known[2]

    def acknowledged(self) -> bool:
        """Whether the one that is shown may be shown."""
        return bool(self.tell()["acknowledged"])

    def acknowledge(self, name: str, words: str) -> None:
        """Keep that the operator answers for the subject's consent. Raises UnderstudyError."""
        subject = self._subject_of(name)
        if subject is None:
            raise DeskError(f"there is no subject {name[:60]!r} to answer for")
        if subject.manifest.consent is not None:
            raise DeskError(f"{name} has a consent record; there is nothing to answer for")
        try:
            checked = consent.statement(words)
        except UnderstudyError as error:  # it speaks of the command line, which is not at hand
            raise DeskError(str(error).replace(consent.OPTION, "the consent", 1)) from error
        consent.acknowledge(subject, checked)
        with self._lock:
            self._known = None


def _told_of(name: str, subject: Subject | None) -> dict[str, object]:
    if subject is None:  # it is on: whoever let it on has asked
        return {"name": name, "consent": "", "acknowledged": True, "thumb": None}
    return {
        "name": name,
        "consent": consent.says(subject),
        "acknowledged": consent.acknowledged(subject),
        "thumb": thumb_of(subject),
    }
