"""The file that keeps the tokens, the options, and the lines that show the links."""

from __future__ import annotations

import argparse
import json
import os
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from live.errors import SetupError
from live.stream.access import AccessSettings
from live.stream.access_link import access_link, proxied_say, viewers_say
from live.stream.access_settings import access_settings, add_access_arguments
from live.stream.access_tokens import FILE, Tokens, kept_tokens

POSIX = pytest.mark.skipif(os.name != "posix", reason="this system knows no such file modes")


def test_tokens_are_new_strong_and_not_shown() -> None:
    one, other = Tokens(), Tokens()
    made = [*asdict(one).values(), *asdict(other).values()]
    assert len(set(made)) == 6
    assert all(len(token) >= 22 for token in made)
    assert not any(token in repr(one) for token in made)


def test_they_outlive_a_restart_and_a_deleted_one_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tokens.json"
    first = kept_tokens(path)
    assert kept_tokens(path) == first
    kept = json.loads(path.read_text())
    del kept["viewer"]
    path.write_text(json.dumps(kept))
    second = kept_tokens(path)
    assert (second.camera, second.operator) == (first.camera, first.operator)
    assert second.viewer != first.viewer
    assert kept_tokens(path) == second
    assert [one.name for one in path.parent.iterdir()] == ["tokens.json"]


@POSIX
def test_nobody_else_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "settings" / "tokens.json"
    before = os.umask(0)
    try:
        tokens = kept_tokens(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600") as refused:
        kept_tokens(path)
    assert tokens.operator not in str(refused.value)


@POSIX
def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    kept_tokens(real)
    (tmp_path / "link.json").symlink_to(real)
    with pytest.raises(SetupError, match="cannot be kept"):
        kept_tokens(tmp_path / "link.json")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SetupError, match="no plain file"):
        kept_tokens(tmp_path / "pipe")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"viewer": "short-secret"}',
        '{"viewer": 7}',
        '{"admin": "abcdefghijklmnopqrstuv"}',
        '{"viewer": "abcdefghijklmnopqrstuv", "camera": "abcdefghijklmnopqrstuv"}',
        '{"viewer": "abcdefghijklmnop qrstuvwx"}',
    ],
)
def test_a_file_that_is_wrong_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(SetupError) as refused:
        kept_tokens(path)
    assert str(path) in str(refused.value)
    assert "secret" not in str(refused.value) and "abcdef" not in str(refused.value)


def parsed(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_access_arguments(parser)
    return parser.parse_args([str(one) for one in arguments])


def test_the_command_line(tmp_path: Path) -> None:
    found = access_settings(parsed(), tmp_path / "config")
    assert not found.anybody
    assert found.names == frozenset()
    assert found == access_settings(parsed(), tmp_path / "config"), "kept by default"
    assert (tmp_path / "config" / FILE).exists()
    other = access_settings(
        parsed("--anybody-may-watch", "--tokens", tmp_path / "t", "--name", "Show.Example"),
        tmp_path / "config",
    )
    assert other.anybody
    assert other.names == {"show.example"}
    assert other.tokens != found.tokens
    with pytest.raises(SetupError, match="--name"):
        access_settings(parsed("--name", "http://x"), tmp_path / "config")


def test_where_nothing_can_be_kept_the_links_are_good_for_this_show(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    found = access_settings(parsed(), tmp_path / "file" / "config")
    assert "good until the show ends" in caplog.text
    assert found.tokens.viewer not in caplog.text
    with pytest.raises(SetupError, match="cannot be kept"):
        access_settings(parsed("--tokens", tmp_path / "file" / "t"))


def test_the_audiences_link() -> None:
    settings = AccessSettings()
    link = access_link("https://127.0.0.1:8080/", "0.0.0.0", "KEY", find=lambda: "192.0.2.5")
    assert link.url == "https://192.0.2.5:8080/#KEY"
    assert link.reaches
    console = access_link("http://192.0.2.9:80/", "192.0.2.9", "KEY", "console")
    assert console.url == "http://192.0.2.9:80/console#KEY"
    assert viewers_say("http://127.0.0.1:8080/", "127.0.0.1", settings) == ""
    said = viewers_say("http://192.0.2.9:80/", "192.0.2.9", settings)
    assert f"  http://192.0.2.9:80/#{settings.tokens.viewer}\n" in said
    assert "█" in said
    assert settings.tokens.operator not in said and settings.tokens.camera not in said
    open_to_all = viewers_say("http://192.0.2.9:80/", "192.0.2.9", AccessSettings(anybody=True))
    assert "#" not in open_to_all and "Anybody in this network" in open_to_all
    assert settings.tokens.viewer in proxied_say(settings)
    assert proxied_say(AccessSettings(anybody=True)) == ""
