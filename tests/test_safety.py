"""docs/safety.md names the test that covers each threat: they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOLD = (ROOT / "docs" / "safety.md").read_text("utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_line_of_the_threat_model_has_a_test_that_exists() -> None:
    model = TOLD[TOLD.index("### The threat model") : TOLD.index("## Honest pictures")]
    lines = [line for line in model.splitlines() if line.startswith("|")][2:]
    assert len(lines) > 15
    for line in lines:
        found = NAMED.findall(line)
        assert found, f"no test covers: {line}"
        for file, name in found:
            tree = ast.parse((ROOT / file).read_text("utf-8"))
            defined = {
                one.name
                for one in tree.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            assert name in defined, f"{file} has no {name}"
