"""All ways out of the show, from the command line: each part's own options, put together."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path

from live.stream.access_settings import access_settings, add_access_arguments
from live.stream.cors import add_cors_arguments, cors_settings
from live.stream.encoder import EncoderSettings
from live.stream.encoder_options import add_encoder_arguments, encoder_settings
from live.stream.network import add_network_arguments, network_settings
from live.stream.preview_settings import PreviewSettings, add_preview_arguments, preview_settings
from live.stream.provenance_signing import (
    SigningSettings,
    add_signing_arguments,
    signing_settings,
)
from live.stream.recorder import RecorderSettings, add_recorder_arguments, recorder_settings
from live.stream.server import ServerSettings
from live.stream.sound_settings import SoundSettings, add_sound_arguments, sound_settings
from live.stream.takes import TakesSettings, add_takes_arguments, takes_settings
from live.stream.tls_settings import add_tls_arguments, tls_settings
from live.stream.virtual_camera import (
    VirtualCameraSettings,
    add_virtual_camera_arguments,
    virtual_camera_settings,
)
from live.stream.whip_settings import WhipSettings, add_whip_arguments, whip_settings


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How the show leaves the machine. None: that way is not taken."""

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    preview: PreviewSettings | None = field(default_factory=PreviewSettings)
    whip: WhipSettings | None = None
    recorder: RecorderSettings | None = None
    takes: TakesSettings = TakesSettings(Path("."))  # of recordings that begin at the desk
    signing: SigningSettings | None = None  # of what is recorded
    virtual_camera: VirtualCameraSettings | None = None
    sound: SoundSettings | None = None


def add_stream_arguments(parser: ArgumentParser) -> None:
    """Everything between the encoder and the audience."""
    server = parser.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves the whole network")
    server.add_argument("--port", type=int, default=8080)
    for add in (add_access_arguments, add_tls_arguments, add_cors_arguments, add_network_arguments):
        add(server)
    picture = parser.add_argument_group("picture and sound")
    for add in (add_encoder_arguments, add_sound_arguments, add_preview_arguments):
        add(picture)
    elsewhere = parser.add_argument_group("to other places")
    for add in (
        add_whip_arguments,
        add_recorder_arguments,
        add_takes_arguments,
        add_signing_arguments,
        add_virtual_camera_arguments,
    ):
        add(elsewhere)


def stream_options(found: Namespace) -> StreamOptions:
    """The options from what `add_stream_arguments` added. Raises `UnderstudyError`."""
    tls = tls_settings(found, found.host)
    return StreamOptions(
        encoder=encoder_settings(found),
        server=ServerSettings(
            found.host,
            found.port,
            network=network_settings(found),
            cors=cors_settings(found),
            certificate=tls.certificate if tls else None,
            key=tls.key if tls else None,
            access=access_settings(found),
        ),
        preview=preview_settings(found),
        whip=whip_settings(found),
        recorder=recorder_settings(found),
        takes=takes_settings(found),
        signing=signing_settings(found),
        virtual_camera=virtual_camera_settings(found),
        sound=sound_settings(found),
    )
