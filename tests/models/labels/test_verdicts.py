"""Labels from verdicts: training reads what the pages wrote."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from consumer_viz.dashboard.decisions.rules import Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from contracts import verdicts as v
from contracts.features import FEATURE_NAMES
from models.errors import ModelError
from models.labels.verdicts import label_by_verdicts, read_verdicts
from models.registry.artefact import CARD, MANIFEST
from models.registry.roles import FOLDER, Registry
from runtime.world import World
from tests.conftest import Playproof


def decide(
    store: VerdictStore, user: str, verdict: str, reason: str, probability: float = 1.0, drawn_by: str = v.BY_FLAG
) -> None:
    store.write(
        Draft(
            f"c-{user}", user, v.DECIDE, "ana", 0, f"k-{user}", verdict, reason,
            drawn_by=drawn_by, draw_probability=probability,
        )
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = VerdictStore(tmp_path / "verdicts.sqlite")
    decide(store, "bot", v.CONFIRM, "velocity")
    decide(store, "fan", v.DISMISS, "superfan")
    decide(store, "lucky", v.DISMISS, "superfan", probability=0.015)
    decide(store, "unsure", v.NEED_MORE, "more_days")
    decide(store, "wronged", v.CONFIRM, "velocity")
    store.write(Draft("c-wronged", "wronged", v.APPEAL, "ana", 1, "k-appeal", note="it was a party"))
    return store.path


def test_training_reads_the_verdicts_in_force_that_the_pages_wrote(path: Path) -> None:
    users = ["bot", "fan", "lucky", "unsure", "wronged", "never seen"]
    table = pd.DataFrame({"user_id": users, "label": 0.0, "family": "x", "campaign_id": None, "cohort": "superfan"})
    labelled = label_by_verdicts(table, read_verdicts(path)).set_index("user_id")
    assert labelled["label"].dropna().to_dict() == {"bot": 1.0, "fan": 0.0, "lucky": 0.0}
    assert labelled["weight"].round(1).to_dict()["lucky"] == 66.7
    assert set(labelled["family"]) == {"confirmed", "honest"}


def test_a_file_that_is_no_store_of_verdicts_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_text("not a database, however long this text is")
    with pytest.raises(ModelError, match=r"verdicts\.sqlite is not a store of verdicts: ") as caught:
        read_verdicts(path)
    assert "\n" not in str(caught.value)


def test_a_roll_back_changes_the_label(path: Path) -> None:
    store = VerdictStore(path)
    store.write(
        Draft("c-wronged", "wronged", v.ROLL_BACK, "ben", 2, "k-back", reason_code="venue_account", note="a bar")
    )
    assert read_verdicts(path).set_index("user_id").loc["wronged", "verdict"] == v.DISMISS


def test_without_verdicts_the_message_names_the_command(tmp_path: Path, path: Path) -> None:
    with pytest.raises(ModelError, match="playproof desk"):
        read_verdicts(tmp_path / "none.sqlite")
    with pytest.raises(ModelError, match="another world"):
        label_by_verdicts(pd.DataFrame({"user_id": ["x"]}), read_verdicts(path))


NEW_FEATURE = "gap_entropy"
"""A feature that the older half of the lake lacks."""


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world without truth: 40 confirmed, 40 dismissed and 20 undecided accounts with 10 sessions each, over 8 days.

    The dismissed ones were not flagged, but drawn at random. The confirmed ones hear one artist.
    """
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path / "data"))
    world = World(tmp_path / "data" / "w")
    rng = np.random.default_rng(4)
    account = np.arange(1000) % 100
    rows = pd.DataFrame(rng.random((1000, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    rows["artist_hhi"] = np.where(account < 40, rng.uniform(0.7, 1, 1000), rng.uniform(0, 0.5, 1000))
    rows["user_id"] = [f"u{i}" for i in account]
    rows["session_key"] = [f"s{i}" for i in range(1000)]
    rows["started_at"] = pd.Timestamp("2026-03-02") + pd.to_timedelta(rng.integers(8 * 86_400, size=1000), "s")
    for batch, part in enumerate((rows[:500].drop(columns=NEW_FEATURE), rows[500:])):
        folder = world.unit.table("sessions") / f"batch_id={batch}"
        folder.mkdir(parents=True)
        part.to_parquet(folder / "part.parquet", index=False)
        (folder / "_SUCCESS").touch()
    store = VerdictStore(world.verdicts)
    for number in range(40):
        decide(store, f"u{number}", v.CONFIRM, "velocity", drawn_by=v.BLIND if number < 5 else v.BY_FLAG)
        decide(store, f"u{number + 40}", v.DISMISS, "superfan", 0.015, v.RANDOM)
    return world


def test_training_on_verdicts_registers_a_challenger_whose_manifest_has_the_source_of_its_labels(
    decided: World,
    spark: SparkSession,
    playproof: Playproof,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.training.train.start_local_spark", lambda: spark)
    monkeypatch.setattr(type(spark), "stop", lambda self: None)
    arguments = ("--labels", "verdicts", "--decided", "w", "--trees", "4", "--depth", "2", "--register")
    code, out, err = playproof("model", "train", *arguments)
    assert (code, err) == (0, "")
    registry = Registry(decided.root.parent / FOLDER)
    entry = registry.roles().challenger
    assert entry is not None
    assert f"{entry.version} scores in the shadow" in out
    manifest = json.loads((registry.folder(entry) / MANIFEST).read_text())
    assert manifest["labels"] == {
        "source": "verdicts", "world": "w", "accounts": {"confirmed": 40, "dismissed": 40}, "sessions": 800,
        "by_draw": {"flag": {"accounts": 35, "confirmed": 35}, "blind": {"accounts": 5, "confirmed": 5},
                    "random": {"accounts": 40, "confirmed": 0}},
        "largest_weight": pytest.approx(1 / 0.015),
    }  # fmt: skip
    blocks = manifest["trained_on"]["blocks"].values()
    assert all(0 < block["positives"] < block["sessions"] for block in blocks)
    assert next(iter(manifest["gain"])) == "artist_hhi"
    assert manifest["test"]["review"]["prevalence"] < 0.05, (
        "a session of a rarely drawn account weighs 67 times as much"
    )
    assert "Labels are verdicts of analysts" in (registry.folder(entry) / CARD).read_text()


def test_too_few_verdicts_are_refused_in_one_line(decided: World, playproof: Playproof) -> None:
    store = VerdictStore(decided.verdicts)
    for number in range(11):
        store.write(Draft(f"c-u{number}", f"u{number}", v.UNDO, "ana", 1, f"undo-{number}"))
    code, _, err = playproof("model", "train", "--labels", "verdicts", "--decided", "w")
    assert code == 1
    assert err == (
        "error: too few verdicts in world w: 29 confirmed and 40 dismissed accounts with scored sessions, expected at "
        "least 30 of each: decide more cases, run  playproof desk\n"
    )
    assert not (decided.root.parent / FOLDER).exists()
