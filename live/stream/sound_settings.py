"""What the show sounds like, and how it is opened."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from live.arguments import Arguments
from live.errors import SetupError
from live.stream.microphone import Microphone
from live.stream.sound import Sound
from live.stream.sound_file import SoundFile
from live.stream.sound_source import SoundSource

MICROPHONE = "mic"
MOST_OFFSET_MS = 2000.0


@dataclass(frozen=True, slots=True)
class SoundSettings:
    """Where the sound comes from, and how far it is moved. Raises `SetupError`."""

    where: str  # "mic", "mic:NAME_OR_NUMBER", or a file's path
    offset_ms: float = 0.0  # later than the picture; below 0: earlier

    def __post_init__(self) -> None:
        if not self.where or self.where == MICROPHONE + ":":
            raise SetupError(f"--sound {self.where!r}: give mic, mic:NAME_OR_NUMBER, or a file")
        if not abs(self.offset_ms) <= MOST_OFFSET_MS:
            raise SetupError(
                f"--sound-offset-ms {self.offset_ms:g}: give {-MOST_OFFSET_MS:g} to "
                f"{MOST_OFFSET_MS:g}"
            )

    @property
    def path(self) -> Path | None:
        """The file; None for a microphone."""
        kind, _, _ = self.where.partition(":")
        return None if kind == MICROPHONE else Path(self.where).expanduser()

    @property
    def device(self) -> str | int | None:
        """The microphone's name or number; None for the system's own choice."""
        _, _, name = self.where.partition(":")
        return int(name) if name.isdecimal() else name or None


def add_sound_arguments(parser: Arguments) -> None:
    """`--sound` and `--sound-offset-ms`."""
    parser.add_argument(
        "--sound",
        metavar="mic|mic:NAME_OR_NUMBER|FILE",
        help="a microphone, or a file that is played over and over, in step with the picture",
    )
    parser.add_argument(
        "--sound-offset-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="let the sound come so much later, or, below 0, earlier (default 0)",
    )


def sound_settings(found: Namespace) -> SoundSettings | None:
    """The settings from what `add_sound_arguments` added; None without `--sound`.

    Raises `SetupError`.
    """
    if found.sound is None:
        if found.sound_offset_ms:
            raise SetupError("--sound-offset-ms without --sound; give --sound mic or a file too")
        return None
    return SoundSettings(found.sound, found.sound_offset_ms)


def open_sound(settings: SoundSettings, delay_s: Callable[[], float]) -> Sound:
    """The sound that `settings` names, ready to start; see `Sound` for `delay_s`.

    Raises `SetupError` without PortAudio, `SourceError` for a device or file that cannot be used,
    `StreamError` without Opus.
    """
    return Sound(_source(settings), delay_s, settings.offset_ms / 1000)


def _source(settings: SoundSettings) -> SoundSource:
    path = settings.path
    return Microphone(settings.device) if path is None else SoundFile(path)
