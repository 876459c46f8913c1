"""Train the session scorer: a PipelineModel of VectorAssembler and SparkXGBClassifier, packed as an artefact.

The sessions keep their natural prevalence; nothing is resampled.
"""

import json
import logging
import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pandas as pd
import xgboost as xgb
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.special import expit
from xgboost.spark import SparkXGBClassifier, SparkXGBClassifierModel

from contracts.features import FEATURE_NAMES
from models.drift.reference import REFERENCE, REFERENCE_HASH, build_reference, encode_reference
from models.errors import ModelError
from models.metrics.flags import WEIGHT, FlagReport, measure_flags
from models.registry.archive import pack
from models.registry.artefact import CARD, CONTRIBUTIONS, MANIFEST, MODEL_ZIP, sha256
from models.registry.source_patterns import without_unknown
from models.training.card import render_card
from models.training.manifest import HeldOutResults, TreeSettings, build_manifest, describe_blocks
from models.training.monotone import CONSTRAINTS
from models.training.source_patterns import choose_by_pattern, mask, with_masked_copies
from models.training.splits import BLOCKS, CALIBRATION, TEST, TRAIN, assign_blocks, split_odd
from models.training.table import forget_half_of_histories, forget_history
from models.training.thresholds import Thresholds
from runtime import jvm
from runtime.arrays import Floats

FROM_TRUTH = {"source": "truth"}
"""The manifest's entry `labels` for labels from the simulator's truth."""


def start_local_spark() -> SparkSession:
    """Start a Spark session for training on this machine: loopback, quiet, no Kafka. Raises JvmError."""
    jvm.use_own_spark(is_local=True)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
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


def to_spark(spark: SparkSession, table: pd.DataFrame) -> DataFrame:
    """Convert features, `label` and, where there is one, `weight` to Spark, with `row`, the row's position."""
    columns = table[[*FEATURE_NAMES, "label", *table.columns.intersection([WEIGHT])]].astype("float64")
    return spark.createDataFrame(columns.assign(row=np.arange(len(columns))))


def fit(spark: SparkSession, table: pd.DataFrame, trees: TreeSettings, seed: int) -> PipelineModel:
    """Fit the pipeline on labelled sessions: label 1 or 0, every feature, and `weight` where labels have one."""
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
        monotone_constraints=CONSTRAINTS,
    )
    # one partition in a fixed order: the same rows give the same trees (a barrier stage refuses coalesce)
    in_order = to_spark(spark, table).repartition(1).sortWithinPartitions("row")
    return Pipeline(stages=[assembler, classifier]).fit(in_order)


def score(spark: SparkSession, model: PipelineModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with column `score`: the probability of the positive class, as the stream computes it."""
    scored = model.transform(to_spark(spark, table)).select(vector_to_array(F.col("probability"))[1].alias("score"))
    return table.assign(score=scored.toPandas()["score"].to_numpy())


def score_source(model: PipelineModel, table: pd.DataFrame, unknown: Collection[str]) -> Floats:
    """Score sessions as those of a source that lacks some features: without what they contribute (n,)."""
    booster = cast(SparkXGBClassifierModel, model.stages[-1]).get_booster()
    values = mask(table, unknown)[list(FEATURE_NAMES)].to_numpy(dtype=np.float32)
    contributed = booster.predict(xgb.DMatrix(values, missing=np.nan), pred_contribs=True, validate_features=False)
    margin, _ = without_unknown(contributed.sum(axis=1, dtype=np.float64), contributed[:, :-1], FEATURE_NAMES, unknown)
    return expit(margin)


def train(
    spark: SparkSession,
    table: pd.DataFrame,
    out: Path,
    *,
    seed: int,
    world: str,
    trees: TreeSettings | None = None,
    labels: Mapping[str, Any] = FROM_TRUTH,
    odd: pd.DataFrame | None = None,
) -> str:
    """Train, choose thresholds, test, and write the artefact folder `out`. Returns the SHA-256 of its manifest.

    `table`: see `read_training_table`. `world` says where sessions come from, `labels` where labels come from.
    `odd`: sessions of worlds in which odd people are far commoner than they are. ODD_SHARE of the accounts are trained
    on; of the honest ones of the others each kind keeps to a bound of false alarms. No figure comes from these worlds.
    The same tables and seed give the same bytes. Raises ModelError where a block lacks one kind of label, or where an
    account is in both.
    """
    trees = trees or TreeSettings()
    rng = np.random.default_rng(seed)
    block = assign_blocks(table, rng)
    is_labelled = table["label"].notna()
    for name in BLOCKS:
        if table.loc[is_labelled & (block == name), "label"].nunique() < 2:
            raise ModelError(
                f"the {name} block has no positive or no negative session: more accounts, campaigns or days are needed"
            )
    learned, kinds = table[is_labelled & (block == TRAIN)], None
    if odd is not None:
        of_odd, kinds = split_odd(odd, table, rng)
        learned = pd.concat([learned.assign(**{WEIGHT: 1.0}), of_odd], ignore_index=True)
    training = with_masked_copies(forget_half_of_histories(learned, rng), rng)
    model = fit(spark, training, trees, seed)
    calibration, test = table[is_labelled & (block == CALIBRATION)], table[block == TEST]
    thresholds, patterns = choose_by_pattern(partial(score_source, model), calibration, test, rng, kinds)
    results = _test(spark, model, table, block == TEST, thresholds, rng)

    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        model.save(saved.as_uri())
        pack(saved, out / MODEL_ZIP)
    zipped = (out / MODEL_ZIP).read_bytes()
    gains = cast(SparkXGBClassifierModel, model.stages[-1]).get_feature_importances("total_gain")
    trained_on = describe_blocks(table, block, world, seed, odd)
    manifest = build_manifest(out.name, zipped, trees, thresholds, labels, trained_on, results, gains)
    manifest["source_patterns"] = patterns
    unseen = table[is_labelled & np.isin(block, (CALIBRATION, TEST))]
    reference = encode_reference(build_reference(unseen, FEATURE_NAMES, lambda rows: score_source(model, rows, ())))
    manifest[REFERENCE_HASH] = sha256(reference)
    (out / REFERENCE).write_bytes(reference)
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def _test(
    spark: SparkSession,
    model: PipelineModel,
    table: pd.DataFrame,
    is_test: np.ndarray,
    thresholds: Thresholds,
    rng: np.random.Generator,
) -> HeldOutResults:
    scored = score(spark, model, table[is_test])
    without_history = score(spark, model, forget_history(table[is_test]))
    families = tuple(table["family"].unique())  # a family that the test block lacks is listed too

    def measure(sessions: pd.DataFrame, threshold: float) -> FlagReport:
        return measure_flags(sessions.assign(is_flagged=sessions["score"] >= threshold), rng, families)

    return HeldOutResults(
        scored,
        review=measure(scored, thresholds.review),
        filter=measure(scored, thresholds.filter),
        without_history=measure(without_history, thresholds.review),
    )
