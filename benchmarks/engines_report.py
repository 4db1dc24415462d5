"""What `benchmarks.engines` has measured: the table, the JSON, and rows put among earlier ones."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.ceiling import Ceiling
from live.errors import SetupError
from training.disk import write_whole


@dataclass(frozen=True, slots=True)
class Row:
    """One contender on one net."""

    net: str
    size: tuple[int, int]
    engine: str
    precision: str
    threads: int  # 0: on a GPU
    median_ms: float | None = None
    p95_ms: float | None = None
    gflops: float | None = None
    share_of_ceiling: float | None = None
    build_s: float | None = None
    memory_mb: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured."""

    ceilings: tuple[Ceiling, ...]
    rows: tuple[Row, ...]
    machine: dict[str, Any]


def table(result: Result) -> str:
    """For people."""
    lines = [_ceiling_line(ceiling) for ceiling in result.ceilings]
    last = None
    for row in result.rows:
        if (row.net, row.size) != last:
            last = row.net, row.size
            lines += ["", f"{row.net}, {row.size[0]}x{row.size[1]} (height x width)", _head()]
        lines.append(_line(row))
    return "\n".join(lines)


def _ceiling_line(c: Ceiling) -> str:
    where = f"{c.threads} thread(s)" if c.threads else "GPU"
    figures = [
        ("fp32", c.fp32_gflops, "GFLOP/s"),
        ("fp16", c.fp16_gflops, "GFLOP/s"),
        ("bf16", c.bf16_gflops, "GFLOP/s"),
        ("int8", c.int8_gops, "Gop/s"),
        ("copy", c.copy_gbps, "GB/s"),
    ]
    said = [f"{name} {value:.0f} {unit}" for name, value, unit in figures if value is not None]
    return f"{where}: {', '.join(said)}"


def _head() -> str:
    return (
        f"  {'engine':<36}{'number':<7}{'thr':>4}{'median ms':>11}{'p95 ms':>9}{'GFLOP/s':>9}"
        f"{'ceiling':>9}{'build s':>9}{'MB':>7}"
    )


def _line(row: Row) -> str:
    start = f"  {row.engine:<36}{row.precision:<7}{row.threads or '-':>4}"
    if row.why_not is not None:
        return f"{start}  not run: {row.why_not}"
    share = f"{row.share_of_ceiling:.0%}" if row.share_of_ceiling is not None else "-"
    return (
        f"{start}{row.median_ms:>11.2f}{row.p95_ms:>9.2f}{_cell(row.gflops):>9}{share:>9}"
        f"{_cell(row.build_s, 2):>9}{_cell(row.memory_mb, 0):>7}"
    )


def _cell(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def to_json(result: Result) -> dict[str, Any]:
    """The keys of DESIGN, section 7, and the machine. The ceiling named first is of all cores."""
    most = max(result.ceilings, key=lambda ceiling: ceiling.threads)
    return {
        "ceiling_gflops": most.fp32_gflops,
        "ceiling_gbps": most.copy_gbps,
        "ceilings": [asdict(ceiling) for ceiling in result.ceilings],
        "machine": result.machine,
        "rows": [asdict(row) | {"size": list(row.size)} for row in result.rows],
    }


def read_earlier(path: Path) -> dict[str, Any] | None:
    """What an earlier run has written to `path`; None where there is nothing yet.

    Raises SetupError where the file is none of ours, or its folder is not there.
    """
    try:
        found = json.loads(path.read_bytes())
        for row in found["rows"]:
            _ = row["net"], *row["size"], row["engine"], row["precision"], row["threads"]
        _ = found["machine"], found["ceilings"], found["ceiling_gflops"], found["ceiling_gbps"]
    except FileNotFoundError:
        if path.parent.is_dir():
            return None
        raise SetupError(f"--into {path}: there is no folder {path.parent}; make it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"--into {path}: it holds no results of benchmarks.engines ({error!r}); name another"
        ) from error
    return dict(found)


def merged(earlier: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """`now`'s rows in the place of `earlier`'s of the same net, size, engine and number.

    "runs" tells when and where each row was measured, and by which ceilings: its "run" is a place
    in that list. The keys beside it are the first run's that still has rows.
    """
    if earlier is None:
        return now
    names = ("ceiling_gflops", "ceiling_gbps", "ceilings", "machine")
    runs = list(earlier.get("runs") or [{name: earlier[name] for name in names}])
    new = [row | {"run": len(runs)} for row in now["rows"]]
    runs.append({name: now[name] for name in names})
    again, nets = {_key(row) for row in new}, {_net(row) for row in new}
    # "-" stood for everybody while there was no such net to run.
    kept = [
        {"run": 0} | row
        for row in earlier["rows"]
        if _key(row) not in again and not (row["engine"] == "-" and _net(row) in nets)
    ]
    every = [*earlier["rows"], *new]
    nets_in_order = list(dict.fromkeys(map(_net, every)))
    keys_in_order = list(dict.fromkeys(map(_key, every)))
    rows = sorted(
        [*new, *kept],
        key=lambda row: (nets_in_order.index(_net(row)), keys_in_order.index(_key(row))),
    )
    used = sorted({row["run"] for row in rows})
    rows = [row | {"run": used.index(row["run"])} for row in rows]
    runs = [runs[number] for number in used]
    return {**runs[0], "runs": runs, "rows": rows}


def write_results(path: Path, results: dict[str, Any]) -> None:
    """For people and machines. Raises SetupError; an earlier file then stays as it was."""
    write_whole(path, json.dumps(results, indent=1).encode() + b"\n")


def _net(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["net"], *row["size"]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return *_net(row), row["engine"], row["precision"], row["threads"]
