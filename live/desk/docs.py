"""The reference of all parameters, made from their table.

python -m live.desk.docs --out docs/osc.md

What stands between the marks is made anew; the rest of the file stays as people wrote it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from live.desk.parameters import Kind, Parameter
from live.desk.table import TABLE
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError

BEGIN = "<!-- made by python -m live.desk.docs; edit live/desk/table.py instead -->"
END = "<!-- end of what is made -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the reference, and say where."""
    parser = argparse.ArgumentParser(prog="live.desk.docs", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/osc.md"), metavar="FILE")
    found = parser.parse_args(arguments)
    try:
        _write(found.out)
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"wrote {found.out}")
    return 0


def updated(text: str, table: Iterable[Parameter] = TABLE) -> str:
    """`text` with the reference of `table` between its marks. Raises SetupError without marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SetupError(f"the file has no marks; put {BEGIN} and {END} where the tables belong")
    return f"{before}{BEGIN}\n\n{reference(table)}\n{END}{after}"


def reference(table: Iterable[Parameter] = TABLE) -> str:
    """Every parameter, by group, in the table's order: Markdown."""
    groups: dict[str, list[Parameter]] = {}
    for one in table:
        groups.setdefault(one.group, []).append(one)
    return "\n".join(_group(name, ones) for name, ones in groups.items())


def _group(name: str, parameters: Iterable[Parameter]) -> str:
    head = ("address", "takes", "what it does", "at first", "key")
    rows = [head, ("---",) * len(head), *(_row(one) for one in parameters)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join((f"### {name[0].upper()}{name[1:]}", "", *lines, ""))


def _row(one: Parameter) -> tuple[str, ...]:
    key = f"`{one.key}`" if one.key else ""
    return (f"`{one.address}`", _takes(one), one.help, _default(one), key)


def _takes(one: Parameter) -> str:
    if one.kind is Kind.NUMBER:
        unit = f" {one.unit}" if one.unit else ""
        fade = ", then seconds to glide" if one.fades else ""
        return f"{one.low:g} to {one.high:g}{unit}{fade}"
    if one.kind is Kind.ACTION:
        return ", then ".join(_argument(words) for words in one.takes) or "nothing"
    if one.kind is Kind.READING:
        what = "a number" if isinstance(one.default, float) else "a text"
        return f"tells {what}" + (f", {one.unit}" if one.unit else "")
    if one.kind is Kind.CHOICE:
        return _choices(one)
    return {Kind.SWITCH: "0 or 1", Kind.COLOUR: "#rrggbb, or red, green, blue from 0 to 1"}[
        one.kind
    ]


def _choices(one: Parameter) -> str:
    if not one.choices:
        return "a name, or its place from 0"
    return ", ".join(f"`{name}` ({at})" for at, name in enumerate(one.choices))


def _argument(words: str) -> str:
    return f"{words.removeprefix('text:')} (text)" if words.startswith("text:") else words


def _default(one: Parameter) -> str:
    if one.kind in (Kind.ACTION, Kind.READING):
        return ""
    if isinstance(one.default, bool):
        return str(int(one.default))
    return f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def _write(path: Path) -> None:
    try:
        text = path.read_text("utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
        path.write_text(updated(text), "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} cannot be written ({error}); give another --out") from error


if __name__ == "__main__":
    sys.exit(main())
