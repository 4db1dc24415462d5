"""The student's sizes, by what it shall run on."""

from __future__ import annotations

from live.errors import SetupError
from training.nets import StudentShape

TIERS = {
    # 1.1 GMAC at 256x256: a CPU's core.
    "cpu": StudentShape(),
    # 8.3 GMAC at 512x512: many cores, or a small GPU.
    "512": StudentShape(
        widths=(64, 128, 192, 256), encoder_blocks=(0, 1, 2, 2), decoder_blocks=(1, 1, 1), head=64
    ),
    # 64 GMAC at 1024x512: a GPU, at half the floating point width in a millisecond or two.
    "gpu": StudentShape(
        widths=(96, 192, 288, 384), encoder_blocks=(1, 2, 3, 4), decoder_blocks=(1, 2, 3), head=96
    ),
}


def shape_of(tier: str) -> StudentShape:
    """Raises SetupError for a tier that is not known."""
    if tier not in TIERS:
        raise SetupError(f"the student's tier is {tier!r}; known: {', '.join(TIERS)}")
    return TIERS[tier]
