"""A challenger scores next to the champion: the same features, other trees, no flag, and no way to stop the job."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost as xgb
from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.features import FEATURE_NAMES
from contracts.tables import SHADOW
from models.registry.artefact import MODEL_ZIP
from models.registry.role_changes import WritableRegistry
from runtime.lake import committed_files
from runtime.lake.moments import LOG_NEEDED_S
from runtime.lake.readers import SNAPSHOT, note_snapshot
from runtime.lake.upkeep import keep_up
from runtime.monitoring.progress import shadow_record
from runtime.world import Unit
from spark_app import runner
from spark_app.queries import shadow as query
from spark_app.stages.scoring.score import SessionScorer, prediction_columns
from spark_app.stages.scoring.shadow import shadow_batch
from tests import lake_rows as lake
from tests.models.challenger import FLAGS_NEARLY_ALL, write_challenger
from tests.spark_app.test_runner import stop

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
N = 12
KEYS = [f"u{i}:0" for i in range(N)]


@pytest.fixture(scope="module")
def lake_rows() -> pa.RecordBatch:
    """Scored sessions with what a model asks for; a tenth of the features is not measurable."""
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 100, (len(FEATURE_NAMES), N))
    columns = {name: pa.array(row, mask=rng.random(N) < 0.1) for name, row in zip(FEATURE_NAMES, values, strict=True)}
    scored_at = pa.array([AT] * N, pa.timestamp("us", tz="UTC"))
    return pa.RecordBatch.from_pydict(columns | {"session_key": KEYS, "scored_at": scored_at})


@pytest.fixture(scope="module")
def scorer() -> SessionScorer:
    """Trees that half of these sessions look suspicious to."""
    rng = np.random.default_rng(7)
    values = rng.uniform(0, 100, (200, len(FEATURE_NAMES)))
    trees = xgb.train({"max_depth": 2, "nthread": 1}, xgb.DMatrix(values, (values[:, 0] > 50).astype(float)), 5)
    return SessionScorer(bytes(trees.save_raw("ubj")), FEATURE_NAMES, 0.55, 0.6, "tiny@1")


def test_the_challenger_says_of_the_same_features_what_it_would_say_as_champion(
    lake_rows: pa.RecordBatch, scorer: SessionScorer
) -> None:
    in_shadow = shadow_batch(lake_rows, scorer)
    as_champion = prediction_columns(lake_rows, scorer)
    assert in_shadow.schema.names == [c.name for c in SHADOW]
    assert in_shadow["score"].equals(as_champion["score"])
    assert in_shadow["would_flag"].equals(as_champion["is_flagged"])
    assert in_shadow["would_filter"].equals(as_champion["is_filtered"])
    flags = in_shadow["would_flag"].to_pylist()
    assert 0 < sum(flags) < N
    expected = [r if flag else None for r, flag in zip(as_champion["reasons"].to_pylist(), flags, strict=True)]
    assert in_shadow["reasons"].to_pylist() == expected


def test_a_challenger_that_flags_nothing_gives_no_reasons(lake_rows: pa.RecordBatch, scorer: SessionScorer) -> None:
    calm = SessionScorer(scorer.trees, scorer.features, 1.0, 1.0, "calm@1")
    assert shadow_batch(lake_rows, calm)["reasons"].null_count == N


@pytest.fixture
def registry(tmp_path: Path) -> WritableRegistry:
    """A registry whose challenger has the shipped trees and flags nearly all."""
    registry = WritableRegistry(tmp_path / "models")
    registry.register(*write_challenger(tmp_path / "candidate", thresholds=FLAGS_NEARLY_ALL), AT)
    return registry


@pytest.fixture
def unit(tmp_path: Path, lake_rows: pa.RecordBatch) -> Unit:
    """A lake of scored sessions."""
    unit = Unit(tmp_path / "w" / "v1")
    commit(unit, lake_rows)
    return unit


def commit(unit: Unit, rows: pa.RecordBatch) -> None:
    lake.commit(unit.table("sessions"), pa.Table.from_batches([rows]))


def keys_in(table: Path) -> list[str]:
    return sorted(
        key for file in committed_files(table) for key in pq.ParquetFile(file).read()["session_key"].to_pylist()
    )


def writers(
    spark: SparkSession | None, unit: Unit, registry: WritableRegistry, into: Path
) -> dict[str, DataStreamWriter]:
    """Return the query as a start of the job does."""
    return query.optional_query(cast(SparkSession, spark), unit, query.find_challenger(registry, into, unit))


def test_a_challenger_scores_every_session_once_and_leaves_the_champions_table_as_it_was(
    spark: SparkSession, unit: Unit, registry: WritableRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CHECK_EVERY_S", 0.05)
    entry = registry.roles().challenger
    assert entry is not None
    table = unit.shadow(entry.version)
    (file,) = unit.table("sessions").rglob("*.parquet")
    before = file.read_bytes()

    runner.run(spark, writers(spark, unit, registry, tmp_path / "into"), stop(False), available_now=True)
    assert keys_in(table) == sorted(KEYS), "the oldest session too"
    assert file.read_bytes() == before
    rows = pq.ParquetFile(committed_files(table)[0]).read().to_pylist()
    assert list(rows[0]) == [c.name for c in SHADOW]
    assert {row["model_version"] for row in rows} == {entry.version}
    assert all(row["would_flag"] and row["reasons"] is not None for row in rows)
    assert shadow_record(unit) == {"model_version": entry.version, "trouble": ""}

    shutil.rmtree(table)
    assert writers(spark, unit, registry, tmp_path / "into") == {}
    assert "has a checkpoint but lake/candidate-" in shadow_record(unit)["trouble"]


def test_without_a_challenger_there_is_no_query(unit: Unit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = WritableRegistry(tmp_path / "none")
    assert writers(None, unit, nobody, tmp_path / "into") == {}
    assert shadow_record(unit) == {"model_version": "", "trouble": ""}
    assert capsys.readouterr() == ("", "")


def test_a_tampered_challenger_is_left_out_in_one_line(
    unit: Unit, registry: WritableRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = registry.roles().challenger
    assert entry is not None
    archive = registry.folder(entry) / MODEL_ZIP
    archive.write_bytes(archive.read_bytes() + b"x")
    assert writers(None, unit, registry, tmp_path / "into") == {}
    message = capsys.readouterr().err
    assert message.startswith(f"no shadow, {entry.version}: ")
    assert "is not the file that is trusted" in message
    assert message.endswith("; the champion scores on\n")
    assert message.count("\n") == 1
    assert shadow_record(unit)["trouble"]


def test_a_challenger_that_was_away_for_too_long_is_left_out_in_one_line(
    unit: Unit,
    registry: WritableRegistry,
    lake_rows: pa.RecordBatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = registry.roles().challenger
    assert entry is not None
    name, sessions = unit.shadow(entry.version).name, unit.table("sessions")
    note_snapshot(sessions, unit.checkpoints / query.NAME / name / SNAPSHOT)  # its first start
    for _ in range(2):
        commit(unit, lake_rows)
    keep_up(sessions, now=time.time() + LOG_NEEDED_S + 30)
    assert writers(None, unit, registry, tmp_path / "into") == {}
    message = capsys.readouterr().err
    assert message.startswith(f"no shadow, {entry.version}: it was away while 2 commits of lake/sessions came ")
    assert f"delete lake/shadow/{name} and checkpoints/shadow/{name}, and it begins with the oldest" in message
    assert message.count("\n") == 1


def test_a_challenger_that_cannot_be_loaded_is_left_out_in_one_line(
    unit: Unit,
    registry: WritableRegistry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("these are no trees\nand much more")

    monkeypatch.setattr(query, "write", broken)
    assert writers(None, unit, registry, tmp_path / "into") == {}
    assert capsys.readouterr().err.endswith(": these are no trees; the champion scores on\n")
