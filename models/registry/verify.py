"""Verify a model before anything loads it: its hashes, its layout, its classes, its features.

An artefact is `artifacts/<name>/` with `model.zip`, `manifest.json` and `MODEL_CARD.md`. The hash that makes it
trusted stands in `models/registry/champions.py` or is given with the path; it is that of manifest.json, which names
the hash of the zip and of every file in it. A zip alone loads by its own hash.

Loading a PipelineModel runs code that its metadata names, so nothing here imports pyspark: what is not on the list
never reaches it.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.features import FEATURE_NAMES
from models.errors import ModelError
from models.registry.archive import read_members, write_members
from models.registry.champions import CHAMPIONS

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts"
CHAMPION = ARTIFACTS / "session_xgb"
"""The session scorer that the job uses by default."""
CONTRIBUTIONS = "contributions"
"""Column of the scored rows: [[contribution of each feature in log-odds, …, bias]]."""
MODEL_ZIP, MANIFEST, CARD = "model.zip", "manifest.json", "MODEL_CARD.md"

PIPELINE = "pyspark.ml.pipeline.PipelineModel"
ASSEMBLER = "org.apache.spark.ml.feature.VectorAssembler"
STAGE_CLASSES = (ASSEMBLER, "xgboost.spark.estimator.SparkXGBClassifierModel")
"""The stages that may be loaded."""
METADATA_KEYS = {"class", "timestamp", "sparkVersion", "uid", "paramMap", "defaultParamMap"}
"""What Spark writes of a stage. XGBoost reads more, of which `serialized_callbacks` is a pickle that it runs."""

DEFAULT_REVIEW, DEFAULT_FILTER = 0.5, 0.99
"""Thresholds of a zip that comes without a manifest."""

_REQUIRED = {"name": str, "model_zip_sha256": str, "files": dict, "features": list, "thresholds": dict}


@dataclass(frozen=True, slots=True)
class Artefact:
    """A verified model. `path` is the PipelineModel's folder; a score at or over the review threshold is a flag."""

    path: Path
    features: tuple[str, ...]
    review_threshold: float
    filter_threshold: float
    version: str
    """name@ and the first 8 digits of the trusted hash."""
    manifest: dict[str, Any] = field(repr=False)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def verify(model: Path, into: Path, trusted_sha256: str | None = None) -> Artefact:
    """Verify an artefact folder, or a zipped PipelineModel, and unpack it below `into`.

    Without a hash the folder must be a champion. Nothing is written before everything has been checked.
    Raises ModelError.
    """
    trusted = trusted_sha256 or CHAMPIONS.get(model.name)
    if trusted is None:
        raise ModelError(
            f"model {model.name} is not a champion (models/registry/champions.py): give the hash you trust, --sha256"
        )
    if model.is_dir():
        manifest = read_manifest(model / MANIFEST, trusted)
        archive, zip_sha256 = model / MODEL_ZIP, manifest["model_zip_sha256"]
    else:
        manifest = {"name": model.stem, "thresholds": {"review": DEFAULT_REVIEW, "filter": DEFAULT_FILTER}}
        archive, zip_sha256 = model, trusted
    label = f"{archive.parent.name}/{archive.name}"
    members = read_members(label, read_trusted(archive, zip_sha256))
    if "files" in manifest:
        _check_files(label, members, manifest["files"])
    features = _features_of(label, _checked_stages(label, members))
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


def read_trusted(path: Path, expected: str) -> bytes:
    """Read a file whose SHA-256 must be `expected`."""
    label = f"{path.parent.name}/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model file {label}: {error.strerror}; run  make train") from None
    if sha256(content) != expected.lower():
        raise ModelError(
            f"{label} is not the file that is trusted: SHA-256 {sha256(content)[:12]}…, "
            f"expected {expected[:12]}…; restore it from git, or run  make train"
        )
    return content


def read_manifest(path: Path, trusted_sha256: str, required: Mapping[str, type] = _REQUIRED) -> dict[str, Any]:
    """Read a trusted manifest, which must have the keys `required`, of those types. Raises ModelError."""
    content = read_trusted(path, trusted_sha256)
    label = f"{path.parent.name}/{path.name}"
    try:
        manifest = json.loads(content)
    except ValueError:
        raise ModelError(f"{label} is not JSON") from None
    wrong = [
        key
        for key, kind in required.items()
        if not isinstance(manifest, dict) or not isinstance(manifest.get(key), kind)
    ]
    if wrong:
        raise ModelError(f"{label}: missing or of the wrong type: {', '.join(wrong)}")
    if re.fullmatch(r"[A-Za-z0-9_]+", manifest["name"]) is None:
        raise ModelError(f"{label}: name {manifest['name']!r} is not a plain word")
    return manifest


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


def _checked_stages(label: str, members: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the metadata of the stages.

    Every class, key and stage folder is one we know; the folders are exactly those the pipeline names.
    """
    top = _metadata(label, members, "metadata", (PIPELINE,))
    uids = top["paramMap"].get("stageUids", [])
    if not uids or not all(isinstance(uid, str) and re.fullmatch(r"\w+", uid) for uid in uids):
        raise ModelError(f"{label}: the pipeline's stage names are not plain words: {uids}")
    # the pipeline's reader joins these names to a path: one with `..` would load a stage that nobody checked
    digits = len(str(len(uids)))
    expected = {f"stages/{i:0{digits}d}_{uid}" for i, uid in enumerate(uids)}
    found = {"/".join(name.split("/")[:2]) for name in members if name.startswith("stages/")}
    if expected != found:
        raise ModelError(f"{label}: stages {sorted(found)}, expected {sorted(expected)}")
    return [_metadata(label, members, f"{folder}/metadata", STAGE_CLASSES) for folder in sorted(expected)]


def _features_of(label: str, stages: list[dict[str, Any]]) -> list[str]:
    """Return the features that a model was trained on: some or all of the contracts', in an order of its own."""
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


def _metadata(label: str, members: dict[str, bytes], folder: str, classes: tuple[str, ...]) -> dict[str, Any]:
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
