"""Rules over days and weeks, evaluated by the daily run: table `rule_days`, replaced by each run.

They come from the record of the world, not from the topic: the daily run is no stream.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from contracts.rules import ACCOUNT, DAY, RULE_DAYS, WEEKS
from contracts.wording.features import format_phrase
from contracts.wording.quantities import count_of
from models.rules.evaluate import evaluate
from models.rules.history import history_files
from models.rules.lifecycle import Version, running
from models.rules.names import names_of
from models.rules.parse import parse
from models.rules.store import RuleStore
from models.tables.lake_tables import read_parts, write_table
from runtime.world import World

TABLE = "rule_days"
LAST_DAY = {DAY: "local_date", WEEKS: "last_day"}
"""What a rule looks at -> the column with its last day."""


def write_rule_days(world: World) -> list[str]:
    """Evaluate the rules over days and weeks that run; write table `rule_days`, return a line on it, or none."""
    store = RuleStore(world.rules)
    versions = [version for version in running(store.versions()) if version.grain in LAST_DAY]
    if not versions and not world.unit.table(TABLE).exists():
        return []
    today = store.now_text()[:10]
    exempt = {e.subject for e in store.exemptions() if e.kind == ACCOUNT and e.is_in_force(today)}
    hits = rule_days(world, versions, exempt)
    write_table(world, TABLE, hits)
    flags = hits[(hits["state"] == "active") & hits["allowed_by"].isna()]
    accounts = count_of(flags["user_id"].nunique(), "account")
    return [f"rules             {len(versions)} over days and weeks: {len(hits):,} hits, {accounts} flagged"]


def rule_days(world: World, versions: Sequence[Version], exempt: set[str]) -> pd.DataFrame:
    """Return a row for each day or window that meets a version: the columns of RULE_DAYS."""
    parts = [_hits(world, version, exempt) for version in versions]
    columns = [column.name for column in RULE_DAYS]
    return pd.concat([pd.DataFrame(columns=columns), *parts], ignore_index=True)[columns]


def _hits(world: World, version: Version, exempt: set[str]) -> pd.DataFrame:
    files = history_files(world, version.grain)
    if not files:
        return pd.DataFrame()
    rows = read_parts(files)
    condition = parse(version.expression, version.grain)
    values = {
        name: rows[name].to_numpy(np.float64) if name in rows else np.full(len(rows), np.nan)
        for name in condition.names
    }
    met = np.flatnonzero(evaluate(condition.condition, values, len(rows)).true)
    features, hit = names_of(version.grain), rows.iloc[met]
    return pd.DataFrame(
        {
            "user_id": hit["user_id"].to_numpy(),
            "grain": version.grain,
            "last_day": pd.to_datetime(hit[LAST_DAY[version.grain]]).dt.date.to_numpy(),
            "days": hit["days"].to_numpy() if version.grain == WEEKS else np.ones(len(met), int),
            "rule_id": version.rule_id,
            "rule_version": version.version,
            "state": version.state,
            "title": version.title,
            "allowed_by": [f"{ACCOUNT}:{user}" if user in exempt else None for user in hit["user_id"]],
            "reasons": [[format_phrase(features[n], float(values[n][i])) for n in condition.names] for i in met],
        }
    )
