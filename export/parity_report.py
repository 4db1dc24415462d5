"""The parity report: one HTML file that asks nobody for anything."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from export.parity_measure import Exhibit, Gap
from live.frames import Image

GREY = 128  # behind the figures
PANEL_PX = 320  # pictures are shown no higher
PLOT = (860, 260)  # width and height
TOP_DB, BOTTOM_DB = 110.0, 20.0  # of the plot; equal pictures have 108 dB
COLOURS = ("#0b6e99", "#b5472f", "#4d7c0f", "#7e3fa0", "#a16207", "#334155")
COLUMNS = (
    ("name", "engine"), ("precision", "precision"), ("max_abs", "max error"),
    ("mean_abs", "mean error"), ("psnr_db", "PSNR dB"), ("codebook_psnr_db", "codebook dB"),
    ("dance_psnr_db", "dance dB"), ("drift_db", "drift dB"), ("bound", "bound"),
    ("verdict", "verdict"),
)  # fmt: skip
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;
color:#1a1a1a}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .5rem;text-align:right;
white-space:nowrap;border-bottom:1px solid #ddd}
td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}
tr.beyond td{background:#fde8e4}figure{margin:1rem 0}figcaption{color:#444}img{max-width:100%}
svg{width:100%;height:auto}h2{margin-top:2.5rem}.note{color:#444}
"""


def report(
    title: str, notes: Sequence[str], rows: Sequence[Mapping[str, Any]], gaps: Mapping[str, Gap]
) -> str:
    """The whole page. rows: as printed, in the order of `gaps`, which is by engine's name."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        # Whatever slipped in here, the browser would not fetch it.
        "<meta http-equiv=Content-Security-Policy "
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f"<h1>{html.escape(title)}</h1>",
        *(f"<p class=note>{html.escape(note)}</p>" for note in notes),
        _table(rows),
        "<h2>PSNR over the dance</h2>",
        "<p class=note>Each engine feeds on its own past; a line that falls is an error that "
        "grows. Equal pictures have 108 dB.</p>",
        _plot({name: gap.series_db for name, gap in gaps.items()}),
    ]
    for name, gap in gaps.items():
        parts.append(f"<h2>{html.escape(name)}</h2>")
        parts += [_figure(exhibit) for exhibit in gap.exhibits]
    return "\n".join([*parts, "</html>\n"])


def panels(exhibit: Exhibit) -> tuple[Image, int]:
    """Label, reference, engine and their difference, side by side; and the difference's gain.

    RGB uint8. The gain is the power of two that makes the largest difference visible and clips
    nothing; the difference is the largest of the four channels, white on black.
    """
    gap = np.abs(exhibit.expected.astype(np.int32) - exhibit.found).max(axis=2)
    gain = 2 ** int(np.floor(np.log2(255 / max(int(gap.max()), 1))))
    shown = np.repeat((gap * gain).astype(np.uint8)[:, :, None], 3, axis=2)
    pictures = (exhibit.label, _over_grey(exhibit.expected), _over_grey(exhibit.found), shown)
    gutter = np.full((gap.shape[0], 6, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (picture, gutter)][:-1]
    return _fitted(np.concatenate(row, axis=1)), gain


def _figure(exhibit: Exhibit) -> str:
    picture, gain = panels(exhibit)
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    assert done
    data = base64.b64encode(encoded.tobytes()).decode()
    caption = (
        f"Worst of its kind: {exhibit.where}, {exhibit.psnr_db:.1f} dB. Label, reference, engine, "
        f"and the difference (largest channel) times {gain}."
    )
    return (
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _over_grey(rgba: Image) -> Image:
    behind = GREY * (255 - rgba[:, :, 3:].astype(np.float32)) / 255
    return np.clip(rgba[:, :, :3] + behind + 0.5, 0, 255).astype(np.uint8)


def _fitted(picture: Image) -> Image:
    height, width = picture.shape[:2]
    if height <= PANEL_PX:
        return picture
    size = round(width * PANEL_PX / height), PANEL_PX
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["<table><tr>", *(f"<th>{title}</th>" for _, title in COLUMNS), "</tr>"]
    for row in rows:
        beyond = "" if row["verdict"] in ("within", "not run") else " class=beyond"
        cells = (f"<td>{html.escape(shown(row.get(key)))}</td>" for key, _ in COLUMNS)
        lines += [f"<tr{beyond}>", *cells, "</tr>"]
    return "".join([*lines, "</table>"])


def shown(value: object) -> str:
    """A cell: figures short, what is absent as a dash."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.2f}"


def _plot(series: Mapping[str, Sequence[float]]) -> str:
    """Lines of PSNR by frame, as SVG."""
    width, height = PLOT
    left, lower = 40, height - 22
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="PSNR by frame">']
    for level in range(int(BOTTOM_DB), int(TOP_DB), 20):
        y = _y(level, lower)
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="0" y="{y + 4}" font-size="12">{level} dB</text>')
    most = max((len(values) for values in series.values()), default=1)
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        step = (width - left) / max(most - 1, 1)
        points = " ".join(f"{left + n * step:.1f},{_y(v, lower)}" for n, v in enumerate(values))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{left + 130 * number}" y="{height - 4}" font-size="12" fill="{colour}">'
            f"{html.escape(name)}</text>"
        )
    return "".join([*parts, "</svg>"])


def _y(level_db: float, lower: float) -> float:
    share = (min(max(level_db, BOTTOM_DB), TOP_DB) - BOTTOM_DB) / (TOP_DB - BOTTOM_DB)
    return round(lower - share * (lower - 6), 1)
