"""One verdict on many cases: all in one transaction, with one undo.

A case that somebody else decided in between is not overwritten: it is named in the result. Cases that the analyst left
out on purpose are recorded as exceptions of the ring until the verdict is undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from consumer_viz.dashboard.decisions.handling import note_handled
from consumer_viz.dashboard.decisions.rules import Decision, DecisionError, Draft, InvalidDecision
from consumer_viz.dashboard.decisions.store import VerdictStore, add_decision, decisions_of
from contracts import verdicts as v


@dataclass(frozen=True, slots=True)
class Together:
    """What one step on many cases did."""

    key: str
    step: str
    saved: list[Decision]
    refused: list[tuple[Draft, DecisionError]]


@dataclass(frozen=True, slots=True)
class RingVerdict:
    """The newest verdict on a ring that is not undone, on how many cases, and how many were left out."""

    key: str
    analyst: str
    at: str
    verdict: str
    reason_code: str | None
    cases: int
    left_out: int


def decide_together(
    store: VerdictStore, ring_id: str, key: str, drafts: Sequence[Draft], left_out: Sequence[str]
) -> Together:
    """Decide many cases at once. `left_out`: ids of the cases that the analyst did not tick.

    Raises InvalidDecision where no case is ticked. A form that is sent twice counts once.
    """
    if not drafts:
        raise InvalidDecision("no account is ticked: tick some, or all of them with a")
    with store.writing() as (db, at):
        results = [(draft, add_decision(db, draft, at, store.policy)) for draft in drafts]
        saved = [result for _, result in results if isinstance(result, Decision)]
        if saved:
            db.execute("insert or ignore into together values (?, ?, ?, ?, ?)",
                       (key, v.DECIDE, ring_id, drafts[0].analyst, at))  # fmt: skip
            rows = [(key, d.case_id, d.version) for d in saved] + [(key, case_id, None) for case_id in left_out]
            db.executemany("insert or ignore into together_cases values (?, ?, ?)", rows)
            note_handled(db, ring_id, key, drafts[0].analyst, saved[0].verdict, at)
    return Together(key, v.DECIDE, saved, [(d, r) for d, r in results if isinstance(r, DecisionError)])


def undo_together(store: VerdictStore, key: str, analyst: str) -> Together:
    """Take back a verdict on many cases. A case that was decided again since then keeps its newer verdict.

    Raises InvalidDecision where there is no such verdict, it is already taken back, or it is another analyst's.
    """
    with store.writing() as (db, at):
        first = db.execute("select ring_id, analyst from together where key = ? and step = ?", (key, v.DECIDE))
        ring_id, decided_by = first.fetchone() or (None, None)
        if ring_id is None:
            raise InvalidDecision("there is no such verdict")
        if db.execute("select 1 from together where key = ? and step = ?", (key, v.UNDO)).fetchone():
            raise InvalidDecision("this verdict was already taken back")
        if decided_by != analyst:
            raise InvalidDecision(f"only {decided_by} can undo this; decide again instead")
        drafts = [
            Draft(
                d.case_id, d.user_id, v.UNDO, analyst, d.version, f"{d.key}u", model_version=d.model_version,
                drawn_by=d.drawn_by, draw_probability=d.draw_probability, eur=d.eur, streams=d.streams,
            )
            for d in decisions_of(db, key)
        ]  # fmt: skip
        results = [(draft, add_decision(db, draft, at, store.policy)) for draft in drafts]
        db.execute("insert into together values (?, ?, ?, ?, ?)", (key, v.UNDO, ring_id, analyst, at))
    saved = [result for _, result in results if isinstance(result, Decision)]
    return Together(key, v.UNDO, saved, [(d, r) for d, r in results if isinstance(r, DecisionError)])


def ring_cases(store: VerdictStore, ring_id: str) -> list[Decision]:
    """Return the newest decision of each case that verdicts on a ring decided, whether they were taken back or not."""
    names = ", ".join(f"s.{f.name}" for f in fields(Decision))
    query = f"""select {names} from standing s where s.case_id in (select c.case_id from together t
        join together_cases c using (key) where t.ring_id = ? and c.version is not null)
        order by s.eur desc, s.case_id"""
    with store.reading() as db:
        return [Decision(*row) for row in db.execute(query, (ring_id,))]


def ring_verdict(store: VerdictStore, ring_id: str) -> RingVerdict | None:
    """Return the newest verdict on a ring that is not taken back."""
    query = """select t.key, t.analyst, t.at, max(d.verdict), max(d.reason_code), count(c.version),
            sum(c.version is null)
        from together t join together_cases c using (key)
        left join decisions d on d.case_id = c.case_id and d.version = c.version
        where t.ring_id = ? and t.step = 'decide'
            and not exists (select 1 from together u where u.key = t.key and u.step = 'undo')
        group by t.key order by t.rowid desc limit 1"""
    with store.reading() as db:
        row = db.execute(query, (ring_id,)).fetchone()
    return RingVerdict(*row) if row else None
