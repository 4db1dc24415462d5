"""How many may watch the Motion JPEG preview, and how good it is."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from live.arguments import Arguments
from live.errors import SetupError


@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """The Motion JPEG preview. It costs nothing while nobody watches it."""

    most: int = 8  # clients at once
    fps: float = 15.0  # at most
    quality: int = 80  # JPEG's, 1 to 100
    first_s: float = 5.0  # for the first picture to come, seconds
    stall_s: float = 10.0  # without a byte taken by a client, seconds

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 1000:
            raise SetupError(f"a preview for {self.most} clients: give 1 to 1000, or 0 for none")
        if not 0.1 <= self.fps <= 60:
            raise SetupError(f"a preview of {self.fps:g} fps: give --preview-fps 0.1 to 60")
        if not 1 <= self.quality <= 100:
            raise SetupError(f"a preview of quality {self.quality}: give 1 to 100")
        if min(self.first_s, self.stall_s) <= 0:
            raise SetupError("a preview's times must be more than 0 seconds")


def add_preview_arguments(parser: Arguments) -> None:
    """`--preview-clients` and `--preview-fps`."""
    parser.add_argument(
        "--preview-clients",
        type=int,
        default=PreviewSettings().most,
        metavar="N",
        help="how many may watch /preview.mjpg at once, where WebRTC does not come through; "
        "0 turns it off (default %(default)s)",
    )
    parser.add_argument(
        "--preview-fps",
        type=float,
        default=PreviewSettings().fps,
        metavar="FPS",
        help="its pictures per second, at most (default %(default)s)",
    )


def preview_settings(found: Namespace) -> PreviewSettings | None:
    """The settings from what `add_preview_arguments` added; None for 0 clients.

    Raises `SetupError`.
    """
    if found.preview_clients == 0:
        return None
    return PreviewSettings(found.preview_clients, found.preview_fps)
