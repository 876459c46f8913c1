"""Small artefacts and worlds to test with. Nothing is trained, and nothing needs Spark."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contracts.features import FEATURE_NAMES
from models.registry.artefact import MANIFEST, MODEL_ZIP, sha256
from models.registry.stage_classes import ASSEMBLER, PIPELINES, XGBOOST
from runtime.world import World

DAY = "date=2026-03-02"
START = pd.Timestamp("2026-03-02T10:00:00Z")
N_ACCOUNTS = 60
"""20 bots, of which 5 have mixed sessions only, and 40 honest accounts, of which 10 are superfans; 2 sessions each."""


def metadata(class_name: str, uid: str, **params: Any) -> dict[str, Any]:
    """Return what Spark writes about a stage."""
    return {
        "class": class_name, "timestamp": 0, "sparkVersion": "4.0.4", "uid": uid, "paramMap": params,
        "defaultParamMap": {},
    }  # fmt: skip


@dataclass
class ArtefactDraft:
    """An artefact that a test changes before it is written. `write` computes the hashes after the changes."""

    folder: Path
    pipeline: dict[str, Any] = field(
        default_factory=lambda: metadata(
            PIPELINES[0], "PipelineModel", stageUids=["VectorAssembler_0", "SparkXGBClassifier_1"], language="Python"
        )
    )
    assembler: dict[str, Any] = field(
        default_factory=lambda: metadata(ASSEMBLER, "VectorAssembler_0", inputCols=list(FEATURE_NAMES))
    )
    classifier: dict[str, Any] = field(default_factory=lambda: metadata(XGBOOST, "SparkXGBClassifier_1"))
    manifest: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "toy", "features": list(FEATURE_NAMES), "thresholds": {"review": 0.4, "filter": 0.9},
        }
    )  # fmt: skip
    extra: list[tuple[str | zipfile.ZipInfo, bytes]] = field(default_factory=list)
    top: str = "pipeline_model/"

    def members(self) -> dict[str, bytes]:
        return {
            "metadata/part-00000": json.dumps(self.pipeline).encode(),
            "stages/0_VectorAssembler_0/metadata/part-00000": json.dumps(self.assembler).encode(),
            "stages/1_SparkXGBClassifier_1/metadata/part-00000": json.dumps(self.classifier).encode(),
            "stages/1_SparkXGBClassifier_1/model/part-00000": b"{}",
        }

    def write(self) -> str:
        """Write the artefact; return the hash to trust."""
        self.folder.mkdir(exist_ok=True)
        archive = self.folder / MODEL_ZIP
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in self.members().items():
                packed.writestr(self.top + name, content)
            for entry, content in self.extra:
                packed.writestr(entry, content)
        files = {name: sha256(content) for name, content in self.members().items()}
        manifest = {"model_zip_sha256": sha256(archive.read_bytes()), "files": files, **self.manifest}
        content = json.dumps(manifest).encode()
        (self.folder / MANIFEST).write_bytes(content)
        return sha256(content)


@pytest.fixture
def draft(tmp_path: Path) -> ArtefactDraft:
    return ArtefactDraft(tmp_path / "toy")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world of N_ACCOUNTS accounts, 4 streams per session. All bots but two, and 3 superfan sessions, are flagged."""
    world = World(tmp_path / "toy")
    users = pd.DataFrame({"user_id": [f"u{i}" for i in range(N_ACCOUNTS)], "family": "honest", "campaign_id": None})
    users.loc[:19, ["family", "campaign_id"]] = [["loop30", "c1"]] * 10 + [["masked", "c2"]] * 10
    users["cohort"] = np.where((users.index >= 20) & (users.index < 30), "superfan", "regular")
    write(users, world.truth("users.parquet"))

    plays, sessions = [], []
    for user in range(N_ACCOUNTS):
        for number in range(2):
            begun = START + pd.Timedelta(hours=2 * number)
            paid = 0 if user >= 20 else 1 if user < 5 else 4
            for i in range(4):
                plays.append(
                    {
                        "row_id": f"p{user}-{number}-{i}", "user_id": f"u{user}", "listen_ms": 60_000,
                        "event_time": begun + pd.Timedelta(minutes=i + 1), "is_paid": i < paid,
                        "family": users["family"][user] if i < paid else "honest",
                        "campaign_id": users["campaign_id"][user] if i < paid else None,
                    }
                )  # fmt: skip
            is_flagged = 2 <= user < 20 or (user == 20) or (user == 21 and number == 0)
            sessions.append(
                {
                    "session_key": f"u{user}|{number}", "user_id": f"u{user}", "started_at": begun,
                    "ended_at": begun + pd.Timedelta(minutes=4), "plays_rows": 4, "streams": 4.0,
                    "scored_at": begun + pd.Timedelta(hours=1), "reasons": [{"feature": "streams", "value": 4.0}],
                    "score": 0.9 if is_flagged else 0.1, "is_flagged": is_flagged, "is_filtered": 8 <= user < 20,
                    "model_version": "toy@12345678",
                }
            )  # fmt: skip
    truth = pd.DataFrame(plays)
    write(truth.drop(columns="listen_ms"), world.truth("plays") / DAY / "part.parquet")
    write(
        truth.rename(columns={"row_id": "play_id"})[["play_id", "listen_ms"]], world.raw("plays") / DAY / "part.parquet"
    )
    table = world.unit.table("sessions")
    write(pd.DataFrame(sessions), table / DAY / "part-00000.snappy.parquet")
    write(pd.DataFrame(sessions), table / DAY / "part-orphan-of-a-crash.parquet")
    log = table / "_spark_metadata"
    log.mkdir()
    entry = {"path": (table / DAY / "part-00000.snappy.parquet").as_uri(), "action": "add"}
    (log / "0").write_text("v1\n" + json.dumps(entry))
    return world
