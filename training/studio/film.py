"""Writes a clip: H.264, yuv420p, exact timestamps. The studio's one home of PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av

from live.frames import Image


class Film:
    """An MP4 that grows frame by frame; frame n stands at n / fps to the tick."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, crf: int = 14) -> None:
        """`size` is (height, width), both even. `crf` is x264's quality: lower is better."""
        self._container = av.open(str(path), "w")
        self._stream = self._container.add_stream("libx264", rate=fps)
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "yuv420p"
        # Say which YUV this is; players guess otherwise, and small pictures guess wrong.
        context = self._stream.codec_context
        context.color_range, context.colorspace = 1, 1
        context.color_primaries, context.color_trc = 1, 1
        context.time_base = Fraction(1, fps)
        self._stream.options = {"crf": str(crf), "preset": "medium", "threads": "1"}
        self._count = 0

    def add(self, image: Image) -> None:
        """Append one RGB uint8 (H, W, 3) frame."""
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        frame.pts = self._count
        frame.time_base = self._stream.codec_context.time_base
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file. May be called twice."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._container = None  # type: ignore[assignment]

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
