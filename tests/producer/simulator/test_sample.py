"""The small world that a clone carries is the one that the simulator makes today."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World

SAMPLE = Path(__file__).resolve().parents[3] / "data" / "sample"
TABLES = sorted(path.relative_to(SAMPLE) for path in SAMPLE.rglob("*.parquet"))
STALE = "stale: run  playproof simulate --scenario sample --out data/sample"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "sample"
    build(load_scenario("sample"), World(folder))
    return folder


def test_the_sample_has_the_tables_that_the_simulator_writes(built: Path) -> None:
    assert sorted(path.relative_to(built) for path in built.rglob("*.parquet")) == TABLES, STALE


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_the_sample_has_the_rows_that_the_simulator_writes(built: Path, table: Path) -> None:
    assert pq.ParquetFile(SAMPLE / table).read().equals(pq.ParquetFile(built / table).read()), STALE
