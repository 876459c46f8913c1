"""Small records as JSON files, replaced as a whole: a reader sees the old one or the new one."""

import json
from pathlib import Path
from typing import Any


def write_record(file: Path, record: dict[str, Any]) -> None:
    """Replace a record in one rename. Raises ValueError where a number is none that JSON has."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(record, allow_nan=False) + "\n")
    partial.replace(file)


def read_record(file: Path) -> dict[str, Any]:
    """Read a record; empty where there is none, or only what a crash left of it."""
    try:
        record = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
