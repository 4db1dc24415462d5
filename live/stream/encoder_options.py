"""`--encoder` and `--bitrate`: how the picture is coded, from the command line."""

from __future__ import annotations

from argparse import Namespace

from live.arguments import Arguments
from live.stream.encoder import NAMES, EncoderSettings


def add_encoder_arguments(parser: Arguments) -> None:
    """`--encoder` and `--bitrate`."""
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        help=f"the one to use ({', '.join(NAMES)}); without it the first that works here",
    )
    parser.add_argument(
        "--bitrate",
        type=int,
        default=EncoderSettings().bitrate_kbps,
        metavar="KBPS",
        help="kilobits per second at most; weak lines get less (default %(default)s)",
    )


def encoder_settings(found: Namespace) -> EncoderSettings:
    """The settings from what `add_encoder_arguments` added. Raises `StreamError`."""
    return EncoderSettings(bitrate_kbps=found.bitrate, name=found.encoder)
