"""A saved PipelineModel of somebody's own: what may be loaded, what it reads, and one line for everything else."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelError
from models.registry.artefact import Artefact, sha256
from models.registry.stage_classes import ASSEMBLER, MLLIB, PIPELINES, XGBOOST
from models.registry.verify import DEFAULT_REVIEW, verify_artefact
from tests.conftest import Playproof
from tests.models.conftest import metadata

INDEXER = f"{MLLIB}feature.StringIndexerModel"
TREES = f"{MLLIB}classification.GBTClassificationModel"
JVM_PIPELINE = PIPELINES[1]

Stage = dict[str, Any]


def stage(class_name: str, uid: str, **params: Any) -> Stage:
    """Return a stage's metadata, with MLlib's defaults where a test gives no value."""
    defaults = {"handleInvalid": "keep", "featuresCol": "features"} | (
        {"probabilityCol": "probability", "rawPredictionCol": "rawPrediction", "predictionCol": "prediction"}
        if "Classif" in class_name or "LinearSVC" in class_name
        else {"outputCol": f"{uid}__output"}
    )
    return metadata(class_name, uid, **params) | {"defaultParamMap": defaults}


def index_of_plan(**params: Any) -> Stage:
    return stage(INDEXER, "indexer_1", inputCol="plan", outputCol="plan_index", featuresCol=None, **params)


def assembler(*names: str, **params: Any) -> Stage:
    return stage(ASSEMBLER, "assembler_2", inputCols=list(names), outputCol="features", **params)


def files_of(*stages: Stage | dict[str, bytes], below: str = "") -> dict[str, bytes]:
    """Return the files of a pipeline as Spark lays them out; a stage that is itself files is a pipeline within it."""
    uids = [str(s.get("uid", f"PipelineModel_{n}")) for n, s in enumerate(stages)]
    top = metadata(JVM_PIPELINE, "PipelineModel_0", stageUids=uids)
    files = {f"{below}metadata/part-00000": json.dumps(top).encode(), f"{below}metadata/_SUCCESS": b""}
    for number, (uid, one) in enumerate(zip(uids, stages, strict=True)):
        folder = f"{below}stages/{number}_{uid}/"
        if "uid" in one:
            files[f"{folder}metadata/part-00000"] = json.dumps(one).encode()
            files[f"{folder}data/part-00000-6f1c-c000.snappy.parquet"] = b"PAR1"
        else:
            files |= {f"{folder}{name}": content for name, content in one.items()}
    return files


def zip_of(folder: Path, files: dict[str, bytes], top: str = "my_ML_model/") -> Path:
    path = folder / "my model-v2.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(top + name, content)
    return path


def verify(folder: Path, files: dict[str, bytes], top: str = "my_ML_model/", **options: Any) -> Artefact:
    path = zip_of(folder, files, top)
    (folder / "into").mkdir(exist_ok=True)
    return verify_artefact(path, folder / "into", sha256(path.read_bytes()), **options)


def refusal(folder: Path, files: dict[str, bytes], **options: Any) -> str:
    before = [*folder.glob("into/*")]
    with pytest.raises(ModelError) as caught:
        verify(folder, files, **options)
    assert "\n" not in str(caught.value)
    assert [*folder.glob("into/*")] == before
    return str(caught.value)


GOOD = (index_of_plan(), assembler("plan_index", "plays", "streams"), stage(TREES, "gbt_3"))


@pytest.mark.parametrize("top", ["", "my_ML_model/", "content/drive/my_ML_model/"])
def test_a_pipeline_of_mllib_is_unpacked_wherever_it_is_in_the_zip(tmp_path: Path, top: str) -> None:
    artefact = verify(tmp_path, files_of(*GOOD), top)
    assert artefact.version == f"my_model_v2@{sha256((tmp_path / 'my model-v2.zip').read_bytes())[:8]}"
    assert artefact.pipeline.inputs == ("plan", "plays", "streams"), "not what an earlier stage adds"
    assert (artefact.pipeline.probability, artefact.review_threshold) == ("probability", DEFAULT_REVIEW)
    assert not artefact.has_direct_trees
    assert (artefact.path / "stages" / "2_gbt_3" / "data" / "part-00000-6f1c-c000.snappy.parquet").exists()


def test_what_the_finder_of_a_mac_adds_is_left_out(tmp_path: Path) -> None:
    extra = {"__MACOSX/._metadata": b"x", ".DS_Store": b"x", "stages/.DS_Store": b"x"}
    artefact = verify(tmp_path, files_of(*GOOD) | extra, "")
    assert sorted(path.name for path in artefact.path.iterdir()) == ["metadata", "stages"]


def test_a_pipeline_within_a_pipeline_counts_as_its_stages(tmp_path: Path) -> None:
    artefact = verify(tmp_path, files_of(files_of(*GOOD[:2]), GOOD[2]))
    assert [s.class_name for s in artefact.pipeline.stages] == [INDEXER, ASSEMBLER, TREES]
    inner = files_of(index_of_plan() | {"class": "os.system"})
    assert "class os.system is not allowed" in refusal(tmp_path, files_of(inner, GOOD[2]))


def test_a_threshold_of_the_users_replaces_the_default(tmp_path: Path) -> None:
    artefact = verify(tmp_path, files_of(*GOOD), threshold=0.995)
    assert (artefact.review_threshold, artefact.filter_threshold) == (0.995, 0.995)
    (tmp_path / "other" / "into").mkdir(parents=True)
    assert "thresholds must be" in refusal(tmp_path / "other", files_of(*GOOD), threshold=1.5)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((stage(f"{MLLIB}feature.SQLTransformer", "sql"), *GOOD), "it runs SQL of its own"),
        (
            (stage(f"{MLLIB}tuning.CrossValidatorModel", "cv"),),
            "CrossValidatorModel is not allowed: save its bestModel",
        ),
        ((stage("org.evil.Stage", "x"), *GOOD), "class org.evil.Stage is not allowed: it is not on the list, models/"),
        ((index_of_plan(handleInvalid="skip"), *GOOD[1:]), "StringIndexerModel indexer_1 drops rows"),
        (GOOD[:2], "no stage is a classifier"),
        ((*GOOD[:2], stage(f"{MLLIB}classification.LinearSVCModel", "svc")), "gives no probability column"),
        ((*GOOD[:2], stage(TREES, "gbt_3", probabilityCol="")), "gives no probability column"),
        ((assembler("total_amount", "plays"), GOOD[2]), "the model reads total_amount, which a session does not have"),
        ((assembler(), stage(TREES, "gbt_3")), "which a session does not have"),
        ((*GOOD[:2], metadata(XGBOOST, "xgb") | {"serialized_callbacks": "gASV"}), "serialized_callbacks"),
    ],
)
def test_a_pipeline_that_cannot_score_is_refused_with_the_reason(
    tmp_path: Path, stages: tuple[Stage, ...], expected: str
) -> None:
    assert expected in refusal(tmp_path, files_of(*stages))


def test_the_columns_may_be_those_of_another_frame(tmp_path: Path) -> None:
    stages = files_of(assembler("total_amount"), GOOD[2])
    assert verify(tmp_path, stages, columns=["total_amount"]).pipeline.inputs == ("total_amount",)


def test_a_key_that_is_there_twice_is_refused_as_python_and_java_read_different_ones(tmp_path: Path) -> None:
    files = files_of(*GOOD)
    name = "stages/2_gbt_3/metadata/part-00000"
    files[name] = b'{"class": "org.evil.Stage", ' + files[name][1:]
    assert "a key is in it twice" in refusal(tmp_path, files)


def test_a_zip_without_metadata_is_refused(tmp_path: Path) -> None:
    files = {name: content for name, content in files_of(*GOOD).items() if not name.startswith("metadata")}
    assert "no metadata/part-… in it, expected the zip of a saved PipelineModel" in refusal(tmp_path, files)


def test_a_search_saved_as_a_whole_is_refused_with_what_to_save(tmp_path: Path) -> None:
    files = files_of(*GOOD)
    files["metadata/part-00000"] = json.dumps(stage(f"{MLLIB}tuning.CrossValidatorModel", "cv")).encode()
    line = refusal(tmp_path, files)
    assert line.endswith("CrossValidatorModel is not allowed: save its bestModel; expected a PipelineModel")


def test_stages_that_stop_at_an_unknown_value_are_named(tmp_path: Path) -> None:
    strict = (index_of_plan(handleInvalid="error"), assembler("plays", handleInvalid="error"), GOOD[2])
    assert verify(tmp_path, files_of(*strict)).pipeline.fails_at_unknown == (
        "StringIndexerModel indexer_1",
        "VectorAssembler assembler_2",
    )
    assert verify(tmp_path, files_of(*GOOD)).pipeline.fails_at_unknown == ()


def test_the_command_says_in_one_line_what_to_do(tmp_path: Path, playproof: Playproof) -> None:
    path = zip_of(tmp_path, files_of(*GOOD))
    version = f"my_model_v2@{sha256(path.read_bytes())[:8]}"
    verified = playproof("model", "verify", "--model", str(path), "--sha256", sha256(path.read_bytes()).upper())
    assert verified.out == f"{version}: verified; review at 0.5000, filter at 0.9900\n"
    assert (
        "give the hash you trust, --sha256;  sha256sum 'my model-v2.zip'  prints it"
        in playproof("model", "verify", "--model", str(path)).error
    )
    assert (
        "'abc' is not a SHA-256: expected 64"
        in playproof("model", "verify", "--model", str(path), "--sha256", "abc").error
    )
    assert (
        "is not the file that is trusted: SHA-256"
        in playproof("model", "verify", "--model", str(path), "--sha256", "0" * 64).error
    )
    line = playproof("model", "verify", "--model", str(tmp_path / "none.zip"), "--sha256", "0" * 64).error
    assert "none.zip: expected the zip of a saved PipelineModel" in line
    (tmp_path / "my_model" / "metadata").mkdir(parents=True)
    line = playproof("model", "verify", "--model", str(tmp_path / "my_model"), "--sha256", "0" * 64).error
    assert "is the folder of a PipelineModel, expected its zip: run  cd" in line
