"""Figures of champion and challenger, from their manifests. No model is loaded."""

from typing import Any

import orjson

from models.registry.artefact import MANIFEST, SHIPPED_SCORER, sha256
from models.registry.roles import Entry, Registry, version_of

SHIPPED, CHAMPION, CHALLENGER = "as it shipped", "champion", "challenger"


def read_manifests(registry: Registry) -> list[dict[str, Any]]:
    """Return the manifests of champion and challenger, the champion first, each with its `role` and `version`.

    The shipped model is the champion until another is promoted. Raises ModelError where the registry is damaged.
    """
    roles = registry.roles()
    manifests = [_manifest(registry, roles.champion, CHAMPION if roles.champion else SHIPPED)]
    if roles.challenger:
        manifests.append(_manifest(registry, roles.challenger, CHALLENGER))
    return manifests


def _manifest(registry: Registry, entry: Entry | None, role: str) -> dict[str, Any]:
    """Read one manifest. If it is not the registered one, only role and version are returned."""
    identity = {"role": role, "version": version_of(entry) if entry else SHIPPED_SCORER.name}
    try:
        content = (registry.folder(entry) / MANIFEST).read_bytes()
    except OSError:
        return identity
    if entry is None:
        identity["version"] = f"{SHIPPED_SCORER.name}@{sha256(content)[:8]}"
    elif sha256(content) != entry.sha256:
        return identity
    return orjson.loads(content) | identity
