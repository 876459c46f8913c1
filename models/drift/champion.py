"""The drift of what the champion scored in a world."""

from typing import Any

import pandas as pd

from models.drift.reference import read_reference
from models.drift.report import format_summary, measure_drift
from models.errors import ModelError
from models.registry.artefact import MANIFEST, read_manifest
from models.registry.champions import CHAMPIONS
from models.registry.roles import Registry
from models.tables.lake_tables import batch_files, read_parts
from models.tables.sessions import SCORED_IN_BATCH
from runtime.lake import committed_files
from runtime.monitoring.drift import record_drift
from runtime.world import World, WorldError


def measure_world(world: World, registry: Registry) -> dict[str, Any]:
    """Measure the drift of a world's sessions that the champion scored. Raises WorldError, ModelError."""
    entry = registry.roles().champion
    folder = registry.folder(entry)
    trusted = CHAMPIONS[folder.name] if entry is None else entry.sha256
    manifest = read_manifest(folder / MANIFEST, trusted, {"name": str, "features": list})
    reference = read_reference(folder, manifest)
    columns = ["user_id", "ended_at", "model_version", *reference.bins]
    sessions = _read_sessions(world, columns)
    version = f"{manifest['name']}@{trusted[:8]}"
    measured = measure_drift(sessions, reference, version)
    if measured["newest_at"] is None:
        others = ", ".join(sorted(sessions["model_version"].unique()))
        only = f", only {others}" if others else ""
        raise WorldError(f"world {world.name}: {version} has scored no session in it{only}: run  playproof up")
    return measured


def measure_daily(world: World, registry: Registry) -> list[str]:
    """Measure the drift of a world for the job's metrics and the page Models; return lines for the daily report.

    Where it cannot be measured, a line says why, and what was measured last is kept.
    """
    try:
        measured = measure_world(world, registry)
    except (WorldError, ModelError) as error:
        return [f"drift             not measured: {error}"]
    record_drift(world.unit, measured)
    return format_summary(measured)


def _read_sessions(world: World, columns: list[str]) -> pd.DataFrame:
    """Read the sessions of the job, or else those that a batch command scored. Raises WorldError without any."""
    files = committed_files(world.unit.table("sessions")) or batch_files(world.from_raw(SCORED_IN_BATCH))
    if not files:
        raise WorldError(
            f"world {world.name} has no scored sessions: run  playproof up  and  playproof replay, or  "
            f"playproof job score-history --world {world.name}"
        )
    sessions = read_parts(files, columns)
    if lacking := [name for name in columns if name not in sessions]:
        raise WorldError(
            f"world {world.name}: its scored sessions lack {len(lacking)} columns, {lacking[0]} first: score them "
            f"again with  playproof job score-history --world {world.name}"
        )
    return sessions
