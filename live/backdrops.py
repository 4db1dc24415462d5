"""The operator's own backgrounds: pictures of a folder, cut to cover the stage.

They are decoded in threads of their own, never on the picture's: until one is there, and where it
cannot be had, what stood behind the figure stays.
"""

from __future__ import annotations

import logging
import threading
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from live.arguments import Arguments, existing_folder
from live.errors import DeskError
from live.frames import Image
from live.picture_size import size_of

log = logging.getLogger(__name__)

ENDINGS = (".jpg", ".jpeg", ".png")
LARGEST_BYTES = 1 << 26
LARGEST_PIXELS = 50_000_000
"""Of one picture, which takes 3 bytes for each while it is decoded; the file may be tiny."""
KEPT = 8
"""Pictures kept ready. A stage of 1080 lines takes 6 MB for one."""

Trouble = Callable[[str, str], None]
"""(name, one sentence): a picture that cannot be shown."""
_Key = tuple[str, tuple[int, int]]


def add_backdrop_arguments(parser: Arguments) -> None:
    """`--backdrops`."""
    parser.add_argument(
        "--backdrops",
        type=Path,
        metavar="FOLDER",
        help="pictures (JPEG, PNG) that the operator can put behind the figure",
    )


def backdrops_folder(found: Namespace) -> Path | None:
    """The folder from what `add_backdrop_arguments` added. Raises SetupError."""
    return existing_folder("--backdrops", found.backdrops, "pictures")


class Backdrops:
    """The pictures of one folder. From any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """Without a folder there are none."""
        self.on_trouble: Trouble = lambda name, sentence: None
        self._folder = folder
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._ready: OrderedDict[_Key, Image] = OrderedDict()
        self._changed_ns: dict[str, int] = {}  # when the file was, of those that are ready
        self._asked: set[_Key] = set()  # being loaded, or failed

    def names(self) -> tuple[str, ...]:
        """File names, sorted: what there is at this moment."""
        if self._folder is None:
            return ()
        try:
            found = [
                path.name
                for path in self._folder.iterdir()
                if path.suffix.lower() in ENDINGS and path.name.isprintable() and path.is_file()
            ]
        except OSError as error:
            log.warning("the backdrops in %s cannot be listed (%s)", self._folder, error.strerror)
            return ()
        return tuple(sorted(found))

    def check(self, name: str) -> None:
        """Whether it can be looked for: quick. Raises DeskError.

        One that failed is tried again, and one whose file has changed is read anew.
        """
        changed_ns = _changed_ns(self._read_path(name))
        with self._lock:
            self._asked = {key for key in self._asked if key[0] != name}
            if self._changed_ns.get(name) != changed_ns:
                for key in [key for key in self._ready if key[0] == name]:
                    del self._ready[key]

    def get(self, name: str, size: tuple[int, int]) -> Image | None:
        """RGB uint8 (H, W, 3) at `size` (height, width); None while it is not there.

        At once: what is not there is loaded in a thread of its own. Never raises.
        """
        key = name, size
        with self._lock:
            if key in self._ready:
                self._ready.move_to_end(key)
                return self._ready[key]
            if not name or key in self._asked:
                return None
            self._asked.add(key)
        threading.Thread(target=self._fetch, args=key, name="backdrop", daemon=True).start()
        return None

    def load(self, name: str, size: tuple[int, int]) -> Image:
        """The same, waiting for it: for threads that may. Raises DeskError."""
        with self._one_at_a_time:  # two large photographs at once would take the show's cores
            with self._lock:
                if (name, size) in self._ready:
                    return self._ready[name, size]
            path = self._read_path(name)
            changed_ns = _changed_ns(path)
            image = cover(_decoded(path), size)
        with self._lock:
            self._ready[name, size] = image
            self._changed_ns[name] = changed_ns
            self._asked.discard((name, size))
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
        return image

    def _fetch(self, name: str, size: tuple[int, int]) -> None:
        try:
            self.load(name, size)
        except DeskError as error:
            log.error("%s", error)
            self.on_trouble(name, str(error))

    def _read_path(self, name: str) -> Path:
        if self._folder is None:
            raise DeskError("there are no backdrops; start the show with --backdrops FOLDER")
        path = self._folder / name
        if name not in self.names():  # nothing outside of the folder, whatever the name says
            raise DeskError(f"there is no backdrop {name[:60]!r} in {self._folder}; put it there")
        return path


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise DeskError(f"backdrop {path} cannot be read ({error.strerror}); see to it") from error


def cover(image: Image, size: tuple[int, int]) -> Image:
    """Scaled to cover `size` (height, width), cut around its middle; itself where it fits.

    image: uint8 (H, W, 3).
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    scale = min(height / size[0], width / size[1])  # of its pixels to a pixel of the stage
    tall, wide = max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
    top, left = (height - tall) // 2, (width - wide) // 2
    part = np.ascontiguousarray(image[top : top + tall, left : left + wide])
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size[::-1], interpolation=how), np.uint8)


def _check_size(path: Path, height: int, width: int) -> None:
    """OpenCV itself would make room for a thousand million pixels."""
    if height * width > LARGEST_PIXELS:
        raise DeskError(
            f"backdrop {path} has {width}x{height} pixels, and {LARGEST_PIXELS // 1_000_000} "
            "million are the most; shrink it"
        )


def _decoded(path: Path) -> Image:
    """RGB uint8 (H, W, 3), turned as the camera says. Raises DeskError."""
    bgr = None
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DeskError(f"backdrop {path} is larger than {LARGEST_BYTES >> 20} MB; shrink it")
        content = path.read_bytes()
        # What else OpenCV reads, whatever the file's name, may be huge and does not tell here.
        if (size := size_of(content)) is not None:
            _check_size(path, *size)
            bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise DeskError(f"backdrop {path} cannot be read ({error.strerror}); see to it") from error
    except (cv2.error, MemoryError):
        log.debug("%s cannot be decoded", path)
    if bgr is None:
        raise DeskError(f"backdrop {path} is no picture; save it again as JPEG or PNG")
    return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)
