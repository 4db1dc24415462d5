"""The demo subject's room as the audience sees it with nobody in it: it bears the marks, too."""

from __future__ import annotations

import datetime

from live.frames import Image
from live.mark_settings import MarkSettings
from live.marks import Marks
from live.options import DEMO
from live.subject import load_subject


def marked_room() -> Image:
    """RGB uint8 (H, W, 3), marked as today's show marks it."""
    subject = load_subject(DEMO / "subject")
    room = subject.plate.copy()
    today = datetime.datetime.now(datetime.UTC).date()
    Marks(MarkSettings(), subject.sha256, subject.manifest.stage_size, today).add_to(room)
    return room
