"""Label sessions from what analysts decided, instead of from truth: `python -m models train --labels verdicts`.

The two sources are never mixed: with verdicts a session of an account without one has no label. A confirmed account's
sessions are positive, a dismissed one's negative; each counts as many times as accounts like it were not drawn
(the inverse of `draw_probability`), or the few random ones would drown among the flagged.
"""

import sqlite3
from pathlib import Path

import pandas as pd

from contracts.labels import HONEST
from contracts.verdicts import APPEAL, CONFIRM, DISMISS
from models.errors import ModelError

SUSPECTED = "confirmed"
"""The `family` of an account that analysts confirmed: they do not name a kind of bot."""
COLUMNS = ("user_id", "verdict", "draw_probability")


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read the standing verdicts (user_id, verdict, draw_probability); appealed ones wait. Raises ModelError."""
    if not path.exists():
        raise ModelError(f"no verdicts in {path.parent.name}: decide some cases first, run  make dash")
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
