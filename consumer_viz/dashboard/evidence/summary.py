"""A case in short: why it is suspected, in a few words or as a list of reasons."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.evidence.honest import HonestBaseline
from consumer_viz.dashboard.evidence.reasons import FEATURES, Reason, format_common, format_fact, is_within, reasons_of
from consumer_viz.dashboard.evidence.rule_facts import format_day, rule_flags
from consumer_viz.dashboard.evidence.together import joint_fact
from consumer_viz.dashboard.index.accounts import Accounts
from consumer_viz.dashboard.index.cases import Case
from contracts.features import SUSPICION
from contracts.wording import reasons as words
from contracts.wording.features import format_phrase
from contracts.wording.quantities import count_of, format_score

SHOWN_REASONS, SHOWN_DAILY_REASONS, SHOWN_WEEK_REASONS, SHOWN_CAMPAIGNS = 4, 3, 2, 2
OF_ALL_HONEST = words.OF_DAY.partition("{usual}")[0].rpartition("}")[2]
IN_A_DAY = " in a day"
OF_A_SESSION = words.OF_SESSION.partition("{")[0]
"""Begins the reason of a day that repeats its highest session: the case shows what was unusual in it instead."""
OF_A_PAIR = words.UNUSUAL_PAIR.partition("{")[0]
OF_LOOKS = FEATURES | {SUSPICION.name: SUSPICION}
"""Features that an alert may have as its reasons."""


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """What the preview of a case shows."""

    case: Case
    sessions: list[dict[str, Any]]
    """Rows of the index's table sessions, in order of time."""
    reasons: list[Reason]
    lines: list[str]
    """Why, in words: plain facts of the strongest day, of sessions, weeks and groups, then what is common alone."""
    daily: dict[str, Any]
    """The account's flagged days, weeks and campaigns, and its rank (`Accounts.daily`)."""
    history: list[Decision]
    rule_hits: list[dict[str, Any]]
    """The rules that its sessions meet (`Accounts.rule_hits`)."""

    @property
    def categories(self) -> list[str]:
        """Suspected kinds of abuse, by the daily run; empty before it, and where its import cannot tell."""
        return categories_of(self.daily)

    @property
    def flagged(self) -> list[dict[str, Any]]:
        return [s for s in self.sessions if s["is_flagged"]]


def categories_of(daily: dict[str, Any]) -> list[str]:
    """Return the suspected kinds of abuse of an account from its daily rows (`Accounts.daily`)."""
    return list((daily["rank"] or {}).get("categories") or [])


def summarise(accounts: Accounts, honest: HonestBaseline, case: Case) -> CaseSummary:
    """Collect what the index and the verdicts hold about a case. No file of the lake is opened."""
    sessions, usual = accounts.sessions(case.user_id), honest.features()
    reasons = reasons_of(sessions, usual)
    daily = accounts.daily(case.user_id)
    paired, joint = joint_fact([s for s in sessions if s["is_flagged"]], reasons, usual)
    of_day = _of_parts(_strongest(daily["days"]))
    lines = [
        *(text for text in of_day if _is_plain(text)),
        *_of_sessions(sessions, reasons),
        *([joint] if joint else []),
        *(text for text in of_day if not _is_plain(text)),
        *_of_parts(daily["weeks"], SHOWN_WEEK_REASONS),
        *_of_parts(daily["campaigns"][:SHOWN_CAMPAIGNS]),
    ]
    common = [reason for reason in reasons if reason.is_usual and reason.feature != paired][:SHOWN_REASONS]
    if common:
        lines.append(format_common(common, has_facts=bool(lines)))
    hits = accounts.rule_hits(case.user_id)
    by_rules = [*rule_flags(hits), *map(format_day, accounts.rule_days(case.user_id))]
    if lines and not by_rules and not any(s["is_flagged"] for s in sessions):
        lines.insert(0, words.NO_SESSION.format(sources=_sources(daily)))
    lines = [*map(_of_alert, accounts.alerts(case.user_id)), *by_rules, *lines]
    lines = [text[:1].upper() + text[1:] for text in _once(lines)]
    history = accounts.cases.store.history(case.case_id)
    return CaseSummary(case, sessions, reasons, lines, daily, history, hits)


def _once(lines: list[str]) -> list[str]:
    """Leave out a line that says of a session or of weeks what a line before it says of a day.

    >>> _once(["28 % of plays stop early; usually 0 %", "26 % of plays stop early in a suspected session; usually 3 %"])
    ['28 % of plays stop early; usually 0 %']
    """
    by_kind: dict[str, str] = {}
    for line in lines:
        fact = re.split(r"; | in a suspected session|, over \d+ days", line)[0]
        by_kind.setdefault(re.sub(r"\d[\d.,]*", "…", fact), line)
    return list(by_kind.values())


def _of_alert(alert: dict[str, Any]) -> str:
    """Say why a session that is still open has an alert."""
    known = [r for r in alert["reasons"] if r["feature"] in OF_LOOKS and r["value"] is not None]
    phrases = " · ".join(format_phrase(OF_LOOKS[r["feature"]], r["value"]) for r in known) or words.NO_REASONS
    streams = count_of(alert["streams"], "stream")
    return words.OPEN_SESSION.format(streams=streams, score=format_score(alert["score"]), phrases=phrases)


def _of_parts(parts: list[dict[str, Any]], shown: int = SHOWN_DAILY_REASONS) -> list[str]:
    """Return the first reasons of days, weeks or campaigns, without those that only name a session's score."""
    texts = [[str(text) for text in part["reasons"] if not text.startswith(OF_A_SESSION)] for part in parts]
    return [text for of_part in texts for text in of_part[:shown]]


def _is_plain(reason: str) -> bool:
    """Whether a reason of a day counts, or compares with the account itself or its like, and needs no second measure.

    >>> _is_plain("938 plays in a day; similar accounts: usually 18")
    True
    >>> _is_plain("6 % of plays began by themselves; honest listeners: usually 29 %")
    False
    >>> _is_plain("an unusual combination: 2 sessions in a day with 90 streams; similar accounts: usually 1 and 9")
    False
    """
    return (OF_ALL_HONEST not in reason or IN_A_DAY in reason) and not reason.startswith(OF_A_PAIR)


def _of_sessions(sessions: list[dict[str, Any]], reasons: list[Reason]) -> list[str]:
    """Return what is unusual in flagged sessions, strongest first; of a model without reasons, its score."""
    flagged = [s for s in sessions if s["is_flagged"]]
    if flagged and not reasons:
        highest = max(flagged, key=lambda s: s["score"])
        score = format_score(highest["score"])
        return [words.WITHOUT_REASONS.format(model=highest["model_version"], score=score)]
    return [format_fact(reason) for reason in reasons if not reason.is_usual][:SHOWN_REASONS]


def _strongest(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the suspected day with the highest score, the newest of equals; empty without one."""
    return sorted(days, key=lambda day: (day.get("score") or 0.0, day["local_date"]))[-1:]


def _sources(daily: dict[str, Any]) -> str:
    """Name what suspects an account none of whose sessions is suspected."""
    has = {"days": daily["days"], "weeks": daily["weeks"], "groups": daily["campaigns"]}
    return ", ".join(text for name, text in words.SOURCES.items() if has[name])


def headline(accounts: Accounts, honest: HonestBaseline, case: Case) -> str:
    """Write in a few words why a case is in the queue: a fact of its strongest day, or else of its highest score.

    Of a session's facts those come first that honest sessions rarely have.
    """
    if case.is_hidden or case.is_kept:
        return "reviewed without its score" if case.is_hidden else "its rows are gone by retention"
    daily = accounts.daily(case.user_id)
    kind = f"{' and '.join(categories_of(daily))} abuse · " if categories_of(daily) else ""
    of_day = _of_parts(_strongest(daily["days"]))
    if plain := [text for text in of_day if _is_plain(text)]:
        return kind + plain[0]
    with accounts.cases.index.read() as db:
        query = "select reasons, score from sessions where user_id = ? and is_flagged order by score desc limit 1"
        row = db.execute(query, (case.user_id,)).fetchone()
    if row and row[0]:
        usual = honest.usual_range()
        known = [
            (r["feature"], r["value"])
            for r in orjson.loads(row[0])
            if r["feature"] in FEATURES and r["contribution"] > 0 and r["value"] is not None
        ]
        known.sort(key=lambda pair: is_within(pair[0], pair[1], usual))
        phrases = " · ".join(format_phrase(FEATURES[name], value) for name, value in known[:2])
        if phrases:
            return kind + words.IN_ONE_SESSION.format(phrases=phrases)
    by_rules = (
        []
        if row
        else [*rule_flags(accounts.rule_hits(case.user_id)), *map(format_day, accounts.rule_days(case.user_id))]
    )
    if texts := [*by_rules, *of_day, *_of_parts(daily["weeks"]), *_of_parts(daily["campaigns"])]:
        return kind + texts[0]
    if not row and (alerts := accounts.alerts(case.user_id)):
        return kind + _of_alert(alerts[-1])
    return f"{kind}score {format_score(row[1])}, {words.NO_REASONS}" if row else "not flagged"
