"""Scores, flags and reasons, with a small model trained as `models.training.train` trains the shipped one."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from contracts.features import FEATURE_NAMES, TOP_REASONS
from contracts.tables import SESSIONS, ddl
from models.registry.artefact import CONTRIBUTIONS
from models.training.manifest import TreeSettings
from models.training.train import fit
from spark_app.pipeline import score_sessions
from spark_app.stages.scoring.score import SessionScorer, score_batch, top_reasons
from spark_app.stages.sessions.compute_features import compute_features
from tests.spark_app.items import Item, did, heard, input_batch

REVIEW, FILTER = 0.5, 0.8
AT = datetime(2026, 3, 2, 1, 2, 3, 456_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> PipelineModel:
    """Sessions with more than 50 plays are bots; a tenth of the values is not measurable."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.uniform(0, 100, (300, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    label = (table["plays"] > 50).astype(float)
    return fit(spark, table.mask(rng.random(table.shape) < 0.1).assign(label=label), TreeSettings(10, 2), seed=1)


@pytest.fixture(scope="module")
def scorer(model: PipelineModel) -> SessionScorer:
    trees = bytes(cast(Any, model.stages[-1]).get_booster().save_raw("ubj"))
    return SessionScorer(trees, FEATURE_NAMES, REVIEW, FILTER, "tiny@1")


@pytest.fixture(scope="module")
def session_input() -> pa.RecordBatch:
    """Three sessions: without a play, of 1 play and of 80 plays."""
    sessions: list[list[Item]] = [
        [did("search", second) for second in range(5)],
        [heard(0, 40, artist=1)],
        [heard(31 * i, 31, f"t{i % 3}", artist=2, network="vpn") for i in range(80)],
    ]
    return input_batch(*sessions)


@pytest.fixture(scope="module")
def rows(session_input: pa.RecordBatch, scorer: SessionScorer) -> list[dict[str, Any]]:
    return score_batch(compute_features(session_input), scorer, clock=AT.timestamp).to_pylist()


def test_scored_sessions_have_the_columns_and_types_of_the_contract_and_the_time_of_scoring(
    spark: SparkSession, session_input: pa.RecordBatch, scorer: SessionScorer, rows: list[dict[str, Any]]
) -> None:
    frame = spark.createDataFrame(pa.Table.from_batches([session_input]))
    before = time.time()
    scored = score_sessions(frame, ["n_ips"], scorer)
    assert scored.schema == StructType.fromDDL(ddl(SESSIONS))
    found = sorted(scored.collect(), key=lambda row: row["plays"])
    assert [row["session_key"] for row in found] == [row["session_key"] for row in rows]
    assert all(before - 1e-3 <= row["scored_at"].timestamp() <= time.time() + 1e-3 for row in found)
    assert all(row["scored_at"].microsecond % 1000 == 0 for row in found), "readers count in milliseconds"
    assert [(row["n_ips"], row["n_devices"]) for row in found] == [(None, row["n_devices"]) for row in rows]


def test_a_score_is_the_probability_of_the_positive_class(rows: list[dict[str, Any]]) -> None:
    assert all(0 <= row["score"] <= 1 for row in rows)
    assert all(row["score"] == row["probability"][1] for row in rows)
    assert [row["plays"] for row in rows] == [0, 1, 80]
    assert rows[2]["score"] > 0.5 > rows[1]["score"], "what the model learnt"


def test_flags_follow_the_two_thresholds(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["is_flagged"] == (row["score"] >= REVIEW)
        assert row["is_filtered"] == (row["score"] >= FILTER)
        assert row["prediction"] == float(row["is_flagged"])


def test_a_score_at_the_threshold_is_a_flag(
    session_input: pa.RecordBatch, scorer: SessionScorer, rows: list[dict[str, Any]]
) -> None:
    exactly = replace(scorer, review_threshold=rows[2]["score"])
    assert score_batch(compute_features(session_input), exactly).column("is_flagged").to_pylist()[2]


def test_reasons_are_few_positive_sorted_and_of_this_session(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        contributions = [reason["contribution"] for reason in row["reasons"]]
        assert len(contributions) <= TOP_REASONS
        assert contributions == sorted(contributions, reverse=True)
        assert all(value > 0 for value in contributions)
        assert all(reason["value"] == row[reason["feature"]] for reason in row["reasons"])
    assert rows[2]["reasons"][0]["feature"] == "plays"


def test_only_flagged_sessions_have_reasons_whatever_else_is_in_the_batch(
    session_input: pa.RecordBatch, scorer: SessionScorer, rows: list[dict[str, Any]]
) -> None:
    assert [bool(row["reasons"]) for row in rows] == [row["is_flagged"] for row in rows] == [False, False, True]
    every = score_batch(compute_features(session_input), replace(scorer, review_threshold=0.0)).to_pylist()
    assert all(row["is_flagged"] for row in every)
    assert every[2]["reasons"] == rows[2]["reasons"]
    none = score_batch(compute_features(session_input), replace(scorer, review_threshold=2.0)).to_pylist()
    assert [row["reasons"] for row in none] == [[], [], []]


def test_each_scored_session_names_its_model_and_the_date_it_ended(rows: list[dict[str, Any]]) -> None:
    assert {row["model_version"] for row in rows} == {"tiny@1"}
    assert {str(row["date"]) for row in rows} == {"2026-03-01"}
    assert {row["scored_at"] for row in rows} == {AT}


def test_the_score_and_its_reasons_are_those_of_the_saved_pipeline(
    spark: SparkSession, session_input: pa.RecordBatch, model: PipelineModel, rows: list[dict[str, Any]]
) -> None:
    features = compute_features(session_input).select(list(FEATURE_NAMES)).to_pandas()
    saved = model.transform(spark.createDataFrame(features)).orderBy("plays").collect()
    for mine, its in zip(rows, saved, strict=True):
        assert mine["probability"] == pytest.approx(list(its["probability"]), abs=1e-6)
        assert mine["rawPrediction"] == pytest.approx(list(its["rawPrediction"]), abs=1e-5)
        pushes = dict(zip(FEATURE_NAMES, its[CONTRIBUTIONS][0], strict=False))
        assert {r["feature"]: r["contribution"] for r in mine["reasons"]} == pytest.approx(
            {r["feature"]: pushes[r["feature"]] for r in mine["reasons"]}, abs=1e-5
        )
        # what is not known is no reason
        known = sorted((push for name, push in pushes.items() if pd.notna(its[name])), reverse=True)
        assert min((r["contribution"] for r in mine["reasons"]), default=0) == pytest.approx(
            max(0, known[len(mine["reasons"]) - 1]) if mine["reasons"] else 0, abs=1e-5
        )


def reasons(contributions: list[float], **values: float) -> list[tuple[str, float | None, float]]:
    (found,) = top_reasons(list(values), np.array([list(values.values())]), np.array([contributions])).to_pylist()
    return [(r["feature"], r["value"], r["contribution"]) for r in found]


def test_the_three_largest_contributions_of_known_features_are_the_reasons() -> None:
    found = reasons([0.5, 2.0, 0.25, 1.0], a=1.0, b=np.nan, c=3.0, d=4.0)
    assert found == [("d", 4.0, 1.0), ("a", 1.0, 0.5), ("c", 3.0, 0.25)]


def test_a_feature_that_lowers_the_score_is_no_reason() -> None:
    assert reasons([-1.0, 0.0, 0.5], a=1.0, b=2.0, c=3.0) == [("c", 3.0, 0.5)]
    assert reasons([-1.0], a=1.0) == []


def test_equal_contributions_keep_the_contracts_order() -> None:
    assert [name for name, _, _ in reasons([1.0, 1.0, 1.0, 1.0], a=1.0, b=1.0, c=1.0, d=1.0)] == ["a", "b", "c"]
