"""docs/osc.md is what the table gives, and its examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser

from live.desk import docs
from live.desk.desk import Desk
from live.desk.midi_map import load_map
from live.desk.parameters import Kind
from live.desk.table import TABLE
from live.errors import SetupError
from tests.live.desk.console_server import serving
from tests.live.desk.osc_desk import until

FILE = Path(__file__).parents[3] / "docs" / "osc.md"
REMEDY = "python -m live.desk.docs --out docs/osc.md"


def test_the_reference_is_what_the_table_gives() -> None:
    text = FILE.read_text("utf-8")
    assert docs.updated(text) == text, REMEDY
    for one in TABLE:
        assert docs.reference(TABLE).count(f"| `{one.address}` |") == 1
        assert one.help in text


def test_every_order_in_its_tables_is_known() -> None:
    addresses = {one.address for one in TABLE}
    switches = {one.address + "/toggle" for one in TABLE if one.kind is Kind.SWITCH}
    own = {f"/understudy/{word}" for word in ("ping", "pong", "sync", "error", "NAME/choices")}
    own |= {"/understudy/midi/learn"}
    named = set(re.findall(r"/understudy/[\w/]+", FILE.read_text("utf-8")))
    assert named <= addresses | switches | own


def test_the_file_is_written_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "osc.md"
    assert docs.main(["--out", str(path)]) == 0
    assert "wrote" in capsys.readouterr().out
    made = path.read_text("utf-8")
    path.write_text("# Mine\n" + made, "utf-8")
    assert docs.main(["--out", str(path)]) == 0
    assert path.read_text("utf-8") == "# Mine\n" + made
    with pytest.raises(SetupError, match="no marks"):
        docs.updated("nothing")
    path.write_text("nothing", "utf-8")
    assert docs.main(["--out", str(path)]) == 2
    assert docs.main(["--out", str(tmp_path)]) == 2


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", FILE.read_text("utf-8"), re.DOTALL)
    return str(found)


def test_the_map_is_one(tmp_path: Path) -> None:
    path = tmp_path / "midi.toml"
    path.write_text(example("toml"), "utf-8")
    assert len(load_map(path, Desk().parameter).bindings) == 2


def test_the_python_example_sets_a_value(tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(example("python"), "utf-8")
    with serving() as console:
        address = console.server.url.replace("http", "ws") + "console/socket"
        command = [sys.executable, str(program), address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "scale is 1.0\n"), done.stderr
        assert console.desk.kept()["figure.scale"] == 1.2


async def test_the_javascript_example_toggles(browser: Browser) -> None:
    with serving() as console:
        page = await browser.new_page()
        await page.goto(console.server.url)
        address = console.server.url.replace("http", "ws") + "console/socket"
        call = f"operate('{address}').then((desk) => desk.close())"
        await page.evaluate(f"() => {{ {example('js')}; return {call}; }}")
        until(lambda: console.desk.value("mirror") is True)
        await page.close()
