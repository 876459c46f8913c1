"""A case in short: why it is suspected, in a few words or as a list of reasons."""

from dataclasses import dataclass
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.evidence.honest import HonestBaseline
from consumer_viz.dashboard.evidence.reasons import FEATURES, Reason, format_reason, format_value, reasons_of
from consumer_viz.dashboard.index.cases import Case, Cases

NO_REASONS = "no reasons"
SHOWN_REASONS, SHOWN_DAILY_REASONS, SHOWN_CAMPAIGNS = 5, 3, 2


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """What the preview of a case shows."""

    case: Case
    sessions: list[dict[str, Any]]
    """Rows of the index's table sessions, in order of time."""
    reasons: list[Reason]
    lines: list[str]
    """Why, in words, the strongest first: the reasons of sessions, then those of the daily run."""
    daily: dict[str, Any]
    """The account's flagged days, weeks and campaigns, and its rank (`Cases.daily`)."""
    history: list[Decision]

    @property
    def categories(self) -> list[str]:
        """Suspected kinds of abuse, by the daily run; empty before it, and where its import cannot tell."""
        return categories_of(self.daily)

    @property
    def flagged(self) -> list[dict[str, Any]]:
        return [s for s in self.sessions if s["is_flagged"]]


def categories_of(daily: dict[str, Any]) -> list[str]:
    """Return the suspected kinds of abuse of an account from its daily rows (`Cases.daily`)."""
    return list((daily["rank"] or {}).get("categories") or [])


def summarise(cases: Cases, honest: HonestBaseline, case: Case) -> CaseSummary:
    """Collect what the index and the verdicts hold about a case. No file of the lake is opened."""
    sessions = cases.sessions(case.user_id)
    reasons = reasons_of(sessions, honest.features())
    daily = cases.daily(case.user_id)
    lines = [format_reason(reason) for reason in reasons[:SHOWN_REASONS]] or _without_reasons(sessions)
    for part in (*daily["days"][-1:], *daily["weeks"], *daily["campaigns"][:SHOWN_CAMPAIGNS]):
        lines += [text[:1].upper() + text[1:] for text in part["reasons"][:SHOWN_DAILY_REASONS]]
    lines = list(dict.fromkeys(lines))  # a day and its weeks may give the same reason
    return CaseSummary(case, sessions, reasons, lines, daily, cases.store.history(case.case_id))


def _without_reasons(sessions: list[dict[str, Any]]) -> list[str]:
    """Write what is known of a flag whose model gives no reasons; nothing where no session is flagged."""
    flagged = [s for s in sessions if s["is_flagged"]]
    if not flagged:
        return []
    highest = max(flagged, key=lambda s: s["score"])
    return [f"Flagged by {highest['model_version']} with a score of {highest['score']:.2f}: it gives {NO_REASONS}."]


def headline(cases: Cases, case: Case) -> str:
    """Write in a few words why a case is in the queue: from its highest score, or else from the daily run."""
    if case.is_hidden:
        return "reviewed without its score"
    daily = cases.daily(case.user_id)
    kind = f"{' and '.join(categories_of(daily))} abuse · " if categories_of(daily) else ""
    with cases.index.read() as db:
        query = "select reasons, score from sessions where user_id = ? and is_flagged order by score desc limit 1"
        row = db.execute(query, (case.user_id,)).fetchone()
    if row and row[0]:
        known = [r for r in orjson.loads(row[0]) if r["feature"] in FEATURES and r["contribution"] > 0]
        return kind + " · ".join(
            f"{FEATURES[r['feature']].display_name} {format_value(r['feature'], r['value'])}" for r in known[:2]
        )
    texts = [
        text for part in (*daily["days"][-1:], *daily["weeks"], *daily["campaigns"][:1]) for text in part["reasons"]
    ]
    if texts:
        return kind + str(texts[0])
    return f"{kind}score {row[1]:.2f}, {NO_REASONS}" if row else "not flagged"
