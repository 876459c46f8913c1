"""The shipped models' figures, read from their manifests: data only, no model is loaded."""

from typing import Any

import orjson

from models.registry import ARTIFACTS


def shipped() -> list[dict[str, Any]]:
    """Return the manifest of every artefact that ships, by name."""
    files = sorted(ARTIFACTS.glob("*/manifest.json"))
    return [orjson.loads(file.read_bytes()) | {"folder": file.parent.name} for file in files]
