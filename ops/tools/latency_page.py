"""Write the figures of `playproof latency` into docs/latency.md: `playproof tools latency-page`.

The page has two pairs of marks. What is between them is made from `data/latency/results.json`; the rest is by hand.
"""

from collections.abc import Mapping
from typing import Any

from ops.errors import StackError
from ops.latency.report import COLUMNS, remarks, table_rows

MARKS = ("delays", "families")
_FAMILY_COLUMNS = (
    "family", "sessions", "in time", "with an alert", "minutes", "paid streams", "at close: minutes", "paid streams",
)  # fmt: skip


def fill(page: str, results: Mapping[str, Any]) -> str:
    """Return the page with the tables of the results. Raises StackError where a mark or a figure is missing."""
    made = {"delays": _delays(results), "families": _families(results)}
    for mark in MARKS:
        begin, end = f"<!-- {mark}:begin -->\n", f"<!-- {mark}:end -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise StackError(f"the page has no {begin.strip()} … {end}")
        page = before + begin + made[mark] + end + after
    return page


def _delays(results: Mapping[str, Any]) -> str:
    if "by_rate" not in results:
        raise StackError("the results have no delays: run  playproof latency")
    p, machine = results["parameters"], results["machine"]
    others = [each["other_cores"] for each in results["by_rate"].values() if each]
    head = (
        f"`playproof latency --users {p['users']} --days {p['days']} --seed {p['seed']} --seconds {p['seconds']:g} "
        f"--flood-rows {p['flood_rows']}`, {results['date'][:10]}, {machine['cores']} cores. "
        f"Broker, replay and whatever else ran used {min(others):.1f} to {max(others):.1f} cores meanwhile.\n\n"
    )
    notes = "".join(f"- {line}\n" for line in remarks(results))
    return head + _table(COLUMNS, table_rows(results["by_rate"])) + "\n" + notes


def _families(results: Mapping[str, Any]) -> str:
    if "alerts" not in results:
        raise StackError("the results have no alerts by family: run  playproof latency --alerts")
    alerts = results["alerts"]
    low, high = alerts["false_per_1000_interval"]
    by_family = sorted(alerts["by_family"].items(), key=lambda item: -item[1]["share_alerted"])
    rows = [_family(name, row) for name, row in (*by_family, ("all", alerts["all_families"]))]
    false = (
        f"\nFalse alerts: {alerts['false_per_1000_honest_sessions']:.2f} of 1,000 honest sessions have one, "
        f"at any look; 95 % interval by account {low:.2f} to {high:.2f} ({alerts['honest_sessions']:,} sessions). "
        f"{alerts['withdrawn_sessions']:,} of {alerts['alerted_sessions']:,} alerts were withdrawn at the close "
        f"(`{alerts['model_version']}`).\n"
    )
    return _table(_FAMILY_COLUMNS, rows) + false


def _family(name: str, row: Mapping[str, Any]) -> list[str]:
    medians = [row[key] for key in ("median_delay_min", "median_paid_streams_before")]
    medians += [row["at_close"][key] for key in ("median_delay_min", "median_paid_streams_before")]
    shares = [f"{100 * row[key]:.0f} %" for key in ("share_alerted", "share_alerted_ever")]
    return [name, f"{row['sessions']:,}", *shares, *("–" if value is None else f"{value:.0f}" for value in medians)]


def _table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"
