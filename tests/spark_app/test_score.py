"""Scores, flags and reasons, with a small model trained as `models.train` trains the shipped one."""

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import StructType

from contracts.features import FEATURE_NAMES, TOP_REASONS
from contracts.tables import SESSIONS, ddl
from models.registry import CONTRIBUTIONS
from models.train import Trees, fit
from spark_app.stages.describe import DESCRIBED, describe
from spark_app.stages.score import reasons_of, score
from tests.spark_app.items import Item, batch, did, heard

REVIEW, FILTER = 0.5, 0.8


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> PipelineModel:
    """Sessions with more than 50 plays are bots; a tenth of the values is not measurable."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.uniform(0, 100, (300, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    label = (table["plays"] > 50).astype(float)
    return fit(spark, table.mask(rng.random(table.shape) < 0.1).assign(label=label), Trees(10, 2), seed=1)


@pytest.fixture(scope="module")
def described(spark: SparkSession) -> DataFrame:
    """Three described sessions, of 1 play, of 80 plays and without any."""
    sessions: list[list[Item]] = [
        [heard(0, 40, artist=1)],
        [heard(31 * i, 31, f"t{i % 3}", artist=2, network="vpn") for i in range(80)],
        [did("search", second) for second in range(5)],
    ]
    rows = [tuple(row.values()) for row in describe(batch(*sessions)).to_pylist()]
    return spark.createDataFrame(rows, ddl(DESCRIBED))


@pytest.fixture(scope="module")
def scored(described: DataFrame, model: PipelineModel) -> DataFrame:
    return score(
        described, model, features=FEATURE_NAMES, review_threshold=REVIEW, filter_threshold=FILTER, version="tiny@1"
    ).cache()


@pytest.fixture(scope="module")
def rows(scored: DataFrame) -> list[Row]:
    return scored.orderBy("plays").collect()


def test_scored_sessions_have_the_columns_and_types_of_the_contract(scored: DataFrame) -> None:
    expected = StructType.fromDDL(ddl(SESSIONS))
    assert [(f.name, f.dataType.simpleString()) for f in scored.schema] == [
        (f.name, f.dataType.simpleString()) for f in expected
    ]


def test_a_score_is_the_probability_of_the_positive_class(rows: list[Row]) -> None:
    assert all(0 <= row["score"] <= 1 for row in rows)
    assert all(row["score"] == row["probability"][1] for row in rows)
    assert [row["plays"] for row in rows] == [0, 1, 80]
    assert rows[2]["score"] > 0.5 > rows[1]["score"], "what the model learnt"


def test_flags_follow_the_two_thresholds(rows: list[Row]) -> None:
    for row in rows:
        assert row["is_flagged"] == (row["score"] >= REVIEW)
        assert row["is_filtered"] == (row["score"] >= FILTER)
        assert row["prediction"] == float(row["is_flagged"])


def test_a_score_at_the_threshold_is_a_flag(described: DataFrame, model: PipelineModel, rows: list[Row]) -> None:
    exactly = score(
        described, model, features=FEATURE_NAMES, review_threshold=rows[2]["score"], filter_threshold=1, version="x"
    )
    assert [r["is_flagged"] for r in exactly.select("plays", "is_flagged").orderBy("plays").collect()][2]


def test_reasons_are_few_positive_sorted_and_of_this_session(rows: list[Row]) -> None:
    for row in rows:
        contributions = [reason["contribution"] for reason in row["reasons"]]
        assert len(contributions) <= TOP_REASONS
        assert contributions == sorted(contributions, reverse=True)
        assert all(value > 0 for value in contributions)
        assert all(reason["value"] == row[reason["feature"]] for reason in row["reasons"])
    assert rows[2]["reasons"][0]["feature"] == "plays"


def test_each_scored_session_says_its_model_and_the_date_it_ended(rows: list[Row]) -> None:
    assert {row["model_version"] for row in rows} == {"tiny@1"}
    assert {str(row["date"]) for row in rows} == {"2026-03-01"}


def test_the_score_and_its_reasons_are_those_of_the_saved_pipeline(
    described: DataFrame, model: PipelineModel, rows: list[Row]
) -> None:
    saved = model.transform(described.na.fill(float("nan"))).orderBy("plays").collect()
    for mine, its in zip(rows, saved, strict=True):
        assert mine["probability"] == pytest.approx(list(its["probability"]), abs=1e-6)
        assert mine["rawPrediction"] == pytest.approx(list(its["rawPrediction"]), abs=1e-5)
        pushes = dict(zip(FEATURE_NAMES, its[CONTRIBUTIONS][0], strict=False))
        assert {r["feature"]: r["contribution"] for r in mine["reasons"]} == pytest.approx(
            {r["feature"]: pushes[r["feature"]] for r in mine["reasons"]}, abs=1e-5
        )
        assert min((r["contribution"] for r in mine["reasons"]), default=0) == pytest.approx(
            max(0, sorted(pushes.values(), reverse=True)[len(mine["reasons"]) - 1]) if mine["reasons"] else 0, abs=1e-5
        )


def reasons(contributions: list[float], **values: float) -> list[tuple[str, float | None, float]]:
    (found,) = reasons_of(list(values), np.array([list(values.values())]), np.array([contributions])).to_pylist()
    return [(r["feature"], r["value"], r["contribution"]) for r in found]


def test_the_three_largest_contributions_are_the_reasons() -> None:
    found = reasons([0.5, 2.0, 0.25, 1.0], a=1.0, b=np.nan, c=3.0, d=4.0)
    assert found == [("b", None, 2.0), ("d", 4.0, 1.0), ("a", 1.0, 0.5)]


def test_what_speaks_for_the_session_is_no_reason() -> None:
    assert reasons([-1.0, 0.0, 0.5], a=1.0, b=2.0, c=3.0) == [("c", 3.0, 0.5)]
    assert reasons([-1.0], a=1.0) == []


def test_equal_contributions_keep_the_contracts_order() -> None:
    assert [name for name, _, _ in reasons([1.0, 1.0, 1.0, 1.0], a=1.0, b=1.0, c=1.0, d=1.0)] == ["a", "b", "c"]
