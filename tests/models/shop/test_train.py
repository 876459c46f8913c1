"""Training the shop's model on a tiny table: an artefact that verifies and loads, and no feature made from truth."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.shop import CATEGORICAL_FEATURES, NUMERIC_FEATURES, SESSION_KEYS, SHOP_FEATURES
from models.errors import ModelError
from models.registry.artefact import ARTIFACTS, CARD, MANIFEST, MODEL_ZIP, sha256
from models.registry.champions import SHOP_CHAMPIONS
from models.registry.verify import verify_artefact
from models.shop.train import label_sessions, train

COLUMNS = tuple(column.name for column in (*SESSION_KEYS, *SHOP_FEATURES))


def sessions(n: int = 2400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and truth of sessions; every third is fraud, and has a failed payment more often."""
    rng = np.random.default_rng(3)
    is_fraud = np.arange(n) % 3 == 0
    table = pd.DataFrame({column.name: rng.integers(0, 9, n).astype(float) for column in NUMERIC_FEATURES})
    table["failed_payments"] = (rng.random(n) < np.where(is_fraud, 0.9, 0.05)).astype(float)
    for column in CATEGORICAL_FEATURES:
        table[column.name] = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, n)]
    table["session_id"] = [f"s{i}" for i in range(n)]
    table["customer_id"] = [f"c{i}" for i in range(n)]
    table["started_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 86_400, n), "s")
    family = np.where(is_fraud, "takeover", "honest")
    return table, pd.DataFrame({"session_id": table["session_id"], "family": family, "campaign_id": ""})


@pytest.fixture(scope="module")
def trained(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    features, truth = sessions()
    table = label_sessions(features, truth).assign(campaign_id=None)
    out = tmp_path_factory.mktemp("model") / "tiny"
    return out, train(spark, table, out, seed=1, command="playproof model train-shop", trees=2)


def test_the_artefact_verifies_and_the_loaded_model_predicts_at_the_threshold_of_its_manifest(
    spark: SparkSession, trained: tuple[Path, str], tmp_path: Path
) -> None:
    folder, manifest_sha256 = trained
    assert sha256((folder / MANIFEST).read_bytes()) == manifest_sha256
    artefact = verify_artefact(folder, tmp_path, manifest_sha256, columns=COLUMNS)
    features, _ = sessions()
    model = PipelineModel.load(str(artefact.path))
    scored = model.transform(spark.createDataFrame(features.head(200))).select(
        vector_to_array(F.col("probability"))[1].alias("score"), "prediction"
    )
    rows = scored.toPandas()
    assert set(rows["prediction"]) == {0.0, 1.0}
    assert ((rows["score"] > artefact.review_threshold) == (rows["prediction"] == 1)).all()


def test_the_card_has_the_command_and_held_out_results_with_intervals(trained: tuple[Path, str]) -> None:
    card = (trained[0] / CARD).read_text()
    assert "    playproof model train-shop\n" in card
    assert re.search(r"precision [01]\.\d{3} \[.+\], recall [01]\.\d{3} \[", card)
    assert "| takeover |" in card
    assert "failed_payments" in card


def test_truth_is_no_feature_and_a_session_without_truth_is_refused() -> None:
    assert not {"label", "family", "campaign_id", "session_id", "customer_id"} & {c.name for c in SHOP_FEATURES}
    features, truth = sessions(20)
    with pytest.raises(ModelError, match="1 sessions have no truth"):
        label_sessions(features, truth.head(19))


def test_the_model_that_ships_is_small_verifies_and_reads_what_a_session_has(tmp_path: Path) -> None:
    folder = ARTIFACTS / "shop_gbt"
    artefact = verify_artefact(folder, tmp_path, SHOP_CHAMPIONS["shop_gbt"], columns=COLUMNS)
    assert set(artefact.features) == {feature.name for feature in SHOP_FEATURES}
    assert (folder / MODEL_ZIP).stat().st_size < 500_000
    assert f"{artefact.review_threshold:.4f}" in (folder / CARD).read_text()
