"""How events are written as text: times, the numbers in headers, JSON values as the all-string schema has them."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.events import NUMERIC_HEADERS, TIME_PATTERN

Headers = Sequence[tuple[str, bytes | None]]
"""Of a Kafka message, as the client gives them: names may repeat, a value may be null."""


def format_time(epoch_ms: int) -> str:
    """Render epoch milliseconds as an event_time.

    >>> format_time(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}.{epoch_ms % 1000:03d}Z"  # strftime would not pad a year before 1000


def parse_time(text: str) -> int | None:
    """Read an event_time as epoch milliseconds; None where it is none.

    >>> parse_time("2023-11-14T22:13:20.123Z")
    1700000000123
    >>> parse_time("12:30") is None
    True
    """
    if re.match(TIME_PATTERN, text) is None:
        return None
    try:
        moment = datetime.strptime(text[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int(text[20:23])


def header_number(headers: Headers, name: str) -> int | None:
    """Return a header as an integer; None where it is missing, or has another form than contracts.events says.

    >>> header_number([("batch", b"7")], "batch"), header_number([("batch", b"1_0")], "batch")
    (7, None)
    """
    text = next((value for key, value in headers if key == name), None)
    if text is None or re.fullmatch(NUMERIC_HEADERS[name].encode(), text) is None:
        return None
    return int(text)


def as_text(value: Any) -> str | None:
    """Read a JSON value as the all-string schema does: scalars and nested values as their JSON text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
