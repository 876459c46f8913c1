"""Read a message of topic `actions`, whoever sent it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from contracts.actions import CAUSES, COLUMNS, HOLD, KINDS, NULLABLE

_TYPES = {"string": str, "int": int, "timestamp": str}


class UnreadableAction(ValueError):
    """A message that is no action; the text says why."""


@dataclass(frozen=True, slots=True)
class ActionMessage:
    """What a ledger needs of an action. `lines`: (session_key, track_id, month, streams, eur_micros)."""

    action_id: str
    case_id: str
    sequence: int
    action: str
    created_at: str
    expires_at: str | None
    lines: tuple[tuple[str, str, str, int, int], ...]


def read_action(value: bytes | None) -> ActionMessage:
    """Read a message. Raises UnreadableAction."""
    try:
        row = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise UnreadableAction(f"no JSON: {error}") from None
    if not isinstance(row, dict):
        raise UnreadableAction("no JSON object")
    for column in COLUMNS:
        value_of = row.get(column.name)
        if column.name == "lines":
            continue
        if value_of is None and column.name in NULLABLE:
            continue
        if type(value_of) is not _TYPES[column.type]:
            raise UnreadableAction(f"{column.name} is {value_of!r}, expected {column.type}")
        if column.type == "timestamp":
            _check_time(column.name, str(value_of))
    if row["action"] not in KINDS or row["cause"] not in CAUSES:
        raise UnreadableAction(f"action {row['action']!r} of cause {row['cause']!r} is not known")
    if row["action"] == HOLD and row.get("expires_at") is None:
        raise UnreadableAction("a hold without expires_at")
    return ActionMessage(
        row["action_id"], row["case_id"], row["sequence"], row["action"], row["created_at"], row.get("expires_at"),
        _lines(row.get("lines")),
    )  # fmt: skip


def _check_time(name: str, text: str) -> None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableAction(f"{name} {text!r} is no time") from None
    if at.tzinfo is None:
        raise UnreadableAction(f"{name} {text!r} has no zone")


def _lines(value: Any) -> tuple[tuple[str, str, str, int, int], ...]:
    if not isinstance(value, list):
        raise UnreadableAction("lines is no list")
    lines = []
    for line in value:
        match line:
            case {"session_key": str(key), "track_id": str(track), "month": str(month), "streams": int(streams),
                  "eur_micros": int(micros)}:  # fmt: skip
                lines.append((key, track, month, streams, micros))
            case _:
                raise UnreadableAction(f"line {line!r} lacks a field, or one is of another type")
    return tuple(lines)
