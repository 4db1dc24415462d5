"""How large a picture is, from its first bytes: before anybody makes room for it.

PNG: https://www.w3.org/TR/png-3, 5.2 and 11.2.1. JPEG: ITU-T T.81, B.1.1 and B.2.2.
"""

from __future__ import annotations

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers: a frame's header follows
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # no length follows
_SCAN, _END = 0xDA, 0xD9


def size_of(content: bytes) -> tuple[int, int] | None:
    """(height, width) in pixels; None for what is neither PNG nor JPEG, or broken before it
    tells."""
    return _size_of_jpeg(content) if content.startswith(JPEG) else size_of_png(content)


def size_of_png(content: bytes) -> tuple[int, int] | None:
    """The same, and None for a JPEG, too."""
    if not content.startswith(PNG) or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[20:24]), int.from_bytes(content[16:20])


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    # As libjpeg reads: what stands between two segments and is no marker is passed over.
    while (at := content.find(b"\xff", at)) >= 0 and at + 1 < len(content):
        at += 1
        marker = content[at]
        if marker in _FRAMES:
            size = content[at + 4 : at + 8]
            return (int.from_bytes(size[:2]), int.from_bytes(size[2:])) if len(size) == 4 else None
        if marker in (_SCAN, _END):
            return None
        if marker not in _ALONE and marker not in (0x00, 0xFF):
            at += 1 + max(int.from_bytes(content[at + 1 : at + 3]), 2)
    return None
