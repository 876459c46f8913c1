"""Messages to rows of text: a message is a JSON list of objects, and every good row of a bad message survives.

A message as the producer makes it is read in one go, without a Python object per field that nobody asked for. What
that reading refuses (a number where text belongs, a row that is no object, two documents, …) is read element by
element: slowly, but to the letter of `contracts.events.as_text`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from contracts.events import Field, as_text

PAYLOAD_CHARS = 500
"""How much of a rejected row or message is kept."""


class Buffer(Protocol):
    """Bytes, or something that lends its bytes, as Arrow's buffers do."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


class Decoder:
    """Reads messages of one topic: of each row the given fields, and none else."""

    def __init__(self, fields: Sequence[Field]):
        self.names = [f.name for f in fields]
        # `ts` is the one field that comes as a number
        types = [(f.name, (int | str | None) if f.kind == "epoch_s" else (str | None), None) for f in fields]
        self._row = msgspec.defstruct("Row", types, gc=False)
        self._fast = msgspec.json.Decoder(list[self._row])  # type: ignore[name-defined]

    def read(self, value: Buffer) -> list[Any] | None:
        """Read a message's value: an object per row with an attribute per field; None where it is no list.

        An element that is no object is a row without any field.
        """
        try:
            return self._fast.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            elements = elements_of(value)
            return None if elements is None else [self._row_of(element) for element in elements]

    def _row_of(self, element: Any) -> Any:
        if not isinstance(element, Mapping):
            return self._row()
        return self._row(**{name: storable(as_text(element.get(name))) for name in self.names})


def elements_of(value: Buffer) -> list[Any] | None:
    """Return a message's elements as plain Python has them; None where it is no list.

    What stands behind the list is not read: the header says how many rows it hides.
    """
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(bytes(value).decode().lstrip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def storable(text: str | None) -> str | None:
    """Replace half surrogate pairs, which JSON can name but no UTF-8 text can hold.

    >>> storable("a" + chr(0xD800))
    'a?'
    """
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()


def payload_of(element: Any) -> str:
    """Render an element of a message as a rejected row's payload: JSON text, cut."""
    text = json.dumps(element, ensure_ascii=False, separators=(",", ":"))
    return storable(text[:PAYLOAD_CHARS]) or ""
