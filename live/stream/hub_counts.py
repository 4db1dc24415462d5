"""What the hub says of its work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one picture."""

    encoded_s: float  # when its last codec was done, on the hub's clock
    bytes: int  # coded bytes, over all lanes; 0 when nobody watches
    key_frame: bool  # whether any lane made a key frame of it


@dataclass(frozen=True, slots=True)
class HubCounts:
    """What the hub has done since it was made."""

    viewers: int  # at the moment, those still connecting included
    quarter: int  # of them, on the rung of a quarter of the pixels
    bitrate_kbps: int  # that the full rung is steered to at the moment
    frames: int  # pictures published
    encoded: int  # coded pictures, over all lanes
    key_frames: int  # coded pictures that were key frames
    bytes: int  # coded bytes, once however many watch
    dropped: int  # coded pictures that slow viewers missed, those gone included
