"""Imports into a world of a test's own, and its rows read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from producer.importers.collect import ImportCounts
from producer.importers.layout import Options
from producer.importers.run import import_history
from runtime.world import World

NOW_MS = 1_767_225_600_000
"""2026-01-01."""


class Imported:
    """A world that imports are made into."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add(self, *paths: Path, layout: str | None = None, timezone: str | None = None, **options: Any) -> ImportCounts:
        return import_history(paths, self.world, layout, Options(**options), timezone, NOW_MS)

    def rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for path in self.world.raw_files(topic) for row in pq.ParquetFile(path).read().to_pylist()]

    def static(self, table: str) -> list[dict[str, Any]]:
        return pq.ParquetFile(self.world.static(table) / "part.parquet").read().to_pylist()

    def report(self) -> dict[str, Any]:
        return orjson.loads(self.world.import_report.read_bytes())


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    return Imported(World(tmp_path / "data" / "me"))


@pytest.fixture
def samples() -> Path:
    return Path(__file__).parent / "samples"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a small file and return its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
