"""Between Python and the console's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from live.desk.desk import Change, Desk
from live.desk.parameters import Kind, Parameter, Value
from live.desk.web_parts import ConsoleParts
from live.errors import DeskError
from live.stream.pages import finite


def packed(message: Mapping[str, object]) -> str:
    """One message. NaN and infinities, which JSON has no words for, become null."""
    return json.dumps(finite(message), ensure_ascii=False, allow_nan=False)


def read_message(text: str) -> dict[str, object]:
    """A message from a console. Raises DeskError for what is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise DeskError('a message is no JSON; send an object such as {"do": "go"}') from None
    if not isinstance(found, dict):
        raise DeskError(
            f'a message is a {type(found).__name__}; send an object such as {{"do": "go"}}'
        )
    return found


def of_change(change: Change) -> dict[str, object]:
    """`{"changed": ...}`."""
    return {
        "changed": {
            "version": change.version,
            "by": change.by,
            "values": dict(change.values),
            "done": change.done,
            "offers": None if change.offers is None else dict(change.offers),
        }
    }


def of_parameters(parts: ConsoleParts) -> list[dict[str, object]]:
    """The whole table, as a console draws it."""
    return [_of_parameter(one, parts) for one in parts.desk.parameters()]


def targets(desk: Desk) -> dict[str, Value]:
    """Where everything stands, or glides to."""
    return {**desk.values(), **desk.kept()}


def _of_parameter(one: Parameter, parts: ConsoleParts) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "group": one.group,
        "help": one.help,
        "default": one.default,
        "low": one.low,
        "high": one.high,
        "unit": one.unit,
        "choices": one.choices,
        "key": one.key,
        "fades": one.fades,
        "takes": one.takes,
        "address": one.address,
        "can": one.kind is not Kind.ACTION or parts.can(one.name),
    }
