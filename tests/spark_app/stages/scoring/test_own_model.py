"""The recipe of docs/guides/own-model.md, run as it is written, and what its zip predicts."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from contracts.features import FEATURE_NAMES
from contracts.tables import SESSIONS, ddl
from models.errors import ModelError
from models.registry.artefact import SHIPPED_SCORER, Artefact
from models.registry.verify import verify_artefact
from models.training.table import write_training_table
from runtime.resources import CODE
from spark_app.pipeline import score_sessions
from spark_app.stages.scoring import load
from spark_app.stages.scoring.pipeline_model import PipelineScorer, load_pipeline
from spark_app.stages.scoring.score import SessionScorer, load_trees
from tests.spark_app.items import did, heard, input_batch

REVIEW = 0.4
GUIDE = CODE / "docs" / "guides" / "own-model.md"


def training_table() -> pd.DataFrame:
    """Sessions of the free plan with more than 50 plays are bots; a tenth of the values is not measurable."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.uniform(0, 100, (300, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    table["plan"] = rng.choice(["free", "premium"], 300)
    table["label"] = ((table["plays"] > 50) & (table["plan"] == "free")).astype(float)
    table["started_at"] = pd.Timestamp("2026-03-01T12:00:00") + pd.to_timedelta(np.arange(300), unit="s")
    table.loc[:4, "label"] = None
    return table.mask(
        pd.DataFrame(rng.random(table.shape) < 0.1, columns=table.columns).assign(plays=False, label=False)
    )


@pytest.fixture(scope="module")
def zipped(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the lines of the recipe, with folders of this test and the session of the tests."""
    folder = tmp_path_factory.mktemp("own model")
    write_training_table(training_table(), folder, "train")
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    code = code.replace('"data/train/table"', repr(str(folder))).replace('"my_model"', repr(str(folder / "my_model")))
    code = re.sub(r"^spark = .*$", "", code, flags=re.MULTILINE)
    exec(compile(code, str(GUIDE), "exec"), {"spark": spark})
    return folder / "my_model.zip"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def artefact(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return verify_artefact(zipped, tmp_path_factory.mktemp("unpacked"), sha256(zipped), threshold=REVIEW)


def sessions() -> pa.RecordBatch:
    """A session of 1 play and one of 80 plays, on the free plan."""
    many = [heard(31 * i, 31, f"t{i % 3}") for i in range(80)]
    return input_batch([did("search", 0), heard(0, 40)], many, plan="free")


def test_the_recipe_scores_sessions_by_transform_with_the_columns_of_the_contract(
    spark: SparkSession, artefact: Artefact
) -> None:
    scorer = load.load_scorer(artefact)
    assert isinstance(scorer, PipelineScorer)
    frame = spark.createDataFrame(pa.Table.from_batches([sessions()]))
    scored = score_sessions(frame, ["n_ips"], scorer)
    assert scored.schema.simpleString() == StructType.fromDDL(ddl(SESSIONS)).simpleString()
    few, many = sorted(scored.collect(), key=lambda row: row["plays"])
    for row in (few, many):
        assert row["score"] == row["probability"][1]
        assert row["is_flagged"] == (row["score"] >= REVIEW) == bool(row["prediction"])
        assert (row["reasons"], row["n_ips"]) == (None, None)
        assert row["model_version"] == artefact.version
    assert many["score"] > 0.5 > few["score"], "what the model learnt"


def test_the_recipe_scores_a_stream_as_it_scores_a_table(
    spark: SparkSession, artefact: Artefact, tmp_path: Path
) -> None:
    scorer = load.load_scorer(artefact)
    frame = spark.createDataFrame(pa.Table.from_batches([sessions()]))
    frame.write.parquet(str(tmp_path / "in"))
    streamed = spark.readStream.schema(frame.schema).parquet(str(tmp_path / "in"))
    writer = score_sessions(streamed, [], scorer).writeStream.option("checkpointLocation", str(tmp_path / "checkpoint"))
    writer.trigger(availableNow=True).start(str(tmp_path / "out")).awaitTermination()
    columns = ["session_key", "score", "is_flagged", "rawPrediction"]
    in_batch, in_stream = (
        scored.select(*columns).orderBy("session_key").collect()
        for scored in (score_sessions(frame, [], scorer), spark.read.parquet(str(tmp_path / "out")))
    )
    assert in_stream == in_batch
    assert len(in_stream) == 2


class NoNumber:
    """A model that has no answer for a missing value."""

    def transform(self, frame: DataFrame) -> DataFrame:
        vector = array_to_vector(F.array(F.lit(float("nan")), F.lit(float("nan"))))
        return frame.withColumns({"rawPrediction": vector, "probability": vector})


def test_a_session_without_a_number_is_no_flag_but_ends_the_query_by_name(
    spark: SparkSession, artefact: Artefact
) -> None:
    frame = spark.createDataFrame(pa.Table.from_batches([sessions()]))
    scored = score_sessions(frame, [], PipelineScorer(cast(PipelineModel, NoNumber()), artefact))
    with pytest.raises(PySparkException, match=f"{artefact.version} gives no probability for session u1:"):
        scored.collect()


def test_the_trees_that_are_called_directly_give_what_transform_gives(spark: SparkSession, tmp_path: Path) -> None:
    shipped = verify_artefact(SHIPPED_SCORER, tmp_path)
    direct = load.load_scorer(shipped)
    assert isinstance(direct, SessionScorer)
    assert load.scoring_message(shipped).startswith(f"{shipped.version}: its trees are called directly")
    frame = spark.createDataFrame(pa.Table.from_batches([sessions()]))
    by_transform = PipelineScorer(load_pipeline(shipped), shipped)
    ways = [score_sessions(frame, [], scorer).orderBy("plays").collect() for scorer in (direct, by_transform)]
    for mine, its in zip(*ways, strict=True):
        assert mine["score"] == pytest.approx(its["score"], abs=1e-6)
        assert mine["rawPrediction"] == pytest.approx(its["rawPrediction"], abs=1e-5)
        assert mine["is_flagged"] == its["is_flagged"]


def test_a_pipeline_that_is_not_assembled_trees_cannot_be_called_directly(artefact: Artefact) -> None:
    with pytest.raises(ModelError, match="runs with --model only"):
        load_trees(artefact)


def test_files_that_spark_cannot_read_are_one_line(artefact: Artefact, spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{artefact.version} does not load: ") as caught:
        load_pipeline(replace(artefact, path=tmp_path / "empty"))
    assert "\n" not in str(caught.value)
