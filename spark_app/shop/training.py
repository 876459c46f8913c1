"""The training table of the shop: sessions of simulated worlds by the steps of the stream, in batch, with truth."""

from collections.abc import Sequence

import pandas as pd
from pyspark.sql import SparkSession

from models.shop.train import label_sessions
from runtime.world import World, WorldError
from spark_app.shop.pipeline import batch_features

TRUTH = "sessions.csv"


def training_table(spark: SparkSession, worlds: Sequence[World]) -> pd.DataFrame:
    """Return the labelled sessions of all worlds. A customer or campaign of one world is none of another's.

    Raises WorldError where a world has no truth.
    """
    tables = []
    for world in worlds:
        features = batch_features(spark, world).drop("transaction_ids", "cart").toPandas()
        table = label_sessions(features, read_truth(world))
        table["user_id"] = f"{world.name}/" + table["user_id"]
        table["campaign_id"] = (f"{world.name}/" + table["campaign_id"]).where(table["campaign_id"] != "")
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def read_truth(world: World) -> pd.DataFrame:
    """Read which family each session of a simulated world is of. Raises WorldError where the world has no truth."""
    path = world.truth(TRUTH)
    if not path.exists():
        raise WorldError(
            f"world {world.name} has no truth: only a simulated shop has; run  "
            f"playproof simulate --scenario shop --world {world.name}"
        )
    return pd.read_csv(path, dtype=str, keep_default_na=False)
