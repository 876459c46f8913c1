"""How good the flags are by what analysts decided: by model, by reason, blind against open, one against another.

Verdicts are opinions, not truth; every share comes with its count and a 95 % interval.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.rates import Rate
from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.evidence.reasons import BY_NAME
from consumer_viz.dashboard.state import Desk
from contracts import verdicts as v


def by_model(decided: list[Decision]) -> list[Rate]:
    """Return the precision of flags by the model that made them."""
    flagged = [d for d in decided if d.drawn_by != v.RANDOM]
    return _rates((d.model_version or "unknown", d.verdict == v.CONFIRM) for d in flagged)


def by_reason(desk: Desk, decided: list[Decision]) -> list[Rate]:
    """Return the precision of flags by each feature among the reasons, and by each rule of the flagged days."""
    pairs = []
    for decision in decided:
        if decision.drawn_by == v.RANDOM:
            continue
        for name in _named(desk, decision.user_id):
            pairs.append((name, decision.verdict == v.CONFIRM))
    return _rates(pairs)


def _named(desk: Desk, user_id: str) -> set[str]:
    """Return the reasons of an account's flagged sessions in words, and the rules of its flagged days."""
    with desk.index.read() as db:
        sessions = db.execute("select reasons from sessions where user_id = ? and is_flagged", (user_id,)).fetchall()
        days = db.execute("select row from user_days where user_id = ? and is_flagged", (user_id,)).fetchall()
    found = {r["feature"] for row in sessions if row[0] for r in orjson.loads(row[0]) if r["contribution"] > 0}
    words = {BY_NAME[name].words for name in found if name in BY_NAME}
    return words | {
        f"day rule: {rule.replace('_', ' ')}" for row in days for rule in orjson.loads(row[0])["rules"] or ()
    }


def by_draw(decided: list[Decision]) -> list[Rate]:
    """Return how often each draw was confirmed: blind against open says whether analysts only follow the score."""
    return _rates((d.drawn_by, d.verdict == v.CONFIRM) for d in decided)


def missed(decided: list[Decision]) -> float | None:
    """Estimate the accounts that should have been flagged: each confirmed random case stands for many like it.

    None while no random case has been decided.
    """
    drawn = [d for d in decided if d.drawn_by == v.RANDOM]
    return sum(1 / d.draw_probability for d in drawn if d.verdict == v.CONFIRM) if drawn else None


def agreement(decisions: Iterable[Decision]) -> Rate:
    """Return how often two analysts who decided the same case said the same."""
    opinions: dict[str, dict[str, str]] = defaultdict(dict)
    for d in decisions:
        if d.step in (v.DECIDE, v.ROLL_BACK, v.UPHOLD) and d.verdict in (v.CONFIRM, v.DISMISS):
            opinions[d.case_id].setdefault(d.analyst, d.verdict)
    pairs = [list(by.values())[:2] for by in opinions.values() if len(by) > 1]
    return Rate("two analysts", sum(a == b for a, b in pairs), len(pairs))


def by_code(decided: list[Decision]) -> list[dict[str, Any]]:
    """Return how often each reason code stands, and the euros behind it."""
    count = Counter((d.verdict, d.reason_code) for d in decided)
    eur: dict[tuple[str, str | None], float] = defaultdict(float)
    for d in decided:
        eur[d.verdict, d.reason_code] += d.eur
    return [{"verdict": k[0], "reason": k[1], "cases": n, "eur": eur[k]} for k, n in count.most_common()]


def _rates(pairs: Iterable[tuple[str, bool]]) -> list[Rate]:
    hits: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for name, is_hit in pairs:
        of[name] += 1
        hits[name] += is_hit
    return [Rate(name, hits[name], n) for name, n in of.most_common()]
