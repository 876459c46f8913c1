"""What rules say of an account, in words: rule, version, and the values that it read."""

from collections.abc import Iterable
from typing import Any

from contracts.rules import ACTIVE, SESSION_NAMES
from contracts.wording import reasons as words
from contracts.wording.features import format_phrase
from contracts.wording.quantities import count_of

FEATURES = {feature.name: feature for feature in SESSION_NAMES}


def rule_flags(hits: Iterable[dict[str, Any]]) -> list[str]:
    """Return a text for each rule that flags the account; `hits` as `Accounts.rule_hits` returns them."""
    return [format_hit(hit) for hit in hits if hit["state"] == ACTIVE and hit["allowed_by"] is None]


def format_day(row: dict[str, Any]) -> str:
    """Name the rule and version that flags a day or window, and the values that it read.

    >>> row = {"rule_id": "awake", "rule_version": 1, "days": 1, "last_day": "2025-03-03", "title": "no sleep"}
    >>> format_day(row | {"reasons": ["21 h without a pause of 2 h"]})
    'rule awake v1, on 2025-03-03: no sleep; 21 h without a pause of 2 h'
    """
    period = f"on {row['last_day']}" if row["days"] == 1 else f"over {row['days']} days to {row['last_day']}"
    rule, phrases = f"{row['rule_id']} v{row['rule_version']}", " · ".join(row["reasons"])
    return words.RULE_OF_DAYS.format(rule=rule, period=period, title=row["title"], phrases=phrases)


def format_hit(hit: dict[str, Any]) -> str:
    """Name the rule and version of a hit, what it finds, and the values of its largest session.

    >>> hit = {"rule_id": "short-loop", "version": 2, "sessions": 3, "title": "stops at 31 s", "features": []}
    >>> format_hit(hit | {"features": [{"feature": "streams", "value": 120.0}]})
    'rule short-loop v2, in 3 sessions: stops at 31 s; in the largest: 120 streams'
    """
    known = [f for f in hit["features"] if f["feature"] in FEATURES and f["value"] is not None]
    phrases = " · ".join(format_phrase(FEATURES[f["feature"]], f["value"]) for f in known)
    template = words.RULE_WITH if phrases else words.RULE
    rule, hits = f"{hit['rule_id']} v{hit['version']}", count_of(hit["sessions"], "session")
    return template.format(rule=rule, hits=hits, title=hit["title"], phrases=phrases)
