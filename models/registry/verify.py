"""Verify a session scorer before anything loads it: its hashes, its layout, its classes, its features.

To load a PipelineModel runs code that its metadata names. So nothing here imports pyspark, and a model with a class or
a metadata key that is not on the list never reaches a loader.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from contracts.features import FEATURE_NAMES
from models.errors import ModelError
from models.registry.archive import read_members, write_members
from models.registry.artefact import MANIFEST, MODEL_ZIP, Artefact, read_manifest, read_trusted, sha256
from models.registry.champions import CHAMPIONS

PIPELINE = "pyspark.ml.pipeline.PipelineModel"
ASSEMBLER = "org.apache.spark.ml.feature.VectorAssembler"
STAGE_CLASSES = (ASSEMBLER, "xgboost.spark.estimator.SparkXGBClassifierModel")
"""Classes of the stages that may be loaded."""
METADATA_KEYS = {"class", "timestamp", "sparkVersion", "uid", "paramMap", "defaultParamMap"}
"""Keys that Spark writes for a stage. XGBoost reads more keys; `serialized_callbacks` is a pickle that it runs."""

DEFAULT_REVIEW, DEFAULT_FILTER = 0.5, 0.99
"""Thresholds of a zip without a manifest."""

_REQUIRED = {"name": str, "model_zip_sha256": str, "files": dict, "features": list, "thresholds": dict}


def verify_artefact(model: Path, into: Path, trusted_sha256: str | None = None) -> Artefact:
    """Verify an artefact folder, or a zipped PipelineModel, and unpack it below `into`.

    `trusted_sha256` is the hash of the folder's manifest.json, or of the zip. Without it the folder must be one of
    CHAMPIONS. Nothing is written before all checks have passed. Raises ModelError.
    """
    trusted = trusted_sha256 or CHAMPIONS.get(model.name)
    if trusted is None:
        raise ModelError(
            f"model {model.name} is not a champion (models/registry/champions.py): give the hash you trust, --sha256"
        )
    if model.is_dir():
        manifest = read_manifest(model / MANIFEST, trusted, _REQUIRED)
        archive, zip_sha256 = model / MODEL_ZIP, manifest["model_zip_sha256"]
    else:
        manifest = {"name": model.stem, "thresholds": {"review": DEFAULT_REVIEW, "filter": DEFAULT_FILTER}}
        archive, zip_sha256 = model, trusted
    label = f"{archive.parent.name}/{archive.name}"
    members = read_members(label, read_trusted(archive, zip_sha256))
    if "files" in manifest:
        _check_files(label, members, manifest["files"])
    features = _assembler_features(label, _check_stages(label, members))
    if manifest.setdefault("features", features) != features:
        raise ModelError(
            f"{manifest['name']}: the manifest's features {manifest['features']} are not those its model was trained "
            f"on, in their order: {features}; run  make train"
        )
    review, filter_ = _thresholds(manifest)
    version = f"{manifest['name']}@{trusted[:8]}"
    path = into / version.replace("@", "-")
    shutil.rmtree(path, ignore_errors=True)
    write_members(members, path)
    return Artefact(path, tuple(features), review, filter_, version, manifest)


def _thresholds(manifest: dict[str, Any]) -> tuple[float, float]:
    try:
        review, filter_ = (float(manifest["thresholds"][key]) for key in ("review", "filter"))
    except (KeyError, TypeError, ValueError):
        raise ModelError(f"{manifest['name']}: thresholds must have the numbers review and filter") from None
    if not 0 < review <= filter_ <= 1:
        raise ModelError(f"{manifest['name']}: thresholds must be 0 < review <= filter <= 1, not {review}, {filter_}")
    return review, filter_


def _check_files(label: str, members: dict[str, bytes], listed: dict[str, str]) -> None:
    if set(members) != set(listed):
        odd = ", ".join(sorted(set(members) ^ set(listed)))
        raise ModelError(f"{label} and its manifest list different files: {odd}")
    for name, content in members.items():
        if sha256(content) != listed[name]:
            raise ModelError(f"{label}: {name} differs from its hash in the manifest")


def _check_stages(label: str, members: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the metadata of the stages, after checking every class, every key and the stage folders.

    The folders must be exactly those that the pipeline names.
    """
    top = _read_metadata(label, members, "metadata", (PIPELINE,))
    uids = top["paramMap"].get("stageUids", [])
    if not uids or not all(isinstance(uid, str) and re.fullmatch(r"\w+", uid) for uid in uids):
        raise ModelError(f"{label}: the pipeline's stage names are not plain words: {uids}")
    # the pipeline's reader joins these names to a path: a name with `..` would load a stage that nobody checked
    digits = len(str(len(uids)))
    expected = {f"stages/{i:0{digits}d}_{uid}" for i, uid in enumerate(uids)}
    folders = {"/".join(name.split("/")[:2]) for name in members if name.startswith("stages/")}
    if expected != folders:
        raise ModelError(f"{label}: stages {sorted(folders)}, expected {sorted(expected)}")
    return [_read_metadata(label, members, f"{folder}/metadata", STAGE_CLASSES) for folder in sorted(expected)]


def _assembler_features(label: str, stages: list[dict[str, Any]]) -> list[str]:
    """Return the features that the model was trained on, in its order: some or all of contracts.features."""
    assemblers = [stage["paramMap"] for stage in stages if stage["class"] == ASSEMBLER]
    if len(assemblers) != 1:
        raise ModelError(f"{label}: {len(assemblers)} VectorAssembler stages, expected one")
    names = assemblers[0].get("inputCols")
    if not isinstance(names, list) or not names:
        raise ModelError(f"{label}: the assembler names no features")
    unknown = sorted({name for name in names if name not in FEATURE_NAMES})
    if unknown or len(set(names)) < len(names):
        raise ModelError(
            f"{label}: the assembler's features are not contracts.features, each once: unknown {unknown}; "
            "run  make train"
        )
    return names


def _read_metadata(label: str, members: dict[str, bytes], folder: str, classes: tuple[str, ...]) -> dict[str, Any]:
    parts = [name for name in members if name.startswith(f"{folder}/part-")]
    if len(parts) != 1:
        raise ModelError(f"{label}: {len(parts)} files in {folder}, expected one")
    try:
        metadata = json.loads(members[parts[0]])
    except ValueError:
        raise ModelError(f"{label}: {parts[0]} is not JSON") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("paramMap"), dict):
        raise ModelError(f"{label}: {parts[0]} is not the metadata of a stage")
    unexpected = sorted(set(metadata) - METADATA_KEYS)
    if unexpected:
        raise ModelError(f"{label}: unexpected key {', '.join(unexpected)} in {parts[0]}: it could run code")
    if metadata.get("class") not in classes:
        raise ModelError(f"{label}: class {metadata.get('class')} is not allowed, only {', '.join(classes)}")
    return metadata
