"""A trained model on disk, its manifest, and how a file is trusted before anything reads it.

An artefact is a folder `artifacts/<name>/` with the model's data, `manifest.json` and `MODEL_CARD.md`. It is trusted by
the SHA-256 of `manifest.json`, which is in `models/registry/champions.py` or comes from the caller. The manifest holds
the hashes of the files with the model's data.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.registry.pipeline_zip import Pipeline

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts"
SHIPPED_SCORER = ARTIFACTS / "session_xgb"
"""The session scorer that the job uses by default."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes that a packed file may unpack to at most."""
MODEL_ZIP, MANIFEST, CARD = "model.zip", "manifest.json", "MODEL_CARD.md"
CONTRIBUTIONS = "contributions"
"""Column of the scored rows: [[contribution of each feature in log-odds, …, bias]]."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A verified model. `path` is the folder of its PipelineModel, for `PipelineModel.load`.

    A score at or over the review threshold is a flag; a session at or over the filter threshold is filtered.
    """

    path: Path
    pipeline: Pipeline
    review_threshold: float
    filter_threshold: float
    version: str
    """name@ and the first 8 digits of the trusted hash."""
    has_direct_trees: bool
    """Whether its trees may be called without `.transform`: an artefact that `playproof model train` wrote."""
    manifest: dict[str, Any] = field(repr=False)

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that the model reads, in its order."""
        return self.pipeline.inputs


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


RESTORE = "restore it from git; if you trained it, put the line that training printed into models/registry/champions.py"


def read_trusted(path: Path, expected_sha256: str, remedy: str = RESTORE) -> bytes:
    """Read a file and check its SHA-256. Raises ModelError where it is missing or another one."""
    label = f"{path.parent.name}/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model file {label}: {error.strerror}; {remedy}") from None
    if sha256(content) != expected_sha256.lower():
        raise ModelError(
            f"{label} is not the file that is trusted: SHA-256 {sha256(content)[:12]}…, "
            f"expected {expected_sha256[:12]}…; {remedy}"
        )
    return content


def read_trusted_gzip(path: Path, expected_sha256: str) -> bytes:
    """Read a gzip file and check the SHA-256 of its content. Raises ModelError where it is missing or another one."""
    label = f"{path.parent.name}/{path.name}"
    try:
        with gzip.open(path) as packed:
            content = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"model file {label}: {reason}; {RESTORE}") from None
    if sha256(content) != expected_sha256.lower():
        raise ModelError(f"{label} does not hold the trees that are trusted; {RESTORE}")
    return content


def read_manifest(path: Path, trusted_sha256: str, required: Mapping[str, type]) -> dict[str, Any]:
    """Read a trusted manifest. `required`: the keys that it must have, each with its type. Raises ModelError."""
    content = read_trusted(path, trusted_sha256)
    label = f"{path.parent.name}/{path.name}"
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
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
