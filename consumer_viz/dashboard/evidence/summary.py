"""A case in short: why it is suspected, in a few words or in a list of reasons."""

from dataclasses import dataclass
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.evidence.honest import Usual
from consumer_viz.dashboard.evidence.reasons import BY_NAME, Reason, amount, reasons_of, sentence
from consumer_viz.dashboard.index.cases import Case, Cases


@dataclass(frozen=True, slots=True)
class Summary:
    """A case in short: what the queue's preview shows."""

    case: Case
    sessions: list[dict[str, Any]]
    reasons: list[Reason]
    lines: list[str]
    """Why, in words, strongest first; those of the daily batch after those of the sessions."""
    daily: dict[str, Any]
    history: list[Decision]

    @property
    def flagged(self) -> list[dict[str, Any]]:
        return [s for s in self.sessions if s["is_flagged"]]


def summarise(cases: Cases, usual: Usual, case: Case) -> Summary:
    """Gather what the index and the verdicts hold of a case; no file of the lake is opened."""
    sessions = cases.sessions(case.user_id)
    reasons = reasons_of(sessions, usual.features())
    daily = cases.daily(case.user_id)
    lines = [sentence(reason) for reason in reasons[:5]]
    for found in (*daily["days"][-1:], *daily["campaigns"][:2]):
        lines += [words[:1].upper() + words[1:] for words in found["reasons"][:3]]
    return Summary(case, sessions, reasons, lines, daily, cases.store.history(case.case_id))


def headline(cases: Cases, case: Case) -> str:
    """Say in a few words why a case is in the queue, without its sessions."""
    if case.is_hidden:
        return "drawn for a review without the score"
    with cases.index.read() as db:
        query = "select reasons from sessions where user_id = ? and is_flagged order by score desc limit 1"
        row = db.execute(query, (case.user_id,)).fetchone()
    if row and row[0]:
        named = [r for r in orjson.loads(row[0]) if r["feature"] in BY_NAME and r["contribution"] > 0]
        return " · ".join(f"{BY_NAME[r['feature']].words} {amount(r['feature'], r['value'])}" for r in named[:2])
    daily = cases.daily(case.user_id)
    found = [words for part in (*daily["days"][-1:], *daily["campaigns"][:1]) for words in part["reasons"]]
    return str(found[0]) if found else "not flagged"
