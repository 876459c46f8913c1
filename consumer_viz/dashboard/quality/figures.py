"""How good the flags are by the verdicts of analysts: by model, by reason, blind against open, and their agreement.

Verdicts are opinions, not truth. Every share has its count and a 95 % interval.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.rates import Rate
from consumer_viz.dashboard.decisions.rules import Decision, is_same_person
from consumer_viz.dashboard.evidence.reasons import FEATURES
from consumer_viz.dashboard.index.case_index import CaseIndex
from contracts import verdicts as v


def by_model(decided: list[Decision]) -> list[Rate]:
    """Return the precision of flags by the model that made them."""
    flagged = [d for d in decided if d.drawn_by != v.RANDOM]
    return _rates((d.model_version or "unknown", d.verdict == v.CONFIRM) for d in flagged)


def by_reason(index: CaseIndex, decided: list[Decision]) -> list[Rate]:
    """Return the precision of flags by each feature among the reasons, and by each rule of the flagged days."""
    pairs = []
    for decision in decided:
        if decision.drawn_by == v.RANDOM:
            continue
        for name in _reason_names(index, decision.user_id):
            pairs.append((name, decision.verdict == v.CONFIRM))
    return _rates(pairs)


def _reason_names(index: CaseIndex, user_id: str) -> set[str]:
    """Return the reasons of an account's flagged sessions in words, and the rules of its flagged days."""
    with index.read() as db:
        sessions = db.execute("select reasons from sessions where user_id = ? and is_flagged", (user_id,)).fetchall()
        days = db.execute("select row from user_days where user_id = ? and is_flagged", (user_id,)).fetchall()
    reasons = (r for row in sessions if row[0] for r in orjson.loads(row[0]))
    features = {r["feature"] for r in reasons if r["contribution"] > 0 and r["value"] is not None}
    names = {FEATURES[name].display_name for name in features if name in FEATURES}
    return names | {
        f"day rule: {rule.replace('_', ' ')}" for row in days for rule in orjson.loads(row[0])["rules"] or ()
    }


def by_draw(decided: list[Decision]) -> list[Rate]:
    """Return how often each draw was confirmed. Blind against open shows whether analysts only follow the score."""
    return _rates((d.drawn_by, d.verdict == v.CONFIRM) for d in decided)


def missed_accounts(decided: list[Decision]) -> float | None:
    """Estimate how many accounts should have been flagged and were not; None while no random case has been decided.

    A confirmed random case counts for as many accounts as one over its probability of being drawn.
    """
    drawn = [d for d in decided if d.drawn_by == v.RANDOM]
    return sum(1 / d.draw_probability for d in drawn if d.verdict == v.CONFIRM) if drawn else None


def agreement(decisions: Iterable[Decision]) -> Rate:
    """Return how often two analysts who decided the same case gave the same verdict.

    A settled appeal does not count: who settles it judges the verdict of another, with that verdict in view.
    """
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    for d in decisions:
        if d.step == v.DECIDE and d.verdict in (v.CONFIRM, v.DISMISS):
            verdicts[d.case_id].setdefault(d.analyst, d.verdict)
    pairs = [list(by_analyst.values())[:2] for by_analyst in verdicts.values() if len(by_analyst) > 1]
    return Rate("two analysts", sum(a == b for a, b in pairs), len(pairs))


def second_reviews(decisions: Iterable[Decision]) -> Rate:
    """Return how often the second person confirmed what the first one had."""
    proposed_by: dict[str, str] = {}
    verdict: dict[str, str] = {}
    outcomes = []
    for d in decisions:
        is_second = verdict.get(d.case_id) == v.PROPOSED and not is_same_person(proposed_by[d.case_id], d.analyst)
        if is_second and (d.step == v.SECOND or (d.step == v.DECIDE and d.verdict == v.DISMISS)):
            outcomes.append(d.step == v.SECOND)
        if d.step == v.DECIDE and d.verdict == v.PROPOSED:
            proposed_by[d.case_id] = d.analyst
        verdict[d.case_id] = d.verdict
    return Rate("second reviews", sum(outcomes), len(outcomes))


def automatic_holds(decided: list[Decision], held_cases: Collection[str]) -> Rate:
    """Return how many automatically held accounts that were reviewed blind, drawn at random, were confirmed."""
    drawn = [d for d in decided if d.drawn_by == v.BLIND and d.case_id in held_cases]
    return Rate("automatic holds, drawn at random", sum(d.verdict == v.CONFIRM for d in drawn), len(drawn))


def by_code(decided: list[Decision]) -> list[dict[str, Any]]:
    """Return the number of decided cases and their euros per verdict and reason code, the most frequent first."""
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
