"""Label sessions from what analysts decided, instead of from truth: `playproof model train --labels verdicts`.

The two sources are never mixed: with verdicts, the sessions of an account without a verdict have no label. Sessions of
a confirmed account are positive, those of a dismissed one negative. The weight of a session is the inverse of the
probability that its account was drawn for review (`draw_probability`); without it the few accounts drawn at random
would have no influence next to the many flagged ones. The sessions are those that the job scored, so the world needs no
truth.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.labels import HONEST
from contracts.verdicts import APPEAL, CONFIRM, DISMISS, DRAWS
from models.errors import ModelError
from models.metrics.flags import REGULAR
from models.tables.sessions import read_sessions
from runtime.world import World

CONFIRMED_FAMILY = "confirmed"
"""The `family` of an account that analysts confirmed: a verdict does not name a kind of bot."""
COLUMNS = ("user_id", "verdict", "drawn_by", "draw_probability")
MIN_ACCOUNTS = 30
"""Confirmed accounts, and dismissed ones, that training needs at least: three blocks share them."""


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read the verdicts in force, one row per case (COLUMNS); those under appeal are left out.

    `path`: the world's SQLite store. Raises ModelError where there is none.
    """
    if not path.exists():
        raise ModelError(f"no verdicts in {path.parent.name}: decide some cases first, run  playproof desk")
    query = f"select {', '.join(COLUMNS)} from standing where verdict in (?, ?) and step <> ?"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute(query, (CONFIRM, DISMISS, APPEAL)).fetchall()
    except sqlite3.DatabaseError as error:
        raise ModelError(f"{path.parent.name}/{path.name} is not a store of verdicts: {error}") from None
    return pd.DataFrame(rows, columns=list(COLUMNS))


def label_by_verdicts(sessions: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return sessions (user_id and any other columns) with label, family, campaign_id, cohort and weight from verdicts.

    Raises ModelError where no session belongs to an account with a verdict.

    >>> sessions = pd.DataFrame({"user_id": ["a", "b"]})
    >>> verdicts = pd.DataFrame({"user_id": ["b"], "verdict": ["confirm"], "draw_probability": [0.5]})
    >>> label_by_verdicts(sessions, verdicts)[["label", "family", "weight"]].values.tolist()
    [[nan, 'honest', 1.0], [1.0, 'confirmed', 2.0]]
    """
    known = verdicts.drop_duplicates("user_id").set_index("user_id")
    verdict = sessions["user_id"].map(known["verdict"])
    if verdict.isna().all():
        raise ModelError("no session of the training table belongs to an account with a verdict: another world's?")
    is_positive = verdict == CONFIRM
    return sessions.assign(
        label=verdict.map({CONFIRM: 1.0, DISMISS: 0.0}),
        family=is_positive.map({True: CONFIRMED_FAMILY, False: HONEST}),
        campaign_id=sessions["user_id"].where(
            is_positive, None
        ),  # the blocks differ in accounts; campaigns are unknown
        cohort=REGULAR,
        weight=(1 / sessions["user_id"].map(known["draw_probability"])).fillna(1.0),
    )


def read_decided_sessions(world: World) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the scored sessions of a world, labelled by its verdicts; return them and the manifest's entry `labels`.

    A feature that was added after a session was written is missing in it. Raises WorldError where there are no
    sessions, and ModelError where fewer than MIN_ACCOUNTS accounts were confirmed, or dismissed.
    """
    verdicts = read_verdicts(world.verdicts)
    columns = ["session_key", "user_id", "started_at", *FEATURE_NAMES]
    sessions = read_sessions(world.unit.table("sessions"), columns).reindex(columns=columns)
    known = verdicts[verdicts["user_id"].isin(sessions["user_id"])].drop_duplicates("user_id")
    is_confirmed = known["verdict"] == CONFIRM
    confirmed, dismissed = int(is_confirmed.sum()), int((~is_confirmed).sum())
    if min(confirmed, dismissed) < MIN_ACCOUNTS:
        raise ModelError(
            f"too few verdicts in world {world.name}: {confirmed} confirmed and {dismissed} dismissed accounts with "
            f"scored sessions, expected at least {MIN_ACCOUNTS} of each: decide more cases, run  playproof desk"
        )
    labelled = label_by_verdicts(sessions, verdicts)
    table = labelled.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)
    by_draw = {name: is_confirmed[known["drawn_by"] == name] for name in DRAWS}
    return table, {
        "source": "verdicts",
        "world": world.name,
        "accounts": {"confirmed": confirmed, "dismissed": dismissed},
        "sessions": int(table["label"].notna().sum()),
        "by_draw": {name: {"accounts": len(hit), "confirmed": int(hit.sum())} for name, hit in by_draw.items()},
        "largest_weight": float(table["weight"].max()),
    }
