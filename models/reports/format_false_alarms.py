"""Format false alarms: lines for a person, and JSON with every alarm for a program."""

from collections.abc import Mapping
from typing import Any

from models.reports.false_alarms import FILTER, FUSED, HYBRID, MIN_PEOPLE, TREES, WINDOWS, FalseAlarms

BOTLIKE_PER_100 = 5.0
"""Flagged days per 100, at the lower end of the interval, from which a history is called a bot's: a choice. The aim for
honest people is under 1 by any detector, and there are six."""


def to_json(report: FalseAlarms) -> dict[str, Any]:
    """Return the report for JSON, with every alarm."""
    history = report.history
    detectors = {}
    for name in report.detectors:
        rate, low, high = report.per_100(name)
        detectors[name] = {
            "alarms": len(report.alarms_of(name)),
            "per_100_person_days": rate,
            "low": low,
            "high": high,
            "causes": dict(report.count_causes(name)),
        }
    rate, low, high = report.any_per_100()
    flagged = {"days": len(report.flagged_days()), "per_100_person_days": rate, "low": low, "high": high}
    return {
        "name": history.name,
        "is_simulated": history.is_simulated,
        "person_days": len(report.person_days),
        "people": report.people,
        "first": report.person_days["local_date"].min(),
        "last": report.person_days["local_date"].max(),
        "not_measurable": list(history.not_measurable),
        "enough_is_known": history.is_scored,
        "import": history.facts,
        "flagged_by_any": flagged,
        "detectors": detectors,
        "alarms": report.alarms.to_dict("records"),
    }


def format_lines(report: FalseAlarms, max_alarms: int | None = None) -> list[str]:
    """Format the report: alarms per 100 person-days by detector, the causes, and the alarms, at most `max_alarms`."""
    history, days = report.history, report.person_days
    kind = "simulated honest listening" if history.is_simulated else "real listening"
    lines = [
        f"{history.name}: {len(days):,} person-days of {_people(report.people)}, {days['local_date'].min()} to "
        f"{days['local_date'].max()}; {kind}, so every alarm is a false one",
        *map(_format_import, history.facts.get("imports", ())),
        _format_verdict(report),
        f"{'':<24}{'alarms':>8}  per 100 person-days [95 % interval{_of_few(report.people)}]",
    ]
    for name in report.detectors:
        rate, low, high = report.per_100(name)
        lines.append(f"{name:<24}{len(report.alarms_of(name)):>8,}  {rate:.2f} [{low:.2f}, {high:.2f}]")
        lines += [f"    {count:>4,} × {cause}" for cause, count in report.count_causes(name)[:5]]
    too_little = [
        *(["session scorer"] if not history.is_scored else []),
        *([WINDOWS] if history.windows is None else []),
        *([FUSED] if FUSED not in report.detectors else []),
    ]
    lines += [f"{name:<24}{'–':>8}  not enough is known from this source" for name in too_little]
    if TREES not in report.detectors:
        lines.append(f"{TREES:<24}{'–':>8}  did not run: they need every feature")
    unknown = ", ".join(history.not_measurable) or "nothing"
    lines.append(f"not measurable from this source ({len(history.not_measurable)} features): {unknown}")
    # the filter flags what the review flags, and `rules or forest` what these two flag: each alarm is listed once
    listed = report.alarms[~report.alarms["detector"].isin([FILTER, HYBRID])]
    shown = listed if max_alarms is None else listed.head(max_alarms)
    for alarm in shown.itertuples():
        who = f"{alarm.user_id}  " if report.people > 1 else ""
        lines.append(f"{alarm.local_date}  {who}{alarm.detector}: {alarm.reasons}")
    rest = len(listed) - len(shown)
    if rest:
        lines.append(f"and {rest:,} more: --json has all")
    return lines


def _format_verdict(report: FalseAlarms) -> str:
    """Say how many days any detector flags, and whether that is more than honest people should have."""
    flagged, fused = report.flagged_days(), len(report.alarms_of(FUSED))
    together = f"; all evidence together suspects {fused:,}" if fused else ""
    if not len(flagged):
        return f"verdict: no detector flags any of these days{together}"
    rate, low, high = report.any_per_100()
    most = flagged.sort_values("detectors", ascending=False, kind="stable").iloc[0]
    text = (
        f"verdict: {len(flagged):,} of {len(report.person_days):,} days are flagged by a detector, {rate:.2f} "
        f"[{low:.2f}, {high:.2f}] per 100"
    )
    if most["detectors"] > 1:
        text += f"; by {most['detectors']} detectors on {most['local_date']}"
    text += together
    if low > BOTLIKE_PER_100:
        text += "; this listening looks like a bot's: a detector should flag under 1 in 100 days of an honest person"
    return text


def _format_import(facts: Mapping[str, Any]) -> str:
    """Format what became of the records of an import.

    >>> _format_import({"layout": "csv", "read": 1200, "taken": 1198, "reasons": {"no track named": 2}})
    'read as csv: 1,198 of 1,200 records taken; refused: no track named (2)'
    """
    refused = ", ".join(f"{reason} ({n:,})" for reason, n in facts["reasons"].items())
    taken = f"read as {facts['layout']}: {facts['taken']:,} of {facts['read']:,} records taken"
    return f"{taken}; refused: {refused}" if refused else taken


def _of_few(people: int) -> str:
    """Say what the intervals of a few people leave out.

    >>> _of_few(1), _of_few(5)
    (' over days, which are alike: too narrow', '')
    """
    return " over days, which are alike: too narrow" if people < MIN_PEOPLE else ""


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n:,} people"
