"""Label sessions from what analysts decided, instead of from truth: `playproof model train --labels verdicts`.

The two sources are never mixed: with verdicts a session of an account without one has no label. A confirmed account's
sessions are positive, a dismissed one's negative; each counts as many times as accounts like it were not drawn
(the inverse of `draw_probability`), or the few random ones would drown among the flagged. The sessions are those that
the job scored, so a world without truth will do.
"""

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.labels import HONEST
from contracts.verdicts import APPEAL, CONFIRM, DISMISS, DRAWS
from models.errors import ModelError
from models.labels.truth import read_sessions
from runtime.world import World

SUSPECTED = "confirmed"
"""The `family` of an account that analysts confirmed: they do not name a kind of bot."""
COLUMNS = ("user_id", "verdict", "drawn_by", "draw_probability")
LEAST_ACCOUNTS = 30
"""Fewest confirmed, and fewest dismissed accounts to train on: three blocks share them (models.training.splits)."""


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read the standing verdicts (COLUMNS); appealed ones wait. Raises ModelError where there is no store."""
    if not path.exists():
        raise ModelError(f"no verdicts in {path.parent.name}: decide some cases first, run  playproof desk")
    query = f"select {', '.join(COLUMNS)} from standing where verdict in (?, ?) and step <> ?"
    with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as db:
        rows = db.execute(query, (CONFIRM, DISMISS, APPEAL)).fetchall()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def relabel(table: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return the training table with labels, families and weights from verdicts. Raises ModelError without any.

    >>> table = pd.DataFrame({"user_id": ["a", "b"], "label": [1.0, 0.0], "family": ["farm", HONEST],
    ...                       "campaign_id": ["c1", None], "cohort": ["regular"] * 2})
    >>> given = pd.DataFrame({"user_id": ["b"], "verdict": ["confirm"], "draw_probability": [0.5]})
    >>> relabel(table, given)[["label", "family", "weight"]].values.tolist()
    [[nan, 'honest', 1.0], [1.0, 'confirmed', 2.0]]
    """
    known = verdicts.drop_duplicates("user_id").set_index("user_id")
    verdict = table["user_id"].map(known["verdict"])
    if verdict.isna().all():
        raise ModelError("no session of the training table belongs to an account with a verdict: another world's?")
    is_positive = verdict == CONFIRM
    return table.assign(
        label=verdict.map({CONFIRM: 1.0, DISMISS: 0.0}),
        family=is_positive.map({True: SUSPECTED, False: HONEST}),
        campaign_id=table["user_id"].where(is_positive, None),  # accounts part the blocks; nobody said more
        cohort="regular",
        weight=(1 / table["user_id"].map(known["draw_probability"])).fillna(1.0),
    )


def decided_sessions(world: World) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the scored sessions of a world, labelled by its verdicts, and what the manifest says of the labels.

    Features that are younger than a session are missing in it. Raises WorldError, ModelError where too few are decided.
    """
    verdicts = read_verdicts(world.verdicts)
    columns = ["session_key", "user_id", "started_at", *FEATURE_NAMES]
    sessions = read_sessions(world.unit.table("sessions"), columns).reindex(columns=columns)
    known = verdicts[verdicts["user_id"].isin(sessions["user_id"])].drop_duplicates("user_id")
    is_confirmed = known["verdict"] == CONFIRM
    confirmed, dismissed = int(is_confirmed.sum()), int((~is_confirmed).sum())
    if min(confirmed, dismissed) < LEAST_ACCOUNTS:
        raise ModelError(
            f"too few verdicts in world {world.name}: {confirmed} confirmed and {dismissed} dismissed accounts with "
            f"scored sessions, expected at least {LEAST_ACCOUNTS} of each: decide more cases, run  playproof desk"
        )
    table = relabel(sessions, verdicts).sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)
    by_draw = {name: is_confirmed[known["drawn_by"] == name] for name in DRAWS}
    return table, {
        "source": "verdicts",
        "world": world.name,
        "accounts": {"confirmed": confirmed, "dismissed": dismissed},
        "sessions": int(table["label"].notna().sum()),
        "by_draw": {name: {"accounts": len(hit), "confirmed": int(hit.sum())} for name, hit in by_draw.items()},
        "largest_weight": float(table["weight"].max()),
    }
