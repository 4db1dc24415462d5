"""A link as a QR code (ISO/IEC 18004): half blocks for a terminal, SVG for a page. segno's home."""

from __future__ import annotations

import io

from live.errors import StreamError


def terminal_qr(link: str) -> str:
    """`link` as lines of half blocks with their quiet zone, dark on a light ground.

    Raises `StreamError` when segno is absent or the link is too long for a code.
    """
    out = io.StringIO()
    _code(link).terminal(out, compact=True)
    return out.getvalue()


def svg_qr(link: str) -> str:
    """`link` as one `<svg>` element that scales with its box. Raises as `terminal_qr`."""
    return str(_code(link).svg_inline(scale=1, omitsize=True, dark="#000", light="#fff"))


def _code(link: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 (segno may be absent)
    try:
        import segno
    except ImportError as error:
        raise StreamError("QR codes need segno: pip install segno") from error
    try:
        return segno.make_qr(link, error="m")
    except segno.DataOverflowError as error:
        raise StreamError(
            f"a link of {len(link)} characters is too long for a QR code; type it instead"
        ) from error
