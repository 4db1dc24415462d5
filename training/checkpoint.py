"""Checkpoints that survive a kill at any moment: a whole old one or a whole new one, never half.

One safetensors file: tensors by name, and in its header, as JSON, everything else and where each
tensor belongs. One file, so that weights can never be paired with another step's record.
"""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from live.errors import SetupError

FORMAT = 2
NAME = "checkpoint.safetensors"
EARLIER = "checkpoint.pt"  # format 1, written by torch.save; still read
_TENSOR, _LAST, _PAIRS = "tensor:", "channels last:", "pairs:"  # what JSON has no words for

_CHANNELS_LAST = torch.channels_last


def save_checkpoint(run: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain data to RUN/checkpoint.safetensors: beside it, then renamed.

    Raises SetupError where the disk is full; the old one is then untouched.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    plain = _taken_apart({"format": FORMAT, **content}, "", tensors)
    path, partial = run / NAME, run / (NAME + ".partial")
    try:
        save_file(tensors, partial, {"content": json.dumps(plain)})
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise SetupError(
            f"{path} cannot be written ({error}); the checkpoint before is whole: make room and "
            f"run the same command again"
        ) from error
    (run / EARLIER).unlink(missing_ok=True)


def load_checkpoint(run: Path, parts: Collection[str] | None = None) -> dict[str, Any] | None:
    """What `save_checkpoint` wrote last, or None. Never unpickles objects.

    With `parts` only those of it are read: a net without its optimizers. Raises SetupError for one
    that is damaged or newer.
    """
    path = run / NAME
    if not path.is_file():
        return _load_earlier(run / EARLIER)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            plain = json.loads((file.metadata() or {})["content"])
            newer = plain["format"] > FORMAT
            wanted = {k: v for k, v in plain.items() if parts is None or k in parts}
            content = {} if newer else _put_together(wanted, file.get_tensor)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise SetupError(f"{path} is damaged ({error}); delete it to train anew") from error
    if newer:
        raise SetupError(f"{path} has format {plain['format']}, this program knows {FORMAT}")
    return dict(content)


@contextmanager
def fitting(run: Path) -> Iterator[None]:
    """Within it the checkpoint of the folder `run` is put into nets and optimizers.

    Raises SetupError where it is of another configuration.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        why = " ".join(str(error).split())
        raise SetupError(
            f"{run / NAME} is of another configuration than this run ({why[:160]}); put this run's "
            f"own checkpoint back, or delete it to train anew"
        ) from error


def last_good(run: Path, step: int) -> str:
    """For who must stop at once: what there is to go on from, saved at `step`."""
    if not (run / NAME).is_file():
        return "no checkpoint was written before it"
    return f"the last good checkpoint is {run / NAME}, of step {step}"


def _load_earlier(path: Path) -> dict[str, Any] | None:
    """A checkpoint that an earlier version wrote."""
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except (
        RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError,
        pickle.UnpicklingError, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise SetupError(f"{path} is damaged ({error}); delete it to train anew") from error
    return content


def _taken_apart(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON can hold it; its tensors go into `tensors`, each in memory of its own."""
    if isinstance(value, Tensor):
        # Two tensors of one memory would be refused, and a view would bring all it is a view of.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        # The file knows no layouts, and sums in another layout's order differ in their last bits.
        last = value.ndim == 4 and not value.is_contiguous()
        return {_TENSOR: name, _LAST: last and value.is_contiguous(memory_format=_CHANNELS_LAST)}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {k: _taken_apart(v, f"{name}/{k}", tensors) for k, v in value.items()}
        pairs = [[k, _taken_apart(v, f"{name}/{k}", tensors)] for k, v in value.items()]
        return {_PAIRS: pairs}  # an optimizer numbers its parameters; JSON's keys are strings
    if isinstance(value, list | tuple):
        return [_taken_apart(v, f"{name}/{n}", tensors) for n, v in enumerate(value)]
    return value


def _put_together(plain: Any, tensor: Any) -> Any:
    """The inverse of `_taken_apart`; a tuple comes back as a list."""
    if isinstance(plain, dict):
        if _TENSOR in plain:
            found = tensor(plain[_TENSOR])
            return found.contiguous(memory_format=_CHANNELS_LAST) if plain[_LAST] else found
        if _PAIRS in plain:
            return {key: _put_together(value, tensor) for key, value in plain[_PAIRS]}
        return {key: _put_together(value, tensor) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_put_together(value, tensor) for value in plain]
    return plain
