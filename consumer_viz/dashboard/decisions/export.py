"""Decisions as CSV."""

from dataclasses import fields

from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.decisions.rules import Decision


def verdicts_csv(decisions: list[Decision]) -> bytes:
    """Write decisions as CSV."""
    names = [f.name for f in fields(Decision) if f.name != "key"]
    return to_csv(names, ([getattr(d, name) for name in names] for d in decisions))
