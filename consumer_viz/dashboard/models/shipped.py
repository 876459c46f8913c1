"""The models in charge and their figures, read from their manifests: data only, no model is loaded."""

from typing import Any

import orjson

from models.registry.artefact import MANIFEST, SHIPPED_SCORER, sha256
from models.registry.roles import Entry, Registry, version_of

SHIPPED, CHAMPION_NOW, CHALLENGER = "as it shipped", "champion", "challenger"


def in_charge(registry: Registry) -> list[dict[str, Any]]:
    """Return the manifests of champion and challenger, each with its `role` and `version`, the champion first.

    The model that ships is the champion until another is promoted. Raises ModelError where the registry is damaged.
    """
    roles = registry.roles()
    found = [_manifest(registry, roles.champion, CHAMPION_NOW if roles.champion else SHIPPED)]
    if roles.challenger:
        found.append(_manifest(registry, roles.challenger, CHALLENGER))
    return found


def _manifest(registry: Registry, entry: Entry | None, role: str) -> dict[str, Any]:
    """Read one; of one that is not what was registered nothing is shown but its version."""
    named = {"role": role, "version": version_of(entry) if entry else SHIPPED_SCORER.name}
    try:
        content = (registry.folder(entry) / MANIFEST).read_bytes()
    except OSError:
        return named
    if entry is None:
        named["version"] = f"{SHIPPED_SCORER.name}@{sha256(content)[:8]}"
    elif sha256(content) != entry.sha256:
        return named
    return orjson.loads(content) | named
