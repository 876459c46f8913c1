"""Read what the fusion is fitted on: the account-days of simulated worlds, the groups in them, and their truth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.account_windows.trees import load_window_trees
from models.campaigns.find import find_groups
from models.campaigns.finders import MIN_SIZE, Group
from models.campaigns.group_model import ASSUMED, group_features
from models.errors import ModelError
from models.fusion.evidence import collect_evidence, session_threshold, window_threshold
from models.labels.truth import label_user_days, paid_family, read_account_truth
from models.tables.lake_tables import batch_files, read_parts, read_table
from models.tables.plays import read_plays
from models.tables.sessions import SCORED_IN_BATCH
from models.tables.static_tables import read_popularity, read_static, read_timezones
from models.user_days.by_rules import apply_rules
from models.user_days.history import sort_user_days
from models.user_days.trees import load_trees
from runtime.arrays import Floats
from runtime.world import World

NO_GROUPS = pd.DataFrame({"user_ids": [], "probability": []})
BOTS, PEOPLE = "bots", "people"


@dataclass(frozen=True, slots=True)
class FusionWorld:
    """One world. Rows of `evidence` and `days` are account-days in the same order."""

    days: pd.DataFrame
    """user_id, local_date, paid_streams, family (of the account), campaign_id, cohort."""
    evidence: pd.DataFrame
    """EVIDENCE without that of groups."""
    groups: pd.DataFrame
    """kind, user_ids, members that are bots and people."""
    features: Floats
    """Of the groups (`group_features`)."""
    accounts: pd.DataFrame
    """user_id, family, campaign_id, cohort: truth."""


def read_fusion_world(world: World, seed: int) -> FusionWorld:
    """Read a simulated world whose raw rows were scored (`playproof days run`). Raises WorldError, ModelError."""
    accounts = read_account_truth(world)
    accounts["family"] = paid_family(accounts)
    trees, window_trees = load_trees(), load_window_trees()
    names = [feature.name for feature in trees.features]
    keys = ["user_id", "local_date", "plan", "country", "plays", "streams"]
    days = sort_user_days(read_table(world, "user_days", "playproof days run", [*keys, *names]))
    flags = days[["user_id", "local_date"]].assign(
        trees_score=trees.score(days)[1], rules_score=apply_rules(days).score
    )
    sessions = _read_scored(world, SCORED_IN_BATCH, ["user_id", "started_at", "score"])
    windows = _read_scored(world, "account_windows", None)
    evidence = collect_evidence(
        flags, NO_GROUPS, read_timezones(world), sessions, windows, session_threshold(()),
        window_threshold(window_trees, windows, ()),
    )  # fmt: skip
    labels = label_user_days(flags, world)
    known = accounts.set_index("user_id")
    labelled = flags[["user_id", "local_date"]].assign(
        paid_streams=labels["paid_streams"].to_numpy(),
        **{name: flags["user_id"].map(known[name]).to_numpy() for name in ("family", "campaign_id", "cohort")},
    )
    groups, features = _groups(world, seed, known["family"])
    return FusionWorld(labelled, evidence, groups, features, accounts)


def _read_scored(world: World, table: str, columns: list[str] | None) -> pd.DataFrame:
    files = batch_files(world.from_raw(table))
    if not files:
        raise ModelError(f"world {world.name} has no {table}: run  playproof days run --world {world.name}")
    return read_parts(files, columns)


def _groups(world: World, seed: int, family: pd.Series) -> tuple[pd.DataFrame, Floats]:
    plays = read_plays(world, "raw")
    accounts = read_static(world, "users", ["user_id", "payment_id"])
    popularity = read_popularity(world, plays.tracks)
    found: list[Group] = [
        group
        for group in find_groups(plays, accounts, popularity, np.random.default_rng(seed))
        if len(group.users) >= MIN_SIZE and group.kind not in ASSUMED
    ]
    names = [[str(name) for name in plays.users[group.users]] for group in found]
    table = pd.DataFrame({"kind": [group.kind for group in found], "user_ids": names})
    table[BOTS] = [int((family.reindex(members) != HONEST).sum()) for members in names]
    table[PEOPLE] = [len(members) for members in names] - table[BOTS]
    return table, group_features(found, plays)
