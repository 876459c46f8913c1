"""Verify a model before anything loads it: its hashes, its layout, its classes, the columns that it reads."""

import re
import shutil
from collections.abc import Collection
from pathlib import Path
from shlex import quote
from typing import Any

from contracts.features import FEATURE_NAMES, MODEL_COLUMNS
from models.errors import ModelError
from models.registry.archive import read_members, write_members
from models.registry.artefact import MANIFEST, MODEL_ZIP, Artefact, read_manifest, read_trusted, sha256
from models.registry.champions import CHAMPIONS
from models.registry.pipeline_zip import Pipeline, describe_pipeline, require_columns

DEFAULT_REVIEW, DEFAULT_FILTER = 0.5, 0.99
"""Thresholds of a zip without a manifest."""

_REQUIRED = {"name": str, "model_zip_sha256": str, "files": dict, "features": list, "thresholds": dict}


def verify_artefact(
    model: Path,
    into: Path,
    trusted_sha256: str | None = None,
    *,
    threshold: float | None = None,
    columns: Collection[str] = MODEL_COLUMNS,
) -> Artefact:
    """Verify an artefact folder, or the zip of a saved PipelineModel, and unpack it below `into`.

    `trusted_sha256` is the hash of the folder's manifest.json, or of the zip; without it the folder must be one of
    CHAMPIONS. `threshold` replaces the review threshold, `columns` are those of the frame that the model will get.
    Nothing is written before all checks have passed. Raises ModelError.
    """
    trusted = trusted_sha256 or (CHAMPIONS.get(model.name) if model.is_dir() else None)
    _check_choice(model, trusted)
    if trusted is None:
        hashed = model / MANIFEST if model.is_dir() else model
        raise ModelError(
            f"model {model.name} is not a champion (models/registry/champions.py): give the hash you trust, "
            f"--sha256;  sha256sum {quote(str(hashed.relative_to(model.parent)))}  prints it"
        )
    if model.is_dir():
        manifest = read_manifest(model / MANIFEST, trusted, _REQUIRED)
        archive = model / MODEL_ZIP
        content = read_trusted(archive, manifest["model_zip_sha256"])
    else:
        manifest = {
            "name": re.sub(r"\W+", "_", model.stem),
            "thresholds": {"review": DEFAULT_REVIEW, "filter": DEFAULT_FILTER},
        }
        archive = model
        content = read_trusted(
            archive, trusted, f"if you changed it yourself, give what  sha256sum {quote(model.name)}  prints"
        )
    label = f"{archive.parent.name}/{archive.name}"
    members = read_members(label, content)
    if "files" in manifest:
        _check_files(label, members, manifest["files"])
    pipeline = describe_pipeline(label, members)
    require_columns(label, pipeline, columns)
    _check_features(manifest, pipeline)
    review, filter_ = _thresholds(manifest, threshold)
    version = f"{manifest['name']}@{trusted[:8].lower()}"
    path = into / version.replace("@", "-")
    shutil.rmtree(path, ignore_errors=True)
    write_members(members, path)
    return Artefact(path, pipeline, review, filter_, version, _has_direct_trees(model, pipeline), manifest)


def _check_choice(model: Path, trusted: str | None) -> None:
    """Raise ModelError for what is neither an artefact nor a zip, and for a hash that is none."""
    if not model.exists():
        raise ModelError(
            f"no model at {model}: expected the zip of a saved PipelineModel, or the folder of an artefact"
        )
    if trusted is not None and re.fullmatch(r"[0-9a-fA-F]{64}", trusted) is None:
        raise ModelError(f"{trusted!r} is not a SHA-256: expected 64 hexadecimal digits, as  sha256sum FILE  prints")
    if (model / "metadata").is_dir() and not (model / MANIFEST).exists():
        raise ModelError(
            f"{model.name} is the folder of a PipelineModel, expected its zip: run  "
            f"cd {quote(str(model))} && python -m zipfile -c ../{quote(model.name)}.zip metadata stages"
        )


def _check_features(manifest: dict[str, Any], pipeline: Pipeline) -> None:
    features = list(pipeline.inputs)
    if manifest.setdefault("features", features) != features:
        raise ModelError(
            f"{manifest['name']}: the manifest's features {manifest['features']} are not those its model was trained "
            f"on, in their order: {features}; run  make train"
        )


def _has_direct_trees(model: Path, pipeline: Pipeline) -> bool:
    """Say whether it is an artefact as `playproof model train` writes it.

    A zip of somebody's own may have the same classes and other settings, such as another value for "missing".
    """
    assembled = tuple(pipeline.stages[0].params.get("inputCols") or ())
    return (
        model.is_dir()
        and pipeline.is_assembled_trees
        and assembled == pipeline.inputs
        and set(assembled) <= set(FEATURE_NAMES)
    )


def _thresholds(manifest: dict[str, Any], threshold: float | None) -> tuple[float, float]:
    """Return the thresholds for review and filter; `threshold` replaces the first, and raises the second if needed."""
    try:
        review, filter_ = (float(manifest["thresholds"][key]) for key in ("review", "filter"))
    except (KeyError, TypeError, ValueError):
        raise ModelError(f"{manifest['name']}: thresholds must have the numbers review and filter") from None
    if threshold is not None:
        review, filter_ = threshold, max(threshold, filter_)
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
