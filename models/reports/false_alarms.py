"""False alarms on real listening: which days of real people each detector flags, and why.

A history that a person exported is honest, so every alarm here is a false one. The unit is the person-day: a local day
on which that person listened. Days of one person are similar, so the real uncertainty is larger than the interval over
days.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.metrics.intervals import wilson
from models.tables.lake_tables import batch_files, read_parts
from models.tables.static_tables import read_timezones
from models.tables.times import epoch_ms
from models.user_days.detect import detect
from models.user_days.hybrid import FLAG
from models.user_days.trees import UserDayTrees, load_trees
from runtime.local_time import to_local_ms
from runtime.units import DAY_MS
from runtime.world import World, WorldError

SESSION_SCORER, RULES, FOREST, TREES = "session scorer", "user-day rules", "user-day forest", "user-day trees"
SESSIONS, USER_DAYS = "scored_sessions", "user_days"
_SESSION_COLUMNS = ["user_id", "ended_at", "score", "is_flagged", "reasons", "model_version"]
_DAY_COLUMNS = ["user_id", "local_date", "plan", "country", "plays", "streams", *USER_DAY_FEATURE_NAMES]
_KEY = ["user_id", "local_date"]


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """The alarms of one imported world."""

    world: str
    person_days: int
    people: int
    first: str
    """First and last local date, ISO 8601."""
    last: str
    not_measurable: tuple[str, ...]
    """Features that the source of the world lacks."""
    alarms: pd.DataFrame
    """One row per detector and person-day: detector, user_id, local_date, behind (list of rules or features), words."""

    @property
    def detectors(self) -> tuple[str, ...]:
        """The detectors that ran: the trees only where the source has every feature that they were trained with."""
        return (SESSION_SCORER, RULES, FOREST, *(() if self.not_measurable else (TREES,)))

    def alarms_of(self, detector: str) -> pd.DataFrame:
        """Return the alarms of one detector."""
        return self.alarms[self.alarms["detector"] == detector]

    def count_causes(self, detector: str) -> list[tuple[str, int]]:
        """Return the rules or features behind a detector's alarms, each with its number of alarms, most first."""
        return Counter(name for names in self.alarms_of(detector)["behind"] for name in names).most_common()


def find_false_alarms(world: World) -> FalseAlarms:
    """Run the detectors on an imported world. Raises WorldError where a table of it is missing."""
    sessions, days = _read(world, SESSIONS, _SESSION_COLUMNS), _read(world, USER_DAYS, _DAY_COLUMNS)
    flags = detect(days)
    parts = [_session_alarms(sessions, world), _rule_alarms(flags), _forest_alarms(flags)]
    if not world.not_measurable:
        parts.append(_tree_alarms(days, load_trees()))
    alarms = pd.concat(parts, ignore_index=True)
    return FalseAlarms(
        world=world.name,
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
    """Return the person-days with a flagged session; behind it is the feature that raised its score most."""
    flagged = sessions[sessions["is_flagged"]].copy()
    zone_of, zones = pd.factorize(read_timezones(world).reindex(flagged["user_id"]))
    local = to_local_ms(epoch_ms(flagged["ended_at"]), zone_of.astype(np.int64), list(zones)) // DAY_MS
    flagged["local_date"] = pd.to_datetime(local, unit="D").date
    strongest = flagged.sort_values("score", ascending=False).drop_duplicates(_KEY)
    return _alarms(SESSION_SCORER, strongest, map(_session_cause, strongest["reasons"]))


def _session_cause(reasons: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
    """Return the feature that raises a score most, and a text with all that raise it."""
    texts = [f"{r['feature']} {'unknown' if pd.isna(r['value']) else format(r['value'], '.3g')}" for r in reasons]
    return [r["feature"] for r in reasons[:1]], ", ".join(texts)


def _rule_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_rules"]]
    pairs = zip(flagged["rules"], flagged["reasons"], strict=True)
    return _alarms(RULES, flagged, ((list(rules), "; ".join(reasons)) for rules, reasons in pairs))


def _forest_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_forest"]]
    # the forest's reason is the last one, after those of the rules
    reasons = [day[-1] if len(day) else "" for day in flagged["reasons"]]
    return _alarms(FOREST, flagged, (([reason.split(";")[0]], reason) for reason in reasons))


def _tree_alarms(days: pd.DataFrame, trees: UserDayTrees) -> pd.DataFrame:
    _, score = trees.score(days)
    flagged = days[score >= FLAG]
    return _alarms(TREES, flagged, ((reasons[:1], "; ".join(reasons)) for reasons in trees.reasons(flagged)))


def _alarms(detector: str, rows: pd.DataFrame, causes: Iterable[tuple[list[str], str]]) -> pd.DataFrame:
    """Return the alarms of flagged rows; `causes` by row: rules or features, and the text of the reasons."""
    pairs = list(causes)
    return pd.DataFrame(
        {
            "detector": detector,
            "user_id": rows["user_id"].to_numpy(),
            "local_date": rows["local_date"].astype(str).to_numpy(),
            "behind": [names for names, _ in pairs],
            "words": [text for _, text in pairs],
        }
    )


def to_json(report: FalseAlarms) -> dict[str, Any]:
    """Return the report for JSON, with every alarm."""
    return {
        "world": report.world,
        "person_days": report.person_days,
        "people": report.people,
        "first": report.first,
        "last": report.last,
        "not_measurable": list(report.not_measurable),
        "detectors": {
            name: {"alarms": len(report.alarms_of(name)), "behind": dict(report.count_causes(name))}
            for name in report.detectors
        },
        "alarms": report.alarms.to_dict("records"),
    }


def format_lines(report: FalseAlarms, max_alarms: int) -> list[str]:
    """Format the report: alarms per person-day by detector, the causes, and at most `max_alarms` alarms."""
    lines = [
        f"world {report.world}: {report.person_days:,} person-days of {report.people:,} people, {report.first} to "
        f"{report.last}; real listening, so every alarm is a false one"
    ]
    for name in report.detectors:
        alarms = len(report.alarms_of(name))
        low, high = wilson(alarms, report.person_days)
        lines.append(
            f"{name:<16} {alarms:,} alarms, {100 * alarms / report.person_days:.2f} per 100 person-days "
            f"[{100 * low:.2f}, {100 * high:.2f}]"
        )
        lines += [f"    {count:>4,} × {cause}" for cause, count in report.count_causes(name)[:5]]
    unknown = ", ".join(report.not_measurable) or "nothing"
    skipped = f"; so the {TREES} did not run" if report.not_measurable else ""
    lines.append(f"not measurable from this source: {unknown}{skipped}")
    for alarm in report.alarms.head(max_alarms).itertuples():
        lines.append(f"{alarm.local_date}  {alarm.detector}: {alarm.words}")
    if len(report.alarms) > max_alarms:
        lines.append(f"and {len(report.alarms) - max_alarms:,} more: --json has all")
    return lines
