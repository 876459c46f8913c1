"""Messages to rows of text: a message is a JSON list of objects, and every good row of a bad message survives.

A message as the producer makes it is read in one step, and only the fields that the caller names become Python objects.
A message that this reader refuses (a number in place of text, a row that is no object, two documents, …) is read
element by element: slower, with every value as `runtime.event_text.as_text` gives it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from contracts.events import Field
from runtime.event_text import as_text

PAYLOAD_CHARS = 500
"""How much of a rejected row or message is kept."""


class Buffer(Protocol):
    """Bytes, or an object that exposes its bytes, such as an Arrow buffer."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


class Decoder:
    """Reads messages of one topic: the given fields of each row, and no others."""

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
    """Return a message's elements as Python objects; None where it is no list.

    Text after the list is not read: the header tells how many rows were lost with it.
    """
    try:
        message, _ = json.JSONDecoder(strict=False).raw_decode(bytes(value).decode().lstrip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, list) else None


def storable(text: str | None) -> str | None:
    """Replace half surrogate pairs: JSON can contain them, UTF-8 cannot.

    >>> storable("a" + chr(0xD800))
    'a?'
    """
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()


def payload_of(element: Any) -> str:
    """Return an element of a message as JSON text of at most PAYLOAD_CHARS: the payload of a rejected row."""
    text = json.dumps(element, ensure_ascii=False, separators=(",", ":"))
    return storable(text[:PAYLOAD_CHARS]) or ""
