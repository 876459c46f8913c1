"""Train the shop's model: StringIndexer, OneHotEncoder, VectorAssembler and GBTClassifier of MLlib.

Sessions keep their natural prevalence; nothing is resampled. Blocks differ in time and in customers and campaigns.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import GBTClassificationModel, GBTClassifier
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.labels import HONEST
from contracts.shop import CATEGORICAL_FEATURES, NUMERIC_FEATURES, SHOP_FEATURES
from models.errors import ModelError
from models.metrics.flags import FlagReport, measure_flags
from models.registry.archive import pack, read_members
from models.registry.artefact import CARD, MANIFEST, MODEL_ZIP, sha256
from models.registry.pipeline_zip import describe_pipeline
from models.shop.card import render_card
from models.training.splits import BLOCKS, CALIBRATION, TEST, TRAIN, assign_blocks
from models.training.thresholds import choose_thresholds

MAX_ITER, MAX_DEPTH = 40, 4
"""Trees and their depth: small, so that the zip stays far under 500 KB."""
LABEL = "label"


def build_pipeline(seed: int, trees: int = MAX_ITER) -> Pipeline:
    """Return the unfitted pipeline; values that training never saw are kept, in a category of their own."""
    names = [feature.name for feature in CATEGORICAL_FEATURES]
    indexed, encoded = [f"{name}_index" for name in names], [f"{name}_vector" for name in names]
    numbers = [feature.name for feature in NUMERIC_FEATURES]
    return Pipeline(
        stages=[
            StringIndexer(inputCols=names, outputCols=indexed, handleInvalid="keep"),
            OneHotEncoder(inputCols=indexed, outputCols=encoded, handleInvalid="keep"),
            VectorAssembler(inputCols=[*numbers, *encoded], outputCol="features", handleInvalid="keep"),
            GBTClassifier(labelCol=LABEL, maxIter=trees, maxDepth=MAX_DEPTH, stepSize=0.2, seed=seed),
        ]
    )


def label_sessions(features: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Join features with truth (session_id, family, campaign_id): adds label, family, campaign_id, user_id.

    Truth is used here and in the evaluation, and nowhere else. Raises ModelError where a session has no truth.
    """
    table = features.merge(truth[["session_id", "family", "campaign_id"]], on="session_id", how="left")
    unknown = int(table["family"].isna().sum())
    if unknown:
        raise ModelError(f"{unknown:,} sessions have no truth: train on simulated worlds")
    table = table.sort_values(["started_at", "session_id"], ignore_index=True)
    return table.assign(label=(table["family"] != HONEST).astype(float), user_id=table["customer_id"], cohort=None)


def train(
    spark: SparkSession, table: pd.DataFrame, out: Path, *, seed: int, command: str, trees: int = MAX_ITER
) -> str:
    """Train, choose the threshold, test, and write zip, manifest and card to `out`. Returns the manifest's SHA-256.

    `table`: see `label_sessions`. The saved model itself has the threshold, so its `prediction` is what is flagged.
    Raises ModelError where a block lacks one kind of label.
    """
    rng = np.random.default_rng(seed)
    block = assign_blocks(table, rng)
    blocks = {name: table[block == name] for name in BLOCKS}
    for name, rows in blocks.items():
        if rows[LABEL].nunique() < 2:
            raise ModelError(f"the {name} block has no fraud or nothing else: simulate more days or campaigns")
    model = build_pipeline(seed, trees).fit(_to_spark(spark, blocks[TRAIN]))
    thresholds = choose_thresholds(_score(spark, model, blocks[CALIBRATION]), rng)
    classifier = model.stages[-1]
    assert isinstance(classifier, GBTClassificationModel)
    # fraud is predicted where probability / threshold is the larger of the two: where its probability is over `review`
    classifier.setThresholds([1 - thresholds.review, thresholds.review])
    test = _score(spark, model, blocks[TEST])
    report = measure_flags(test.assign(is_flagged=test["prediction"] == 1), rng, tuple(sorted(set(table["family"]))))
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        model.save(saved.as_uri())
        pack(saved, out / MODEL_ZIP)
    manifest = _manifest(out, seed, command, blocks, {"review": thresholds.review, "filter": thresholds.filter}, report)
    manifest["importances"] = _importances(spark, model, blocks[TRAIN])
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def _to_spark(spark: SparkSession, table: pd.DataFrame) -> Any:
    numbers, texts = [f.name for f in NUMERIC_FEATURES], [f.name for f in CATEGORICAL_FEATURES]
    schema = ", ".join([*(f"{name} double" for name in [*numbers, LABEL]), *(f"{name} string" for name in texts)])
    columns = table[[*numbers, LABEL, *texts]].astype(dict.fromkeys([*numbers, LABEL], "float64"))
    return spark.createDataFrame(columns, schema).coalesce(1)


def _score(spark: SparkSession, model: PipelineModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with `score`, the probability of fraud, and `prediction`."""
    scored = model.transform(_to_spark(spark, table)).select(
        vector_to_array(F.col("probability"))[1].alias("score"), "prediction"
    )
    columns = scored.toPandas()
    return table.assign(score=columns["score"].to_numpy(), prediction=columns["prediction"].to_numpy())


def _importances(spark: SparkSession, model: PipelineModel, table: pd.DataFrame) -> dict[str, float]:
    """Return each feature's share of the trees' gain, largest first; the columns of one category are added up."""
    attributes = model.transform(_to_spark(spark, table.head(1))).schema["features"].metadata["ml_attr"]["attrs"]
    names = {entry["idx"]: entry["name"] for group in attributes.values() for entry in group}
    shares: dict[str, float] = {}
    values = model.stages[-1].featureImportances  # type: ignore[attr-defined]
    for index, share in zip(values.indices.tolist(), values.values.tolist(), strict=True):
        feature = next(
            f.name for f in SHOP_FEATURES if names[index] == f.name or names[index].startswith(f"{f.name}_vec")
        )
        shares[feature] = shares.get(feature, 0.0) + share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _manifest(
    out: Path,
    seed: int,
    command: str,
    blocks: Mapping[str, pd.DataFrame],
    thresholds: Mapping[str, float],
    report: FlagReport,
) -> dict[str, Any]:
    zipped = (out / MODEL_ZIP).read_bytes()
    members = read_members(MODEL_ZIP, zipped)
    return {
        "name": out.name,
        "model_zip_sha256": sha256(zipped),
        "files": {member: sha256(content) for member, content in members.items()},
        "features": list(describe_pipeline(MODEL_ZIP, members).inputs),
        "thresholds": dict(thresholds),
        "trained_on": {
            "command": command,
            "seed": seed,
            "blocks": {
                name: {
                    "sessions": len(rows),
                    "fraud": int(rows[LABEL].sum()),
                    "customers": int(rows["user_id"].nunique()),
                    "campaigns": int(rows["campaign_id"].nunique()),
                    "from": str(rows["started_at"].min()),
                    "to": str(rows["started_at"].max()),
                }
                for name, rows in blocks.items()
            },
        },
        "libraries": {library: version(library) for library in ("pyspark", "numpy", "pandas")},
        "test": report.as_dict(),
    }
