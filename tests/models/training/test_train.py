"""Training on a made-up table: bots have regular gaps and one artist; every other feature is noise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

from contracts.features import FEATURE_NAMES
from models.drift.reference import REFERENCE, read_reference
from models.errors import ModelError
from models.registry.artefact import CARD, CONTRIBUTIONS, MANIFEST, MODEL_ZIP, SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.training.card import render_card
from models.training.manifest import TreeSettings
from models.training.monotone import LOWER, RAISE
from models.training.splits import CALIBRATION, TEST, TRAIN
from models.training.table import read_training_table
from models.training.train import score, start_local_spark, to_spark, train
from tests.conftest import Playproof

SMALL = TreeSettings(n_estimators=8, max_depth=3)
FAMILIES = ("loop30", "farm")


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    active = SparkSession.getActiveSession()
    session = active or start_local_spark()
    yield session
    if active is None:
        session.stop()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """3,000 sessions of 600 accounts over 8 days; 120 accounts are bots of 24 campaigns."""
    rng = np.random.default_rng(5)
    n = 3000
    account = rng.integers(600, size=n)
    is_bot = account < 120
    features = rng.random((n, len(FEATURE_NAMES)))
    features[rng.random(features.shape) < 0.3] = 0.0
    features[rng.random(features.shape) < 0.1] = np.nan
    rows = pd.DataFrame(features, columns=list(FEATURE_NAMES))
    rows["gap_entropy"] = np.where(is_bot, rng.normal(1, 0.5, n), rng.normal(3, 0.7, n))
    rows["artist_hhi"] = np.where(is_bot, rng.uniform(0.4, 1, n), rng.uniform(0, 0.6, n))
    rows["user_id"] = [f"u{i}" for i in account]
    rows["campaign_id"] = [f"c{i % 24}" if i < 120 else None for i in account]
    rows["family"] = [FAMILIES[i % 2] if i < 120 else "honest" for i in account]
    rows["cohort"] = np.where(account % 10 == 7, "sleep", "regular")
    rows["label"] = np.where(is_bot, 1.0, 0.0)
    rows.loc[rows.index % 50 == 0, "label"] = np.nan
    rows["started_at"] = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(rng.integers(8 * 86_400, size=n), "s")
    return rows


def odd_people(table: pd.DataFrame) -> pd.DataFrame:
    """The same sessions of other accounts, as those of a world of odd people."""
    return table.assign(user_id="odd " + table["user_id"], campaign_id="odd " + table["campaign_id"])


@pytest.fixture(scope="module")
def artefact_folder(spark: SparkSession, table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("artifacts") / "toy"
    trusted = train(spark, table, out, seed=1, world="a made-up table", trees=SMALL, odd=odd_people(table))
    (out / "TRUSTED").write_text(trusted)
    return out


@pytest.fixture(scope="module")
def loaded(spark: SparkSession, artefact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineModel:
    into = tmp_path_factory.mktemp("unpacked")
    artefact = verify_artefact(artefact_folder, into, (artefact_folder / "TRUSTED").read_text())
    return PipelineModel.load(artefact.path.as_uri())


def test_the_trained_artefact_verifies_loads_and_separates_bots_from_people(
    spark: SparkSession, loaded: PipelineModel, table: pd.DataFrame
) -> None:
    scored = score(spark, loaded, table)
    assert scored["score"].between(0, 1).all()
    assert scored.loc[table["label"] == 1, "score"].median() > 0.8
    assert scored.loc[table["label"] == 0, "score"].median() < 0.2


def test_more_of_a_loop_never_lowers_the_score(spark: SparkSession, loaded: PipelineModel, table: pd.DataFrame) -> None:
    more = table.assign(**{name: table[name] + 0.5 for name in RAISE}, **{name: table[name] - 0.5 for name in LOWER})
    before, after = (score(spark, loaded, rows)["score"].to_numpy() for rows in (table, more))
    assert (after >= before - 1e-6).all()
    assert (after > before).any()


def test_contributions_and_bias_add_up_to_the_margin(
    spark: SparkSession, loaded: PipelineModel, table: pd.DataFrame
) -> None:
    rows = loaded.transform(to_spark(spark, table[:50])).select("rawPrediction", CONTRIBUTIONS).collect()
    for row in rows:
        (contributions,) = row[CONTRIBUTIONS]
        assert len(contributions) == len(FEATURE_NAMES) + 1
        assert sum(contributions) == pytest.approx(row["rawPrediction"][1], abs=1e-4)


def test_an_account_of_the_blocks_is_not_learned_as_an_odd_one_too(
    spark: SparkSession, table: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="other seeds"):
        train(spark, table, tmp_path, seed=1, world="a made-up table", trees=SMALL, odd=table.head(10))


def test_the_same_table_and_seed_give_the_same_bytes(
    spark: SparkSession, table: pd.DataFrame, artefact_folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "toy"
    train(spark, table, again, seed=1, world="a made-up table", trees=SMALL, odd=odd_people(table))
    for name in (MODEL_ZIP, MANIFEST, CARD, REFERENCE):
        assert (again / name).read_bytes() == (artefact_folder / name).read_bytes(), name


def test_a_zero_in_a_sparse_row_is_a_zero_and_not_missing(spark: SparkSession, loaded: PipelineModel) -> None:
    """The assembler compresses rows of many zeros; read as missing they would score as if nothing was measured."""
    rows = pd.DataFrame(0.0, index=[0, 1], columns=[*FEATURE_NAMES, "label"])
    rows.loc[1] = np.nan
    rows["gap_entropy"] = 1.0
    zeros, missing = loaded.transform(to_spark(spark, rows)).orderBy("row").collect()
    assert type(zeros["features"]).__name__ == "SparseVector"
    expected = cast(Any, loaded.stages[-1]).get_booster().inplace_predict(rows[list(FEATURE_NAMES)].to_numpy())
    assert zeros["probability"][1] == pytest.approx(expected[0], abs=1e-6)
    assert missing["probability"][1] == pytest.approx(expected[1], abs=1e-6)
    assert expected[0] != pytest.approx(expected[1], abs=1e-6)


def test_null_and_nan_score_alike(spark: SparkSession, loaded: PipelineModel, table: pd.DataFrame) -> None:
    nan = to_spark(spark, table[:50])
    both = nan.union(nan.replace(float("nan"), None))
    scores = [row["probability"][1] for row in loaded.transform(both).select("probability").collect()]
    assert scores[:50] == scores[50:]


def test_the_manifest_has_what_the_model_was_trained_on_and_how_good_it_is(artefact_folder: Path) -> None:
    manifest = json.loads((artefact_folder / MANIFEST).read_text())
    assert manifest["trained_on"]["blocks"][TRAIN]["sessions"] > 400
    assert manifest["test"]["review"]["precision"]["value"] > 0.8
    assert manifest["test"]["review"]["recall_by_family"].keys() == set(FAMILIES)
    assert manifest["baselines"]["model"] > max(manifest["baselines"]["plays"], 0.5)
    assert next(iter(manifest["gain"])) in ("gap_entropy", "artist_hhi")
    assert 0 < manifest["thresholds"]["review"] <= manifest["thresholds"]["filter"] <= 1


def test_the_reference_of_the_training_has_every_feature_and_the_score_and_is_trusted(artefact_folder: Path) -> None:
    manifest = json.loads((artefact_folder / MANIFEST).read_text())
    reference = read_reference(artefact_folder, manifest)
    assert list(reference.bins) == [*FEATURE_NAMES, "score"]
    blocks = manifest["trained_on"]["blocks"]
    unseen = [blocks[name]["sessions"] - blocks[name]["positives"] for name in (CALIBRATION, TEST)]
    assert 0 < reference.sessions <= sum(unseen)  # honest sessions that it was not fitted on


def test_the_card_is_rendered_from_the_manifest(artefact_folder: Path) -> None:
    manifest = json.loads((artefact_folder / MANIFEST).read_text())
    card = (artefact_folder / CARD).read_text()
    assert card == render_card(manifest)
    for text in (
        "Not for",
        "A false flag cuts an artist's pay",
        "not proof",
        f"{manifest['thresholds']['review']:.4f}",
    ):
        assert text in card


def test_the_shipped_card_is_rendered_from_the_shipped_manifest() -> None:
    card = render_card(json.loads((SHIPPED_SCORER / MANIFEST).read_text()))
    assert (SHIPPED_SCORER / CARD).read_text() == card, "write render_card(manifest) to the card again"


def test_a_table_too_small_for_three_blocks_is_refused_in_one_line(
    spark: SparkSession, table: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="block has no positive or no negative session"):
        train(spark, table[table["label"] == 0], tmp_path / "toy", seed=1, world="none", trees=SMALL)


def test_a_table_without_its_columns_is_refused_by_name(table: pd.DataFrame, tmp_path: Path) -> None:
    table.drop(columns=["gap_entropy", "cohort"]).to_parquet(tmp_path / "part.parquet")
    with pytest.raises(ModelError, match=r"lacks columns gap_entropy, cohort.* run  playproof model training-table"):
        read_training_table(tmp_path)


def test_a_missing_table_names_the_command_that_writes_it(tmp_path: Path, playproof: Playproof) -> None:
    code, _, err = playproof("model", "train", "--table", str(tmp_path / "none"))
    assert code == 1
    assert "playproof model training-table" in err
    assert err.count("\n") == 1


def test_the_assembler_keeps_rows_with_nulls(loaded: PipelineModel) -> None:
    assembler = loaded.stages[0]
    assert isinstance(assembler, VectorAssembler)
    assert assembler.getHandleInvalid() == "keep"
