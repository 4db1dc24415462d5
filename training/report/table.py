"""The sheet's table as HTML: one a region, each figure painted by how it does against a rival."""

from __future__ import annotations

import html
from collections.abc import Sequence

from training.sheet import COLUMNS, LABEL_ERROR, Column, Row

OF_THE_PERSON = ("label_error", "pose_error", "missed")  # in every region the same
REGIONS = {
    "person": "The person",
    "face": "The face",
    "hands": "The hands",
    "picture": "The whole picture",
}
"""In the order in which one wants to know."""


def tables(rows: Sequence[Row], rival: str, painted: Sequence[str], shut: bool = False) -> str:
    """Rows of each region; those in `painted` are green where they beat `rival`, red elsewhere.

    shut: only the first region is shown before one asks for more.
    """
    parts = []
    for region, title in REGIONS.items():
        here = [row for row in rows if row.region == region]
        if here:
            parts.append(f"<h3>{title}</h3>{_table(here, rival, painted)}")
    if shut and len(parts) > 1:
        rest = "".join(parts[1:])
        parts[1:] = [f"<details><summary>other regions</summary>{rest}</details>"]
    return "".join(parts)


def _table(rows: Sequence[Row], rival: str, painted: Sequence[str]) -> str:
    columns = [
        column
        for column in (LABEL_ERROR, *COLUMNS)
        if any(getattr(row, column.key) is not None for row in rows)
        and (rows[0].region == "person" or column.key not in OF_THE_PERSON)
    ]
    beaten = next((row for row in rows if row.name == rival), None)
    head = "".join(f"<th>{_title(column)}</th>" for column in columns)
    body = "".join(_row(row, columns, beaten if row.name in painted else None) for row in rows)
    return (
        f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _title(column: Column) -> str:
    return f"{html.escape(column.title)}&nbsp;{column.sign}"


def _row(row: Row, columns: Sequence[Column], beaten: Row | None) -> str:
    cells = "".join(
        f'<td class="{_paint(row, column, beaten)}">{column.text(row) or "–"}</td>'
        for column in columns
    )
    weight = ' class="ours"' if beaten is not None else ""
    return f"<tr{weight}><th>{html.escape(row.name)}</th>{cells}</tr>"


def _paint(row: Row, column: Column, beaten: Row | None) -> str:
    if beaten is None:
        return ""
    value, other = getattr(row, column.key), getattr(beaten, column.key)
    if value is None or other is None or value == other:
        return ""
    return "good" if column.better(value, other) else "bad"
