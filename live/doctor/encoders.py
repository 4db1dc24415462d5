"""Which encoders of the table code a picture here, and which ones the show takes."""

from __future__ import annotations

import time

import numpy as np

from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.errors import StreamError, SubjectError
from live.stream.encoder import ENCODERS, Codec, Encoder, EncoderKind, EncoderSettings, kinds_of
from live.subject import load_manifest

PICTURES = 8
LIMIT_S = 6.0


def look_at_encoders(plan: Plan) -> Finding:
    """Each one codes some pictures of the subject's size."""
    settings = plan.options.stream.encoder
    size = _size(plan)
    works: dict[Codec, str] = {}
    details = []
    for codec, kinds in ENCODERS.items():
        for kind in kinds:
            wanted = kind in kinds_of(codec, settings)
            try:
                ms = encode_ms(kind, size, settings)
            except StreamError as error:
                hint = "; it wants an NVIDIA card" if kind.name.endswith("nvenc") else ""
                details.append(f"{codec.value} by {kind.name}: not here ({error}){hint}")
                continue
            details.append(f"{codec.value} by {kind.name}: {ms:.1f} ms a picture")
            if wanted and codec not in works:
                works[codec] = kind.name
    said = " and ".join(f"{codec.value} by {name}" for codec, name in works.items())
    return _judged(settings, works, f"{said} at {size[1]}x{size[0]}", details)


def _size(plan: Plan) -> tuple[int, int]:
    """(height, width) of the pictures, even; of a subject that is none, a usual one."""
    try:
        height, width = load_manifest(plan.options.subject)[0].stage_size
    except SubjectError:
        return 512, 512
    return height + height % 2, width + width % 2


def _judged(
    settings: EncoderSettings, works: dict[Codec, str], said: str, details: list[str]
) -> Finding:
    if settings.name is not None and settings.name not in works.values():
        return wrong(f"--encoder {settings.name} does not work here", "leave it out", details)
    if not works:
        return wrong(
            "there is no encoder that works",
            "install PyAV from its own wheel, which carries them: pip install --force-reinstall av",
            details,
        )
    if Codec.H264 not in works and settings.name is None:
        return careful(
            f"{said}; none for H.264, so older iPhones and recordings go without",
            "install PyAV from its own wheel: pip install --force-reinstall av", details,
        )  # fmt: skip
    return right(said, details)


def encode_ms(kind: EncoderKind, size: tuple[int, int], settings: EncoderSettings) -> float:
    """For a picture of noise, the mean without the first. Raises StreamError."""
    encoder = Encoder(kind, size, settings)
    noise = np.random.default_rng(0).integers(0, 256, (size[0] * 3 // 2, size[1]), np.uint8)
    encoder.encode(noise, 0, 0.0, key_frame=True)
    began_s = time.perf_counter()
    for number in range(1, PICTURES):
        encoder.encode(noise, number * 3000, number / 30, key_frame=False)
    return 1e3 * (time.perf_counter() - began_s) / (PICTURES - 1)
