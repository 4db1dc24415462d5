"""What is wrong on a command line, in one sentence."""

from __future__ import annotations

import pytest

from live.arguments import ShowParser
from live.errors import SetupError


def parser() -> ShowParser:
    made = ShowParser(prog="show")
    made.add_argument("--camera", type=int)
    made.add_argument_group("pose").add_argument("--pose", choices=("quick", "good"))
    made.add_argument("--demo", action="store_true")
    return made


def test_a_right_line_is_read_as_argparse_does() -> None:
    found = parser().parse_args(["--camera", "3", "--demo"])
    assert (found.camera, found.demo, found.pose) == (3, True, None)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--camra 0", "there is no --camra; did you mean --camera?"),
        ("--demo --camra=0", "there is no --camra; did you mean --camera?"),
        ("demo", "'demo' belongs to no option; did you mean --demo?"),
        ("--wibble", "there is no --wibble; --help lists the options"),
        ("wibble", "'wibble' belongs to no option; --help lists the options"),
        ("--camera x", "argument --camera: invalid int value: 'x'; --help lists the options"),
        ("--camera", "argument --camera: expected one argument; --help lists the options"),
    ],
)
def test_a_wrong_one_in_one_sentence(
    line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError) as caught:
        parser().parse_args(line.split())
    assert str(caught.value) == says
    assert capsys.readouterr().err == "", "no list of all options before it"


def test_a_choice_that_is_none_names_those_that_are() -> None:
    with pytest.raises(SetupError, match=r"--pose: .*'best'.*quick.*good"):
        parser().parse_args(["--pose", "best"])


def test_help_is_still_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["--help"])
    assert caught.value.code == 0 and "--camera" in capsys.readouterr().out
