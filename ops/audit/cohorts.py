"""False alarms by kind of honest listener: who among the simulated people pays for each detector."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from models.labels.truth import read_account_truth
from models.reports.false_alarms import FalseAlarms
from ops.audit.run import audit_world
from runtime.world import World, WorldError

EVERYBODY = "everybody"


def audit_cohorts(worlds: Sequence[World], model: Path | None = None) -> dict[str, FalseAlarms]:
    """Audit the honest accounts of simulated worlds: a report for EVERYBODY, and one for each kind of listener.

    The kinds come in the order of their person-days. Raises WorldError where a world has no truth.
    """
    for world in worlds:
        if not world.truth("users.parquet").exists():
            raise WorldError(
                f"world {world.name} has no truth: --cohorts needs a simulated world, whose people are known"
            )
    report = _pool([audit_world(world, model).report for world in worlds])
    people = pd.concat([read_account_truth(world) for world in worlds])
    parts = {str(cohort): report.of_people(set(rows["user_id"])) for cohort, rows in people.groupby("cohort")}
    ordered = sorted(parts.items(), key=lambda part: -len(part[1].person_days))
    return {EVERYBODY: report} | {cohort: part for cohort, part in ordered if len(part.person_days)}


def _pool(reports: Sequence[FalseAlarms]) -> FalseAlarms:
    """Add up reports of worlds with different people, which the same detectors looked at."""
    return FalseAlarms(
        history=reports[0].history,
        person_days=pd.concat([report.person_days for report in reports], ignore_index=True),
        detectors=reports[0].detectors,
        alarms=pd.concat([report.alarms for report in reports], ignore_index=True),
    )


def format_cohorts(parts: Mapping[str, FalseAlarms]) -> list[str]:
    """Format a table: a line for each kind of listener, a column for each detector with alarms per 100 person-days."""
    detectors = parts[EVERYBODY].detectors
    lines = [f"| listeners | people | person-days | {' | '.join(detectors)} |", "|---" * (len(detectors) + 3) + "|"]
    for cohort, report in parts.items():
        cells = [_format_cell(*report.per_100(detector)) for detector in detectors]
        lines.append(f"| {cohort} | {report.people:,} | {len(report.person_days):,} | {' | '.join(cells)} |")
    return lines


def _format_cell(rate: float, low: float, high: float) -> str:
    return f"{rate:.2f} [{low:.2f}, {high:.2f}]"
