"""Append-only files of JSON lines, as a crash may leave them: the last line may be cut short."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from producer.errors import ReplayError

LONGEST_LINE_BYTES = 64 * 1024 * 1024


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the complete lines of a file, each a JSON object; none where there is no file.

    Raises ReplayError, naming the line, where one is not JSON.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    raise ReplayError(
                        f"line {number} of {path} is unreadable: begin a new version with  --fresh"
                    ) from None


def complete_bytes(path: Path) -> int:
    """Return the length of a file, in bytes, without a last line that a crash cut short."""
    tail = min(path.stat().st_size, LONGEST_LINE_BYTES)
    with path.open("rb") as file:
        file.seek(-tail, 2)
        start = file.tell()
        return start + file.read().rfind(b"\n") + 1
