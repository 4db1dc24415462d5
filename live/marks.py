"""Both marks on a picture that is to leave the machine: first the visible one, then the other."""

from __future__ import annotations

import datetime

from live.caption import Caption
from live.frames import Image
from live.mark_settings import MarkSettings
from live.watermark import Watermark
from live.watermark_payload import Payload


class Marks:
    """The marks of one subject's pictures. Not for two threads at once."""

    def __init__(
        self, settings: MarkSettings, sha256: str, size: tuple[int, int], day: datetime.date
    ) -> None:
        """sha256: the bundle's; size: (height, width) of its pictures; day: UTC, of the show."""
        self._settings = settings
        self._caption = Caption(settings.caption, size) if settings.caption else None
        self._watermark = Watermark(Payload.of(sha256, day), size) if settings.watermark else None

    def add_to(self, picture: Image) -> None:
        """Mark a picture in place, RGB uint8 (H, W, 3)."""
        if self._caption is not None:
            self._caption.add_to(picture)
        if self._watermark is not None:
            self._watermark.add_to(picture)

    def says(self) -> dict[str, object]:
        """For `GET /status`: which marks there are. None: switched off by a flag."""
        caption, watermark = self._settings.caption, self._watermark
        return {
            "visible": caption.text if caption else None,
            "watermark": {
                "subject": watermark.payload.subject,
                "day": watermark.payload.day.isoformat(),
            }
            if watermark
            else None,
        }
