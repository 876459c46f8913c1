"""The curve of evasion as lines for a person."""

from collections.abc import Mapping
from typing import Any


def format_evasion(results: Mapping[str, Any]) -> list[str]:
    """Format a line for each family and budget: the winner in the worlds that the search did not see."""
    lines = [
        f"{'family':<15}{'budget':>7}{'tries':>6}{'found':>7}{'fresh':>7}  {'interval':<14}{'7 days':>7}{'days':>6}"
        f"{'streams':>9}   noticed by"
    ]
    for family, entry in results["families"].items():
        for point in entry["curve"]:
            lines.append(f"{family:<15}{point['budget']:>7}{point['evaluations']:>6}" + _format_point(point))
    honest = [entry["honest_flagged_28"]["any"] for entry in results["families"].values()]
    days = results["settings"]["days"]
    lines += [
        "budget: target streams per account-day, at least; found, fresh: accounts flagged within 28 days, in the world",
        "of the search and in worlds of other seeds; days, streams: mean of an account until its first flag",
        f"of the honest accounts of these worlds {sum(honest) / len(honest):.0%} are flagged in {days} days",
    ]
    return lines


def _format_point(point: Mapping[str, Any]) -> str:
    fresh = point["fresh"]
    if fresh is None:
        return "   not delivered"
    noticed = sorted(fresh["by_detector"].items(), key=lambda item: -item[1])
    by = ", ".join(f"{name} {share:.0%}" for name, share in noticed if share) or "nobody"
    interval = f"[{fresh['flagged_28_low']:.2f}, {fresh['flagged_28_high']:.2f}]"
    return (
        f"{point['search']['flagged_28']:>7.2f}{fresh['flagged_28']:>7.2f}  {interval:<14}{fresh['flagged_7']:>7.2f}"
        f"{fresh['days_before_flag']:>6.1f}{fresh['streams_before_flag']:>9,.0f}   {by}"
    )
