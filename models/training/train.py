"""Train the session scorer: a PipelineModel of VectorAssembler and SparkXGBClassifier, packed as an artefact.

The training table is written by `playproof model training-table` with the stages that the stream runs, so training
and serving cannot drift. Labels are natural prevalence; nothing is resampled.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from xgboost.spark import SparkXGBClassifier, SparkXGBClassifierModel

from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES
from models.errors import ModelError
from models.metrics.flags import WEIGHT, average_precision, report
from models.registry.archive import pack, read_members
from models.registry.artefact import CARD, CONTRIBUTIONS, MANIFEST, MODEL_ZIP, sha256
from models.training.card import render
from models.training.splits import BLOCKS, CALIBRATION, SHARES, TEST, TRAIN, split
from models.training.thresholds import REVIEW_BETA, choose
from runtime import jvm

LABEL_COLUMNS = ("user_id", "campaign_id", "family", "cohort", "label", "started_at")
FROM_TRUTH = {"source": "truth"}
"""What a manifest says of labels that the simulator gave."""
BASELINES = {"plays": 1, "gap_entropy": -1}
"""One-feature scores to beat, with the direction that is suspicious."""
WITHOUT_HISTORY = 0.5
"""Share of the training accounts whose own history is forgotten."""
LIBRARIES = ("pyspark", "xgboost-cpu", "scikit-learn", "numpy", "pandas")


@dataclass(frozen=True, slots=True)
class Trees:
    """Size of the forest. Contributions cost leaves × depth²: on noise, the worst case, 10,000 sessions/s a core with
    100 trees of depth 3, and 900 with 200 of depth 5."""

    n_estimators: int = 100
    max_depth: int = 3
    learning_rate: float = 0.2
    min_child_weight: float = 2.0


def local_session() -> SparkSession:
    """Start a Spark for training on this machine: loopback, quiet, no Kafka. Raises JvmError."""
    os.environ["JAVA_HOME"] = str(jvm.find_java())
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = {
        "spark.master": "local[2]",
        "spark.app.name": "playproof-train",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read_table(folder: Path) -> pd.DataFrame:
    """Read a training table. Raises ModelError where it is missing or lacks columns."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ModelError(
            f"no training table in {folder.name}: run  playproof model training-table --world train --out {folder}"
        )
    table = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    missing = [name for name in (*FEATURE_NAMES, *LABEL_COLUMNS) if name not in table]
    if missing:
        raise ModelError(f"training table {folder.name} lacks columns {', '.join(missing)}: write it anew")
    return table.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)


def to_spark(spark: SparkSession, table: pd.DataFrame) -> DataFrame:
    """Hand the features, `label` and, where labels have one, `weight` to Spark, with `row`, the place in the table."""
    columns = table[[*FEATURE_NAMES, "label", *table.columns.intersection([WEIGHT])]].astype("float64")
    return spark.createDataFrame(columns.assign(row=np.arange(len(columns))))


def fit(spark: SparkSession, table: pd.DataFrame, trees: Trees, seed: int) -> PipelineModel:
    """Fit the pipeline on labelled rows."""
    # XGBoost logs each fit and each scored batch at INFO
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    assembler = VectorAssembler(inputCols=list(FEATURE_NAMES), outputCol="features", handleInvalid="keep")
    classifier = SparkXGBClassifier(
        features_col="features",
        label_col="label",
        **({"weight_col": WEIGHT} if WEIGHT in table else {}),
        pred_contrib_col=CONTRIBUTIONS,
        # the assembler stores rows with many zeros sparsely; with this on, their zeros would be read as missing
        enable_sparse_data_optim=False,
        missing=float("nan"),
        device="cpu",
        num_workers=1,
        tree_method="hist",
        random_state=seed,
        verbose=False,
        verbosity=0,
        n_estimators=trees.n_estimators,
        max_depth=trees.max_depth,
        learning_rate=trees.learning_rate,
        min_child_weight=trees.min_child_weight,
    )
    # one partition in a fixed order: the same rows give the same trees (a barrier stage refuses coalesce)
    in_order = to_spark(spark, table).repartition(1).sortWithinPartitions("row")
    return Pipeline(stages=[assembler, classifier]).fit(in_order)


def score(spark: SparkSession, model: PipelineModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `score`: the probability of the positive class, as the stream computes it."""
    scored = model.transform(to_spark(spark, table)).select(vector_to_array(F.col("probability"))[1].alias("score"))
    return table.assign(score=scored.toPandas()["score"].to_numpy())


def train(
    spark: SparkSession,
    table: pd.DataFrame,
    out: Path,
    *,
    seed: int,
    world: str,
    trees: Trees | None = None,
    labels: Mapping[str, Any] = FROM_TRUTH,
) -> str:
    """Train, choose thresholds, test, and write the artefact folder `out`. Returns the SHA-256 of its manifest.

    `world` says where the data came from, with its seed; `labels` who labelled it. The same table and seed give the
    same bytes.
    """
    trees = trees or Trees()
    rng = np.random.default_rng(seed)
    block = split(table, rng)
    is_labelled = table["label"].notna()
    for name in BLOCKS:
        if table.loc[is_labelled & (block == name), "label"].nunique() < 2:
            raise ModelError(
                f"the {name} block has no positive or no negative session: more accounts, campaigns or days are needed"
            )
    model = fit(spark, half_without_history(table[is_labelled & (block == TRAIN)], rng), trees, seed)
    thresholds = choose(score(spark, model, table[is_labelled & (block == CALIBRATION)]), rng)
    tested = score(spark, model, table[block == TEST])
    unknown = score(spark, model, without_history(table[block == TEST]))
    families = tuple(table["family"].unique())  # one that the test block lacks is listed, and said to be lacking
    at_review, at_filter = (
        report(tested.assign(is_flagged=tested["score"] >= threshold), rng, families)
        for threshold in (thresholds.review, thresholds.filter)
    )
    fresh = report(unknown.assign(is_flagged=unknown["score"] >= thresholds.review), rng, families)

    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        model.save(saved.as_uri())
        pack(saved, out / MODEL_ZIP)
    zipped = (out / MODEL_ZIP).read_bytes()
    manifest = {
        "name": out.name,
        "model_zip_sha256": sha256(zipped),
        "files": {name: sha256(content) for name, content in read_members(MODEL_ZIP, zipped).items()},
        "features": list(FEATURE_NAMES),
        "thresholds": {"review": thresholds.review, "filter": thresholds.filter},
        "thresholds_chosen": {
            "on": CALIBRATION,
            "review": f"highest F{REVIEW_BETA}",
            "filter_precision": thresholds.filter_precision.as_dict(),
            "is_filter_proven": thresholds.is_filter_proven,
        },
        "labels": dict(labels),
        "trained_on": _description(table, block, world, seed),
        "trees": {name: getattr(trees, name) for name in trees.__dataclass_fields__},
        "libraries": {name: version(name) for name in LIBRARIES},
        "test": {"review": at_review.as_dict(), "filter": at_filter.as_dict()},
        "without_own_history": {name: fresh.as_dict()[name] for name in ("average_precision", "precision", "recall")},
        "baselines": _baselines(tested),
        "gain": _gain(model),
    }
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render(manifest))
    return sha256(content)


def without_history(table: pd.DataFrame) -> pd.DataFrame:
    """Forget own histories, as in a world where no table of them was made yet."""
    return table.assign(**dict.fromkeys(OWN_HISTORY_FEATURES, np.nan))


def half_without_history(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Forget the own history of half of the accounts.

    A model that had always seen one would take its absence, which a fresh world has everywhere, for a sign of a bot.
    """
    users = np.sort(table["user_id"].unique())
    forgotten = table["user_id"].isin(users[rng.random(len(users)) < WITHOUT_HISTORY])
    return table.assign(**{name: table[name].mask(forgotten) for name in OWN_HISTORY_FEATURES})


def _description(table: pd.DataFrame, block: np.ndarray, world: str, seed: int) -> dict[str, Any]:
    """Say what each block holds."""
    blocks = {}
    for name in BLOCKS:
        rows = table[block == name]
        blocks[name] = {
            "sessions": len(rows),
            "positives": int((rows["label"] == 1).sum()),
            "mixed": int(rows["label"].isna().sum()),
            "accounts": int(rows["user_id"].nunique()),
            "campaigns": int(rows.loc[rows["label"] == 1, "campaign_id"].nunique()),
            "from": str(rows["started_at"].min()),
            "to": str(rows["started_at"].max()),
        }
    return {"world": world, "seed": seed, "sessions": len(table), "shares": list(SHARES), "blocks": blocks}


def _baselines(tested: pd.DataFrame) -> dict[str, float | None]:
    """Return the average precision of the model and of each one-feature score; not measurable is not suspicious."""
    known = tested[tested["label"].notna()]
    scores = {name: (sign * known[name]).fillna(-np.inf) for name, sign in BASELINES.items()}
    ranked = {name: values.rank() for name, values in {"model": known["score"], **scores}.items()}
    return {name: average_precision(known["label"], values, known.get(WEIGHT)) for name, values in ranked.items()}


def _gain(model: PipelineModel) -> dict[str, float]:
    """Return each used feature's share of the total gain, largest first."""
    gains = cast(SparkXGBClassifierModel, model.stages[-1]).get_feature_importances("total_gain")
    total = sum(gains.values())
    named = {FEATURE_NAMES[int(key[1:])]: value / total for key, value in gains.items()}
    return dict(sorted(named.items(), key=lambda item: -item[1]))
