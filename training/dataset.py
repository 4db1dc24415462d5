"""The dataset folder: what `training.prepare` writes and everything else in training reads.

    dataset.json         format, sizes, footage facts, counts, body statistics, SHA-256 of the files
    shards/00000.bin     a few hundred frames at the stage's size, JPEG after JPEG
    shards/00000.npz     where each begins, its pose, time and clip, its sharpness, who else is near
    plate.png            the background at the stage's size, RGB
    unseen.png           255 where the background was never seen
    flags.npz            what is wrong with single frames, and which of them training leaves out
    consent.json         who agreed to be filmed and set in motion, where that was said
    report.html, .json   the footage coach's

Labels are not stored: they are drawn from the poses by `live.skeleton`, so the style stays free.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.errors import SetupError
from live.frames import Image, Pose, Region
from live.skeleton import JOINTS
from live.window import StageWindow, WindowSettings
from training.disk import file_sha256, write_whole
from training.flags import Flag, load_flags

FORMAT = 2
FACTS = "dataset.json"
JPEG_QUALITY = 97
SEEN_SCORE = 0.3  # a joint that scores more is seen
SEEN_JOINTS = 8  # a frame with at least so many seen body joints shows the person


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A run of frames of one clip."""

    jpegs: list[bytes]
    points: NDArray[np.float32]  # (N, J, 2), pixels of the stage
    scores: NDArray[np.float32]  # (N, J)
    times_s: NDArray[np.float64]  # (N,), of the clip
    clip: int  # number of the video
    sharpness: NDArray[np.float32]  # (N,), see `training.sharpness`; NaN where nobody is
    near: NDArray[np.int8]  # (N,), people near the subject; -1 where nobody looked
    masks: dict[int, bytes] = field(default_factory=dict)  # row -> PNG, 255 where a body is


def write_shard(folder: Path, number: int, shard: Shard) -> None:
    """Write one shard; its .npz appears last and whole, so a kill leaves a shard or none.

    Raises SetupError where the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{number:05d}.bin", b"".join(shard.jpegs))
    rows = sorted(shard.masks)
    packed = io.BytesIO()
    np.savez(
        packed,
        offsets=np.cumsum([0, *(len(jpeg) for jpeg in shard.jpegs)]),
        points=shard.points,
        scores=shard.scores,
        times_s=shard.times_s,
        clip=np.int64(shard.clip),
        sharpness=shard.sharpness,
        near=shard.near,
        mask_rows=np.array(rows, np.int64),
        mask_offsets=np.cumsum([0, *(len(shard.masks[row]) for row in rows)]),
        mask_bytes=np.frombuffer(b"".join(shard.masks[row] for row in rows), np.uint8),
    )
    write_whole(folder / f"{number:05d}.npz", packed.getbuffer())


def encode_jpeg(image: Image) -> bytes:
    """RGB uint8 (h, w, 3) as a JPEG without chroma subsampling."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, encoded = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), options)
    assert done
    return encoded.tobytes()


def decode(content: NDArray[np.uint8]) -> Image:
    """The inverse of `encode_jpeg`."""
    bgr = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if bgr is None:
        raise SetupError("a frame of the dataset is damaged; run training.prepare again")
    return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)


class ShardReader:
    """One shard on disk; frames are decoded when asked for."""

    def __init__(self, folder: Path, number: int) -> None:
        with np.load(folder / f"{number:05d}.npz", allow_pickle=False) as arrays:
            held: dict[str, NDArray[Any]] = dict(arrays)
        self.offsets: NDArray[np.int64] = held["offsets"]
        self.points: NDArray[np.float32] = held["points"]
        self.scores: NDArray[np.float32] = held["scores"]
        self.times_s: NDArray[np.float64] = held["times_s"]
        self.clip = int(held["clip"])
        count = len(self.points)
        self.sharpness: NDArray[np.float32] = held.get("sharpness", np.full(count, np.nan, "f4"))
        self.near: NDArray[np.int8] = held.get("near", np.full(count, -1, np.int8))
        self._masks = _unpacked(held)
        self._blob = np.memmap(folder / f"{number:05d}.bin", np.uint8, "r")
        if len(self._blob) != self.offsets[-1]:
            raise SetupError(
                f"{folder / f'{number:05d}.bin'} is cut off; prepare the footage again"
            )

    def __len__(self) -> int:
        return len(self.points)

    def frame(self, row: int) -> Image:
        """RGB uint8 (H, W, 3) at the stage's size."""
        return decode(self._blob[self.offsets[row] : self.offsets[row + 1]])

    def small_grey(self, row: int) -> NDArray[np.uint8]:
        """The frame at half its size, grey: a fast look. uint8 (~H/2, ~W/2)."""
        content = self._blob[self.offsets[row] : self.offsets[row + 1]]
        grey = cv2.imdecode(content, cv2.IMREAD_REDUCED_GRAYSCALE_2)
        if grey is None:
            raise SetupError("a frame of the dataset is damaged; run training.prepare again")
        return np.asarray(grey, np.uint8)

    def body(self, row: int) -> NDArray[np.uint8] | None:
        """255 where any body was seen in the frame, (H, W); None where nobody looked."""
        packed = self._masks.get(row)
        if packed is None:
            return None
        mask = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
        return None if mask is None else np.asarray(mask, np.uint8)


def _unpacked(arrays: dict[str, NDArray[Any]]) -> dict[int, NDArray[np.uint8]]:
    """A shard's masks by row, still encoded."""
    rows = arrays.get("mask_rows", np.zeros(0, np.int64)).tolist()
    if not rows:
        return {}
    ends, packed = arrays["mask_offsets"], arrays["mask_bytes"]
    return {row: packed[ends[n] : ends[n + 1]] for n, row in enumerate(rows)}


class Dataset:
    """A prepared dataset. Poses are in memory, frames on disk."""

    def __init__(self, folder: Path) -> None:
        """Raises SetupError, naming the file, for a folder that is missing, newer or incomplete."""
        self.folder = folder
        self.facts = read_facts(folder)
        self.size: tuple[int, int] = tuple(self.facts["size"])
        self.stage: tuple[int, int] = tuple(self.facts["stage"])
        self.body = BodyStats.from_json(self.facts["body"])
        self.window = WindowSettings.from_json(self.facts["window"])
        self._shards = [ShardReader(folder / "shards", n) for n in range(self.facts["shards"])]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)])
        self.points = np.concatenate([shard.points for shard in self._shards])
        self.scores = np.concatenate([shard.scores for shard in self._shards])
        self.times_s = np.concatenate([shard.times_s for shard in self._shards])
        self.flags = load_flags(folder, len(self.points))
        videos = np.concatenate([np.full(len(s), s.clip) for s in self._shards])
        self._shots = _runs(videos, self.flags.has(Flag.CUT))
        # A stream of training frames walks within one of these: it crosses no cut, and no frame
        # that is left out.
        self.clips = _runs(self._shots, np.diff(self.flags.excluded, prepend=False))
        self.plate = _read_picture(folder / "plate.png")
        self.unseen = _read_picture(folder / "unseen.png")[:, :, 0] > 127
        self.seen = shows_person(self.scores)
        self.train_count = int(self.facts["train_frames"])
        self.regions = self._regions()

    def __len__(self) -> int:
        return len(self.points)

    @property
    def train(self) -> NDArray[np.int64]:
        """Numbers of the training frames that show the person, without those left out."""
        return np.flatnonzero((self.seen & ~self.flags.excluded)[: self.train_count])

    @property
    def held_out(self) -> NDArray[np.int64]:
        """Numbers of the frames of the tail, in order of time, without those left out."""
        left_out = self.flags.excluded[self.train_count :]
        return self.train_count + np.flatnonzero(~left_out)

    def frame(self, number: int) -> Image:
        """RGB uint8 (H, W, 3) at the stage's size."""
        shard = int(np.searchsorted(self._starts, number, "right")) - 1
        return self._shards[shard].frame(number - int(self._starts[shard]))

    def new_window(self) -> StageWindow:
        """As the stage makes it, before its first pose."""
        return StageWindow(self.body, self.stage, self.size, self.window)

    def _regions(self) -> list[Region]:
        """Every frame's window, followed through each clip as on stage."""
        window, regions, clip = self.new_window(), list[Region](), -1
        for points, scores, time_s, number in zip(
            self.points, self.scores, self.times_s.tolist(), self._shots.tolist(), strict=True
        ):
            if number != clip:
                window.reset()
                clip = number
            regions.append(window.follow(Pose(points, scores, time_s, self.stage), time_s))
        return regions


def _runs(numbers: NDArray[np.int64], begins: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,): counts on where `numbers` changes, and where a run `begins`."""
    changes = np.diff(numbers, prepend=numbers[:1]) != 0
    return np.cumsum(changes | begins, dtype=np.int64) - int(begins[:1].sum())


def shows_person(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N, J) scores -> (N,): enough of the body's joints are seen."""
    return np.asarray((scores[:, :25] > SEEN_SCORE).sum(1) >= SEEN_JOINTS)


def digest(folder: Path) -> str:
    """SHA-256 of the dataset's record, which holds its files' own. Raises SetupError."""
    path = folder / FACTS
    if not path.is_file():
        raise SetupError(f"{path} is missing; make the dataset with training.prepare first")
    return file_sha256(path)


def read_facts(folder: Path) -> dict[str, Any]:
    """`dataset.json` of `folder`, checked. Raises SetupError."""
    path = folder / FACTS
    if not path.is_file():
        raise SetupError(f"{path} is missing; make the dataset with training.prepare first")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        joints = facts["joints"]
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{path} is damaged ({error}); prepare the footage again") from error
    if facts["format"] != FORMAT:
        raise SetupError(
            f"{path} has format {facts['format']}, this program knows {FORMAT}; "
            f"prepare the footage again with this version"
        )
    if joints != len(JOINTS):
        raise SetupError(f"{path} has {joints} joints, this skeleton {len(JOINTS)}; prepare again")
    return dict(facts)


def _read_picture(path: Path) -> Image:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if bgr is None:
        raise SetupError(f"{path} is missing or damaged; run training.prepare again")
    return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)
