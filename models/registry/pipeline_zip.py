"""A saved PipelineModel, described from the metadata in its zip before anything loads it.

To load a PipelineModel runs code that its metadata names. So nothing here imports pyspark, and a model with a class
that is not on the list (`stage_classes.py`), or with a metadata key that Python could run, never reaches a loader.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from models.errors import ModelError
from models.registry.stage_classes import (
    ALLOWED,
    ASSEMBLER,
    CLASSIFIERS,
    MLLIB,
    PIPELINES,
    TUNED,
    WHY_REFUSED,
    WITHOUT_PROBABILITY,
    XGBOOST,
    short_name,
)

METADATA_KEYS = {"class", "timestamp", "sparkVersion", "uid", "paramMap", "defaultParamMap"}
"""Keys that Python may read. XGBoost reads more: `serialized_callbacks` is a pickle that it runs."""
MAX_DEPTH = 3
"""Pipelines within pipelines, at most."""

_INPUTS = ("inputCol", "featuresCol", "base_margin_col")
_OUTPUTS = ("outputCol", "predictionCol", "probabilityCol", "rawPredictionCol", "leafCol", "pred_contrib_col")
_FAIL_AT_UNKNOWN = {ASSEMBLER, *(f"{MLLIB}feature.{name}" for name in ("StringIndexerModel", "Bucketizer"))}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as its metadata describes it. `params` are its own and, where it has none, its defaults."""

    class_name: str
    uid: str
    params: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Name for messages: its class and its uid."""
        return f"{short_name(self.class_name)} {self.uid}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns that it reads."""
        several = self.params.get("inputCols") or self.params.get("features_cols") or ()
        keys = _INPUTS[-1:] if several else _INPUTS  # XGBoost has a default featuresCol next to its features_cols
        return _names([*several, *(self.params.get(key) for key in keys)])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns that it adds."""
        return _names([*(self.params.get("outputCols") or ()), *(self.params.get(key) for key in _OUTPUTS)])


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a saved PipelineModel reads and gives."""

    stages: tuple[Stage, ...]
    """In their order; those of a pipeline within it are in its place."""
    inputs: tuple[str, ...]
    """Columns that a frame must have for `.transform`, in the order of their first use."""
    raw_prediction: str
    """Name of the column with one margin per class."""
    probability: str
    """Name of the column with one probability per class."""

    @property
    def is_assembled_trees(self) -> bool:
        """Whether it is a VectorAssembler and the trees of XGBoost."""
        return tuple(stage.class_name for stage in self.stages) == (ASSEMBLER, XGBOOST)

    @property
    def fails_at_unknown(self) -> tuple[str, ...]:
        """Stages that end the job at a value that they do not know, or that is missing."""
        return tuple(
            stage.label
            for stage in self.stages
            if stage.class_name in _FAIL_AT_UNKNOWN and stage.params.get("handleInvalid", "error") == "error"
        )


def describe_pipeline(label: str, members: Mapping[str, bytes]) -> Pipeline:
    """Describe the files of a zipped PipelineModel: see `archive.read_members`. `label` is for messages.

    Checks every class, every key that Python reads, and that the folders are those that the pipeline names. Raises
    ModelError where it may not be loaded, would drop rows, or gives no probability.
    """
    stages = tuple(_stages(label, members, "", 1))
    for stage in stages:
        if stage.params.get("handleInvalid") == "skip":
            raise ModelError(
                f"{label}: {stage.label} drops rows (handleInvalid='skip'), and what is dropped is never scored: "
                "set handleInvalid='keep', and save the model again"
            )
    classifiers = [stage for stage in stages if stage.class_name in CLASSIFIERS]
    if not classifiers:
        raise ModelError(
            f"{label}: no stage is a classifier, only {', '.join(s.label for s in stages)}: fit the pipeline with one "
            "as its last stage, and save it again"
        )
    last = classifiers[-1]
    columns = [last.params.get(key, key.removesuffix("Col")) for key in ("rawPredictionCol", "probabilityCol")]
    if last.class_name == WITHOUT_PROBABILITY or not all(columns):
        raise ModelError(
            f"{label}: {last.label} gives no probability column; use a classifier that does, such as "
            "LogisticRegression or GBTClassifier"
        )
    inputs = _inputs(stages)
    if not inputs:
        raise ModelError(f"{label}: no stage names a column that it reads")
    return Pipeline(stages, inputs, *columns)


def require_columns(label: str, pipeline: Pipeline, columns: Collection[str]) -> None:
    """Raise ModelError where a pipeline reads a column that the frame it gets does not have."""
    missing = [name for name in pipeline.inputs if name not in columns]
    if missing:
        raise ModelError(
            f"{label}: the model reads {', '.join(missing)}, which a session does not have; it has {len(columns)} "
            f"columns, {', '.join(islice(columns, 3))}, … (docs/guides/own-model.md): train the model on those"
        )


def _names(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


def _inputs(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    needed: dict[str, None] = {}
    added: set[str] = set()
    for stage in stages:
        needed |= dict.fromkeys(name for name in stage.inputs if name not in added)
        added.update(stage.outputs)
    return tuple(needed)


def _stages(label: str, members: Mapping[str, bytes], folder: str, depth: int) -> Iterator[Stage]:
    """Yield the stages below `folder` ("" or ending in a slash), after checking each."""
    top = _read_metadata(label, members, f"{folder}metadata")
    if top["class"] not in PIPELINES:
        raise ModelError(f"{label}: {_refusal(top['class'])}; expected a PipelineModel")
    if depth > MAX_DEPTH:
        raise ModelError(f"{label}: more than {MAX_DEPTH} pipelines within one another")
    uids = top["paramMap"].get("stageUids", [])
    if not uids or not all(isinstance(uid, str) and re.fullmatch(r"\w+", uid, re.ASCII) for uid in uids):
        raise ModelError(f"{label}: the pipeline's stage names are not plain words: {uids}")
    # the pipeline's reader joins these names to a path: a name with `..` would load a stage that nobody checked
    digits = len(str(len(uids)))
    expected = [f"{folder}stages/{i:0{digits}d}_{uid}" for i, uid in enumerate(uids)]
    count = folder.count("/") + 2
    below = f"{folder}stages/"
    folders = {"/".join(name.split("/")[:count]) for name in members if name.startswith(below)}
    if {*expected} != folders:
        raise ModelError(f"{label}: stages {sorted(folders)}, expected {sorted(expected)}")
    for path in expected:
        metadata = _read_metadata(label, members, f"{path}/metadata")
        if metadata["class"] in PIPELINES:
            yield from _stages(label, members, f"{path}/", depth + 1)
            continue
        yield _allowed_stage(label, metadata)


def _allowed_stage(label: str, metadata: Mapping[str, Any]) -> Stage:
    name = metadata["class"]
    if name not in ALLOWED:
        raise ModelError(f"{label}: {_refusal(name)}")
    return Stage(name, str(metadata.get("uid")), {**metadata.get("defaultParamMap", {}), **metadata["paramMap"]})


def _refusal(name: str) -> str:
    if short_name(name) in TUNED:
        return f"class {name} is not allowed: save its bestModel"
    why = WHY_REFUSED.get(short_name(name), "it is not on the list, models/registry/stage_classes.py")
    return f"class {name} is not allowed: {why}; save the pipeline without it (docs/guides/own-model.md)"


def _read_metadata(label: str, members: Mapping[str, bytes], folder: str) -> dict[str, Any]:
    parts = [name for name in members if name.startswith(f"{folder}/part-")]
    if len(parts) != 1:
        raise ModelError(f"{label}: {len(parts)} files in {folder}, expected one: is it a saved PipelineModel?")
    try:
        # as Spark reads it, in UTF-8
        metadata = json.loads(members[parts[0]].decode(), object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{label}: {parts[0]} is not JSON ({error})") from None
    is_stage = isinstance(metadata, dict) and isinstance(metadata.get("paramMap"), dict)
    if not is_stage or not isinstance(metadata.get("class"), str):
        raise ModelError(f"{label}: {parts[0]} is not the metadata of a stage")
    unexpected = sorted(set(metadata) - METADATA_KEYS)
    if unexpected and not metadata["class"].startswith(MLLIB):
        raise ModelError(f"{label}: unexpected key {', '.join(unexpected)} in {parts[0]}: it could run code")
    return metadata


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; of a key that is in it twice, Python reads the last value and the JVM another one."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is in it twice")
    return content
