"""What an ablation is asked for, and what of it may not change when it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live.errors import SetupError
from training.ablate_variants import STUDENTS, TEACHERS, Variant
from training.dataset import digest
from training.disk import write_whole
from training.schedule import Budget

PLAN = "plan.json"
FAMILIES = ("student", "teacher")


@dataclass(frozen=True, slots=True)
class AblateOptions:
    """What the command line may set."""

    data: Path
    out: Path
    minutes: float | None = None  # of training, shared by all variants
    steps: int | None = None  # of each variant, instead
    families: tuple[str, ...] = FAMILIES
    pair: tuple[Path, Path] | None = None  # (performer's dataset, target's dataset)
    frames: int = 120  # of the tail and of the pair
    height: int = 256  # of the stage's pictures when they are compared, pixels
    pose: bool = True
    seed: int = 0
    threads: int = 0  # of the CPU; 0 takes all
    small: bool = True  # nets of a quarter of the cost

    def __post_init__(self) -> None:
        Budget(self.minutes, self.steps)
        unknown = set(self.families) - set(FAMILIES)
        if unknown or not self.families:
            raise SetupError(
                f"--only has {sorted(unknown) or 'nothing'}; known: {', '.join(FAMILIES)}"
            )
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")

    def variants(self) -> list[Variant]:
        """Those of the families asked for; a family's whole comes first."""
        return [v for v in (*STUDENTS, *TEACHERS) if v.family in self.families]

    def plan(self) -> dict[str, Any]:
        """What may not change when the ablation goes on, as JSON holds it."""
        held = {
            "data_sha256": digest(self.data),
            "minutes": self.minutes,
            "steps": self.steps,
            "families": self.families,
            "frames": self.frames,
            "height": self.height,
            "pose": self.pose,
            "seed": self.seed,
            "small": self.small,
        }
        return dict(json.loads(json.dumps(held)))


def open_folder(options: AblateOptions) -> None:
    """Write plan.json, or check that it is this very ablation's. Raises SetupError."""
    path, plan = options.out / PLAN, options.plan()
    if not path.is_file():
        options.out.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(plan, indent=2) + "\n").encode())
        return
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SetupError(f"{path} is damaged ({error}); name a new --out") from error
    if old != plan:
        wrong = sorted(key for key in {*old, *plan} if old.get(key) != plan.get(key))
        raise SetupError(
            f"{options.out} holds an ablation with other {', '.join(wrong)}; name a new --out"
        )
