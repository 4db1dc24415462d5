"""Writes down what was assembled: plate, flags, and last of all `dataset.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from live.errors import SourceError
from live.skeleton import JOINTS
from live.subject import Consent
from live.window import WindowSettings
from training import consent as consents
from training import flags
from training.assemble import Assembled
from training.dataset import FACTS, FORMAT
from training.disk import file_sha256, write_png, write_whole
from training.footage import Clip
from training.holes import holes_of

MIN_FRAMES = 60  # of the training part that show the person: two seconds


def check_enough(found: Assembled, anyway: bool) -> None:
    """Raises SourceError where training could not work; `anyway` lets pass what only would be poor.

    Shards stay: with --anyway the same command goes on from here.
    """
    names = ", ".join(str(clip.path) for clip in found.clips)
    if found.judgement.troubles and not anyway:
        sentences = "; ".join(trouble.sentence for trouble in found.judgement.troubles)
        raise SourceError(f"{names}: {sentences} (or add --anyway, and expect a poor subject)")
    trainable = int(found.usable[: found.train_count].sum())
    if trainable < MIN_FRAMES:
        left_out = found.flags.counts()
        why = (
            f" ({', '.join(f'{words}: {n}' for words, n in left_out.items())})" if left_out else ""
        )
        raise SourceError(
            f"{names}: only {trainable} training frames of {len(found.seen)} show a person"
            f"{why}; at least {MIN_FRAMES} are needed, some minutes are good"
        )


def write_dataset(
    out: Path, found: Assembled, size: tuple[int, int], pose: str, consent: Consent | None
) -> dict[str, Any]:
    """Write all but the shards, which are there; returns `dataset.json`'s facts."""
    write_png(out / "plate.png", found.plate.image)
    unseen = np.repeat(found.plate.unseen.astype(np.uint8)[:, :, None] * np.uint8(255), 3, 2)
    write_png(out / "unseen.png", unseen)
    found.flags.save(out)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "joints": len(JOINTS),
        "size": list(size),
        "stage": list(found.stage),
        "shards": len(found.shards),
        "frames": len(found.points),
        "train_frames": found.train_count,
        "seen_share": round(float(found.seen.mean()), 4),
        "unseen_background_share": round(float(found.plate.unseen.mean()), 4),
        "seconds": round(sum(_seconds(found, clip) for clip in range(len(found.clips))), 3),
        "pose": pose,
        "body": found.body().to_json(),
        "window": WindowSettings().to_json(),
        "videos": [_clip_facts(clip) for clip in found.clips],
        "left_out": int((found.seen & found.flags.excluded).sum()),
        "flagged": found.flags.counts(),
        "troubles": [trouble.sentence for trouble in found.judgement.troubles],
        "holes": [hole.to_json() for hole in holes_of(found)],
        "consent": asdict(consent) if consent else consents.NONE,
        "files": _hashes(out),
    }
    write_whole(out / FACTS, (json.dumps(facts, indent=2) + "\n").encode())
    return facts


def _seconds(found: Assembled, clip: int) -> float:
    times = found.times_s[found.video == clip]
    return float(times[-1] - times[0]) if len(times) else 0.0


def _clip_facts(clip: Clip) -> dict[str, Any]:
    return {**asdict(clip), "path": clip.path.name, "size": list(clip.size)}


def _hashes(folder: Path) -> dict[str, str]:
    names = ["plate.png", "unseen.png", flags.FILE]
    names += [consents.FILE] if (folder / consents.FILE).is_file() else []
    names += sorted(f"shards/{path.name}" for path in (folder / "shards").iterdir())
    return {name: file_sha256(folder / name) for name in names if not name.endswith(".partial")}
