"""Numbers that are none stop a training before they spoil its weights."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor

from live.errors import SetupError


class NotFinite(SetupError):
    """The losses or gradients of a step are not numbers any more."""


def check_finite(step: int, gradients: Iterable[Tensor], **losses: Tensor) -> None:
    """gradients: norms, scalars each; losses: scalars, by the name of whose they are.

    Raises NotFinite, to be called before an optimizer's step.
    """
    values = {name: float(loss.detach()) for name, loss in losses.items()}
    # The gradient of |x| is 0 where x is no number, so that gradients alone would not tell.
    if all(map(math.isfinite, [*map(float, gradients), *values.values()])):
        return
    told = ", ".join(f"{name} loss {value:g}" for name, value in values.items())
    raise NotFinite(f"at step {step} losses or gradients are not finite any more ({told})")
