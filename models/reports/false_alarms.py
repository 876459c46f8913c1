"""The false-alarm audit: what every detector says of real people's listening, day by day, and why.

A history that a person exported is honest, so every alarm here is a false one. Its unit is the person-day: a local day
on which that person listened. Days of one person are alike, so the interval over days is a lower bound of the doubt.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.metrics.intervals import wilson
from models.tables.lake_tables import batch_files, read_parts
from models.tables.static_tables import read_timezones
from models.user_days.detect import detect
from models.user_days.hybrid import FLAG
from models.user_days.trees import Trees, load_trees
from runtime.local_time import to_local_ms
from runtime.units import DAY_MS
from runtime.world import World, WorldError

DETECTORS = ("session scorer", "user-day rules", "user-day forest")
TREES = "user-day trees"
"""Asked only where the source lacks nothing that they were trained with."""
SESSIONS, USER_DAYS = "scored_sessions", "user_days"
_SESSION_COLUMNS = ["user_id", "ended_at", "score", "is_flagged", "reasons", "model_version"]
_DAY_COLUMNS = ["user_id", "local_date", "plan", "country", "plays", "streams", *USER_DAY_FEATURE_NAMES]
_KEY = ["user_id", "local_date"]


@dataclass(frozen=True, slots=True)
class Audit:
    """Alarms of one history. `alarms` has a row per detector and person-day: detector, user_id, local_date, behind
    (names of rules or features), words."""

    name: str
    person_days: int
    people: int
    first: str
    last: str
    not_measurable: tuple[str, ...]
    alarms: pd.DataFrame

    @property
    def detectors(self) -> tuple[str, ...]:
        """Those that were asked."""
        return DETECTORS if self.not_measurable else (*DETECTORS, TREES)

    def of(self, detector: str) -> pd.DataFrame:
        return self.alarms[self.alarms["detector"] == detector]


def audit(world: World) -> Audit:
    """Find the alarms of a world's real listening. Raises WorldError where a table is missing."""
    sessions, days = _read(world, SESSIONS, _SESSION_COLUMNS), _read(world, USER_DAYS, _DAY_COLUMNS)
    flags = detect(days)
    found = [_session_alarms(sessions, world), _rule_alarms(flags), _forest_alarms(flags)]
    if not world.not_measurable:
        found.append(_tree_alarms(days, load_trees()))
    alarms = pd.concat(found, ignore_index=True)
    return Audit(
        name=world.name,
        person_days=len(flags),
        people=int(flags["user_id"].nunique()),
        first=str(flags["local_date"].min()),
        last=str(flags["local_date"].max()),
        not_measurable=world.not_measurable,
        alarms=alarms.sort_values(["local_date", "user_id", "detector"], ignore_index=True),
    )


def _read(world: World, table: str, columns: list[str]) -> pd.DataFrame:
    files = batch_files(world.from_raw(table))
    rows = read_parts(files, columns) if files else pd.DataFrame()
    if rows.empty:
        raise WorldError(
            f"world {world.name} has no {table} of raw rows: run  playproof job score-history --world {world.name}"
        )
    return rows


def _session_alarms(sessions: pd.DataFrame, world: World) -> pd.DataFrame:
    """Person-days with a flagged session; behind it is the feature that pushed its score up most."""
    flagged = sessions[sessions["is_flagged"]].copy()
    zones = read_timezones(world)
    place, names = pd.factorize(zones.reindex(flagged["user_id"]))
    ended_ms = flagged["ended_at"].to_numpy("datetime64[ms]").view("int64")
    local = to_local_ms(ended_ms, place.astype(np.int64), list(names)) // DAY_MS
    flagged["local_date"] = pd.to_datetime(local, unit="D").date
    strongest = flagged.sort_values("score", ascending=False).drop_duplicates(_KEY)
    return _alarms("session scorer", strongest, map(_pushing, strongest["reasons"]))


def _pushing(reasons: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
    """Name the feature that pushes a score up most, and say all that do."""
    said = [f"{r['feature']} {'unknown' if pd.isna(r['value']) else format(r['value'], '.3g')}" for r in reasons]
    return [r["feature"] for r in reasons[:1]], ", ".join(said)


def _rule_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_rules"]]
    behind = ((list(rules), "; ".join(said)) for rules, said in zip(flagged["rules"], flagged["reasons"], strict=True))
    return _alarms("user-day rules", flagged, behind)


def _forest_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_forest"]]
    # the forest's own reason comes last, behind those of the rules
    said = [reasons[-1] if len(reasons) else "" for reasons in flagged["reasons"]]
    return _alarms("user-day forest", flagged, (([text.split(";")[0]], text) for text in said))


def _tree_alarms(days: pd.DataFrame, trees: Trees) -> pd.DataFrame:
    _, score = trees.judge(days)
    flagged = days[score >= FLAG]
    said = trees.reasons(flagged)
    return _alarms(TREES, flagged, ((reasons[:1], "; ".join(reasons)) for reasons in said))


def _alarms(detector: str, rows: pd.DataFrame, behind: Any) -> pd.DataFrame:
    found = list(behind)
    return pd.DataFrame(
        {
            "detector": detector,
            "user_id": rows["user_id"].to_numpy(),
            "local_date": rows["local_date"].astype(str).to_numpy(),
            "behind": [names for names, _ in found],
            "words": [words for _, words in found],
        }
    )


def as_dict(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """Return the audits for JSON."""
    return [
        {
            "world": one.name,
            "person_days": one.person_days,
            "people": one.people,
            "first": one.first,
            "last": one.last,
            "not_measurable": list(one.not_measurable),
            "detectors": {
                name: {"alarms": len(one.of(name)), "behind": dict(_behind(one, name))} for name in one.detectors
            },
            "alarms": one.alarms.to_dict("records"),
        }
        for one in audits
    ]


def _behind(one: Audit, detector: str) -> list[tuple[str, int]]:
    return Counter(name for names in one.of(detector)["behind"] for name in names).most_common()


def lines(one: Audit, shown: int) -> list[str]:
    """Say an audit to a person: alarms per person-day by detector, what is behind them, and the first ones."""
    said = [
        f"world {one.name}: {one.person_days:,} person-days of {one.people:,} people, {one.first} to {one.last}; "
        "real listening, so every alarm is a false one"
    ]
    for name in one.detectors:
        alarms = len(one.of(name))
        low, high = wilson(alarms, one.person_days)
        said.append(
            f"{name:<16} {alarms:,} alarms, {100 * alarms / one.person_days:.2f} per 100 person-days "
            f"[{100 * low:.2f}, {100 * high:.2f}]"
        )
        said += [f"    {count:>4,} × {what}" for what, count in _behind(one, name)[:5]]
    unknown = ", ".join(one.not_measurable) or "nothing"
    asked = f"; so the {TREES} were not asked" if one.not_measurable else ""
    said.append(f"not measurable from this source: {unknown}{asked}")
    for alarm in one.alarms.head(shown).itertuples():
        said.append(f"{alarm.local_date}  {alarm.detector}: {alarm.words}")
    if len(one.alarms) > shown:
        said.append(f"and {len(one.alarms) - shown:,} more: --json has all")
    return said
