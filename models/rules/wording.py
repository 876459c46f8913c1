"""A back-test in words, for the console; the desk's page shows the same figures."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.rules import DAY, SESSION, WEEKS
from contracts.wording.quantities import format_quantity

ROWS = {SESSION: "sessions", DAY: "user-days", WEEKS: "windows of 7 and 28 days"}
"""What a rule looks at -> its rows, in words."""


def format_rate(rate: Mapping[str, Any]) -> str:
    """Write a share of accounts with its interval.

    >>> format_rate({"hits": 3, "n": 4, "share": 0.75, "low": 0.3, "high": 0.95})
    '3 of 4 (75 %; 95 % interval 30 % to 95 %)'
    """
    if rate["share"] is None:
        return "none of 0"
    share, low, high = (format_quantity(rate[name], "share") for name in ("share", "low", "high"))
    return f"{rate['hits']:,} of {rate['n']:,} ({share}; 95 % interval {low} to {high})"


def format_test(test: Mapping[str, Any]) -> Iterator[str]:
    """Write the lines of a back-test (`BackTest.as_dict`)."""
    rows = ROWS[test["grain"]]
    share = format_quantity(test["hits"] / test["rows"] if test["rows"] else None, "share")
    yield (
        f"{test['rows']:,} {rows} in {test['seconds']:.2f} s: {test['hits']:,} hit ({share}), "
        f"{test['unknown']:,} unknown"
    )
    yield f"accounts hit: {format_rate(test['accounts'])}"
    if test["streams"] is not None:
        yield f"streams in what is hit: {test['streams']:,}"
    if test["both"] is not None:
        both, only_rule, only_model = test["both"], test["only_rule"], test["only_model"]
        yield f"next to the model: both {both:,}, only the rule {only_rule:,}, only the model {only_model:,}"
    decided = format_rate(test["verdicts"]) if (test["verdicts"] or {}).get("n") else "none decided yet"
    yield f"confirmed by analysts, of accounts hit and decided: {decided}"
    if test["truth"] is None:
        yield "bots, of accounts hit: not known in this world"
        return
    yield f"bots, of accounts hit (simulated truth): {format_rate(test['truth'])}"
    for title, key in (("bots hit, by family", "by_family"), ("honest accounts hit, by cohort", "by_cohort")):
        hit = {name: rate for name, rate in test[key].items() if rate["hits"]}
        yield f"{title}: {len(hit)} of {len(test[key])}"
        yield from (f"  {name}: {format_rate(rate)}" for name, rate in hit.items())
