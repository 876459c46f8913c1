"""The training table without Spark: the columns that a model of one's own may read, and labels from truth."""

from pathlib import Path

import pandas as pd

from models.training.table import describe_worlds
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World
from spark_app.batch.training_table import build_in_process
from spark_app.stages.scoring.pipeline_model import MODEL_INPUT


def test_the_table_made_in_process_has_the_columns_of_the_one_that_spark_makes(tmp_path: Path) -> None:
    world = World(tmp_path / "w")
    build(load_scenario("sample"), world)
    build_in_process(world, tmp_path / "table")
    table = pd.read_parquet(tmp_path / "table" / "part.parquet")
    assert describe_worlds([tmp_path / "table"]) == "world w"
    left_out = {"track_counts", "client_session_ids", "scored_at"}
    assert {column.name for column in MODEL_INPUT} - left_out <= set(table.columns)
    assert not left_out & set(table.columns)
    assert set(table["plan"]) <= {"free", "premium", "family", "student"}
    assert table["label"].dropna().nunique() == 2
