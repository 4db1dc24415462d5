"""TensorRT and TensorRT-RTX: finding the module, its log, and what sets the two apart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from live.errors import SetupError

log = logging.getLogger(__name__)

KEPT_MESSAGES = 50


@dataclass(frozen=True, slots=True)
class Flavour:
    """One of the two libraries."""

    name: str  # of the engine: "tensorrt-rtx"
    title: str  # for people
    modules: tuple[str, ...]  # the names that its wheels have had, newest first
    pip: str
    # RTX makes the GPU's own code at the first run and keeps that, so an engine is good for every
    # card of a compute capability, and needs no GPU to be built. The classic one times each
    # kernel on the very card.
    portable: bool


TENSORRT = Flavour(
    "tensorrt", "TensorRT", ("tensorrt",), "pip install tensorrt cuda-bindings", portable=False
)
TENSORRT_RTX = Flavour(
    "tensorrt-rtx",
    "TensorRT-RTX",
    ("tensorrt_rtx_bindings", "tensorrt_rtx"),
    "pip install tensorrt-rtx-cu13-bindings tensorrt-rtx-cu13-libs cuda-bindings",
    portable=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """The last things that the library said, newest last."""

    errors: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Keep an error."""
        self.errors.append(text)
        del self.errors[:-KEPT_MESSAGES]

    def reason(self) -> str:
        """The errors since the last call in one line, or that there were none."""
        found = [" ".join(text.split()) for text in self.errors]
        self.errors.clear()
        return "; ".join(found[:2])[:400] or "it gave no reason"


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """A loaded module, with a logger of ours."""

    flavour: Flavour
    api: Any  # the module
    logger: Any  # its ILogger
    messages: Messages

    @property
    def version(self) -> str:
        return f"{self.flavour.name} {self.api.__version__}"


def created(make: Callable[[], Any]) -> Any:
    """What `make` gives, or None: a constructor that fails raises pybind11's TypeError instead."""
    try:
        return make()
    except TypeError:
        return None


def load_library(flavour: Flavour) -> Library:
    """Import the library. Raises SetupError with the pip line where it is absent or broken."""
    problems = []
    for name in flavour.modules:
        try:
            return library_of(flavour, import_module(name))
        except (ImportError, OSError) as error:  # OSError: a library of its own is not found
            problems.append(str(error))
    raise SetupError(f"{flavour.title} cannot be imported ({'; '.join(problems)}); {flavour.pip}")


def library_of(flavour: Flavour, api: Any) -> Library:
    """A library around an imported module."""
    messages = Messages()
    return Library(flavour, api, _logger(api, messages), messages)


def _logger(api: Any, messages: Messages) -> Any:
    severe = (api.ILogger.Severity.ERROR, api.ILogger.Severity.INTERNAL_ERROR)
    warning = api.ILogger.Severity.WARNING

    class OurLogger(api.ILogger):  # type: ignore[misc]  # its base is only known now
        def __init__(self) -> None:
            api.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity in severe:
                messages.add(text)
            if severity in severe or severity == warning:
                log.debug("%s", text)

    return OurLogger()
