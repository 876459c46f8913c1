"""Decisions as CSV."""

from dataclasses import fields

from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.decisions.rules import Decision

COLUMNS = [field.name for field in fields(Decision) if field.name != "key"]


def verdicts_csv(decisions: list[Decision]) -> bytes:
    """Write decisions as CSV, one row per decision."""
    return to_csv(COLUMNS, ([getattr(decision, name) for name in COLUMNS] for decision in decisions))
