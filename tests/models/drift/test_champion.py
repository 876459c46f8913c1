"""The drift of a world: read from its lake, by the reference of the model that scores, or refused in one line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.features import FEATURE_NAMES
from models.drift.champion import measure_daily, measure_world
from models.drift.reference import (
    REFERENCE,
    REFERENCE_HASH,
    SCORE,
    build_reference,
    encode_reference,
    read_reference,
)
from models.errors import ModelError
from models.registry.artefact import MANIFEST, SHIPPED_SCORER, read_manifest, sha256
from models.registry.champions import CHAMPIONS
from models.registry.role_changes import WritableRegistry
from models.registry.roles import Registry
from runtime.monitoring.drift import drift_record
from runtime.world import World, WorldError
from tests.models.challenger import write_challenger

N = 60


@pytest.fixture
def sessions() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.random(N) for name in FEATURE_NAMES})
    ended_at = pd.Timestamp("2025-03-20", tz="UTC") - pd.to_timedelta(rng.random(N) * 6, unit="D")
    return frame.assign(user_id=[f"u{i}" for i in range(N)], label=0.0, score=rng.random(N), ended_at=ended_at)


def registry_of(folder: Path, sessions: pd.DataFrame, with_reference: bool = True) -> Registry:
    """A registry whose champion has a reference made from the sessions themselves."""
    content = encode_reference(build_reference(sessions, FEATURE_NAMES, lambda rows: rows["score"].to_numpy()))
    extra = {REFERENCE_HASH: sha256(content)} if with_reference else {}
    artefact, trusted = write_challenger(folder / "candidate", **extra)
    (artefact / REFERENCE).write_bytes(content)
    registry = WritableRegistry(folder / "models")
    at = pd.Timestamp("2026-03-02", tz="UTC").to_pydatetime()
    registry.register(artefact, trusted, at)
    registry.promote(at)
    return registry


def commit(world: World, sessions: pd.DataFrame, model_version: str) -> None:
    folder = world.unit.table("sessions") / "batch_id=0"
    folder.mkdir(parents=True)
    sessions.assign(model_version=model_version).to_parquet(folder / "part.parquet", index=False)
    (folder / "_SUCCESS").touch()


def test_a_promoted_model_brings_its_reference_and_sessions_like_it_show_no_shift(
    tmp_path: Path, sessions: pd.DataFrame
) -> None:
    registry = registry_of(tmp_path, sessions)
    champion = registry.roles().champion
    assert champion is not None
    world = World(tmp_path / "data" / "here")
    commit(world, sessions, champion.version)
    week = measure_world(world, registry)["windows"]["7"]
    assert week["sessions"] == N
    assert {entry["band"] for entry in week["quantities"].values()} == {"small"}


def test_sessions_of_another_model_no_sessions_and_no_reference_are_refused(
    tmp_path: Path, sessions: pd.DataFrame
) -> None:
    registry = registry_of(tmp_path, sessions)
    world = World(tmp_path / "data" / "here")
    with pytest.raises(WorldError, match=r"world here has no scored sessions: run  playproof up"):
        measure_world(world, registry)
    commit(world, sessions, "other@12345678")
    with pytest.raises(WorldError, match=r"candidate@\w{8} has scored no session in it, only other@12345678"):
        measure_world(world, registry)
    empty = World(tmp_path / "data" / "empty")
    commit(empty, sessions.head(0), "other@12345678")
    with pytest.raises(WorldError, match=r"has scored no session in it: run  playproof up"):
        measure_world(empty, registry)
    (tmp_path / "old").mkdir()
    with pytest.raises(ModelError, match="model candidate has no reference of its training"):
        measure_world(world, registry_of(tmp_path / "old", sessions, with_reference=False))


def test_the_model_that_ships_has_a_reference_of_all_its_features_in_under_10_kb() -> None:
    manifest = read_manifest(SHIPPED_SCORER / MANIFEST, CHAMPIONS[SHIPPED_SCORER.name], {"features": list})
    reference = read_reference(SHIPPED_SCORER, manifest)
    assert list(reference.bins) == [*manifest["features"], SCORE]
    assert reference.sessions > 10_000
    assert (SHIPPED_SCORER / REFERENCE).stat().st_size < 10_000


def test_the_daily_run_records_the_drift_and_says_it_in_a_line(tmp_path: Path, sessions: pd.DataFrame) -> None:
    registry = registry_of(tmp_path, sessions)
    entry = registry.roles().champion
    assert entry is not None
    world = World(tmp_path / "demo")
    (refused,) = measure_daily(world, registry)
    assert refused.startswith("drift             not measured: world demo has no scored sessions: run  playproof up")
    assert drift_record(world.unit) == {}
    commit(world, sessions.assign(plays=sessions["plays"] + 10), entry.version)
    (line,) = measure_daily(world, registry)
    assert f"{N} sessions of {N} accounts: the score has moved by 0.000 (small)" in line
    assert line.endswith("moved far: 1: plays")
    assert drift_record(world.unit)["windows"]["7"]["accounts"] == N
