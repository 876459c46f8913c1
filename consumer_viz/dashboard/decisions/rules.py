"""What an analyst may decide, and what becomes of it. Pure functions: no database, no clock."""

import unicodedata
from dataclasses import dataclass

from consumer_viz.dashboard.decisions.holds import Line
from contracts import verdicts as v
from contracts.actions import MICROS_PER_EUR


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner of the pages has set for all analysts."""

    second_review_eur: float | None = None
    """A confirmed case or ring with more money at risk waits for a second person; None: no case does."""
    hold_days: int = 90
    """Days after which a hold of streams ends by itself."""
    auto_hold_score: float | None = None
    """Score from which a flagged session is held before anybody decided; None: none is."""
    auto_hold_days: int = 14
    """Days after which an automatic hold ends by itself."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an analyst asks for, before it is checked. `seen_version` is the version on the screen, 0 for none."""

    case_id: str
    user_id: str
    step: str
    analyst: str
    seen_version: int
    key: str
    """Of the form: a form that is sent twice counts once."""
    verdict: str = ""
    reason_code: str | None = None
    note: str | None = None
    model_version: str | None = None
    drawn_by: str = v.BY_FLAG
    draw_probability: float = 1.0
    eur: float = 0.0
    """Money at risk when it was decided."""
    streams: int = 0
    sum_eur: float | None = None
    """Money of the ring that the account is in, whether it is decided with the ring or alone. None: `eur`."""
    is_of_ring: bool = False
    """Whether it is one of the decisions that a verdict on a ring makes."""
    last_scored_at: str | None = None
    """When the newest score that it decides on was made."""
    seen_scored_at: str | None = None
    """The same on the analyst's screen, empty for no score; None: not asked."""
    may_review: bool = True
    """Whether the analyst's role allows second reviews and appeals."""
    is_identified: bool = False
    """Whether a proxy or an identity provider vouches for the analyst's name."""
    lines: tuple[Line, ...] = ()
    """Streams that are held if the case is confirmed."""
    grounds: tuple[str, ...] = ()
    """Why the case is suspected, as the page says it: kept with the decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One version of a case's verdict: a row of table `decisions`."""

    case_id: str
    version: int
    user_id: str
    verdict: str
    reason_code: str | None
    note: str | None
    analyst: str
    model_version: str | None
    decided_at: str
    step: str
    drawn_by: str
    draw_probability: float
    key: str
    eur: float
    streams: int

    @property
    def is_appealed(self) -> bool:
        return self.step == v.APPEAL


class DecisionError(Exception):
    """A draft that was not saved. `outcome` names the kind in the list of attempts."""

    outcome: str


class InvalidDecision(DecisionError):
    """A draft that the rules do not allow; the text says why."""

    outcome = "refused"


class VersionConflict(DecisionError):
    """Another analyst decided in between: `latest` is their decision, `draft` is what was not saved."""

    outcome = "conflict"

    def __init__(self, latest: Decision, draft: Draft) -> None:
        super().__init__(f"case {draft.case_id} is at version {latest.version}, decided on {draft.seen_version}")
        self.latest = latest
        self.draft = draft


def next_decision(draft: Draft, latest: Decision | None, history: list[Decision], at: str, policy: Policy) -> Decision:
    """Return the decision that a draft makes after a case's latest one. Raises VersionConflict, InvalidDecision."""
    if latest and latest.version != draft.seen_version:
        raise VersionConflict(latest, draft)
    if latest is None and draft.seen_version:
        raise InvalidDecision("the page shows a decision that the record does not have: reload the page and try again")
    version = latest.version if latest else 0
    if draft.step == v.DECIDE:
        if latest and latest.is_appealed:
            raise InvalidDecision("an appeal waits on this case: it is settled first")
        if draft.seen_scored_at not in (None, draft.last_scored_at or ""):
            raise InvalidDecision("what suspects this account changed while you looked: open it again, then decide")
        step, verdict = _decide(draft, latest, history, policy)
        reason, note = draft.reason_code, draft.note
    else:
        step = draft.step
        verdict, reason, note = _outcome(draft, latest, history)
    # never before the score that it decides on: this clock may have been set back, or the scoring machine's be ahead,
    # and what is flagged after a dismissal brings the case back
    decided_at = max(at, draft.last_scored_at or "")
    return Decision(
        draft.case_id, version + 1, draft.user_id, verdict, reason, note, draft.analyst, draft.model_version,
        decided_at, step, draft.drawn_by, draft.draw_probability, draft.key, draft.eur, draft.streams,
    )  # fmt: skip


def _decide(draft: Draft, latest: Decision | None, history: list[Decision], policy: Policy) -> tuple[str, str]:
    """Return step and verdict of a decision: who confirms over the set sum proposes, a second person confirms."""
    verdict = _checked_verdict(draft.verdict, draft.reason_code)
    is_proposed = latest is not None and latest.verdict == v.PROPOSED
    if verdict != v.CONFIRM:
        return v.DECIDE, verdict
    if is_proposed and not is_same_person(proposer(history), draft.analyst):
        if not draft.may_review:
            raise InvalidDecision("a reviewer confirms it a second time: your role does not allow that")
        return v.SECOND, v.CONFIRM
    held_eur = sum(line.eur_micros for line in draft.lines) / MICROS_PER_EUR
    eur = max(draft.eur if draft.sum_eur is None else draft.sum_eur, held_eur)
    is_over = policy.second_review_eur is not None and eur > policy.second_review_eur
    return v.DECIDE, v.PROPOSED if is_proposed or is_over else v.CONFIRM


def proposer(history: list[Decision]) -> str | None:
    """Return who proposed the newest confirmation that needed a second person."""
    return next((d.analyst for d in reversed(history) if d.verdict == v.PROPOSED and d.step == v.DECIDE), None)


def is_same_person(one: str | None, other: str) -> bool:
    """Say whether two names are one person's, whatever their case and blanks, and however their letters are encoded.

    >>> is_same_person("Ana  Lee", "ana lee"), is_same_person("Zoe\\u0308", "zo\\u00eb"), is_same_person(None, "ana")
    (True, True, False)
    """
    return one is not None and _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def _outcome(draft: Draft, latest: Decision | None, history: list[Decision]) -> tuple[str, str | None, str | None]:
    """Return verdict, reason code and note after a step that is no new decision."""
    if latest is None or latest.verdict == v.OPEN:
        raise InvalidDecision("there is no verdict on this case yet")
    if draft.step == v.UNDO:
        return _undo(draft, latest, history)
    if draft.step == v.APPEAL:
        if latest.verdict != v.CONFIRM or latest.is_appealed:
            raise InvalidDecision("only a confirmed case can be appealed, once at a time")
        if not draft.note:
            raise InvalidDecision("write a note: what the holder objects")
        return latest.verdict, latest.reason_code, draft.note
    if not latest.is_appealed:
        raise InvalidDecision("no appeal is waiting on this case")
    if draft.step in (v.UPHOLD, v.ROLL_BACK):
        _check_may_settle(draft, history)
    if draft.step == v.UPHOLD:
        return latest.verdict, latest.reason_code, draft.note
    if draft.step == v.ROLL_BACK:
        return _checked_verdict(v.DISMISS, draft.reason_code), draft.reason_code, draft.note
    raise InvalidDecision(f"step {draft.step!r} is none of {', '.join(v.STEPS)}")


def _undo(draft: Draft, latest: Decision, history: list[Decision]) -> tuple[str, str | None, str | None]:
    if latest.step == v.UNDO:
        raise InvalidDecision("the last decision was already taken back")
    if latest.step in (v.UPHOLD, v.ROLL_BACK):  # the appeal would neither wait nor be settled
        raise InvalidDecision("a settled appeal is not undone: decide again, or record the appeal again")
    if latest.analyst != draft.analyst:
        raise InvalidDecision(f"only {latest.analyst} can undo this; decide again instead")
    before = history[-2] if len(history) > 1 else None
    return (before.verdict, before.reason_code, draft.note) if before else (v.OPEN, None, draft.note)


def _check_may_settle(draft: Draft, history: list[Decision]) -> None:
    """Raise InvalidDecision where somebody may not settle an appeal.

    A name that is only entered may settle its own case's appeal; the history then says so.
    """
    if not draft.may_review:
        raise InvalidDecision("a reviewer settles appeals: your role does not allow that")
    confirmed = [d.analyst for d in history if d.verdict in (v.CONFIRM, v.PROPOSED) and d.step in (v.DECIDE, v.SECOND)]
    if draft.is_identified and any(is_same_person(name, draft.analyst) for name in confirmed):
        raise InvalidDecision("you confirmed this case: somebody else settles its appeal")
    if not draft.note:
        raise InvalidDecision("write a note: why the appeal is settled so")


def _checked_verdict(verdict: str, reason_code: str | None) -> str:
    if verdict not in v.REASONS:
        raise InvalidDecision(f"verdict {verdict!r} is none of {', '.join(v.REASONS)}")
    if reason_code not in v.REASONS[verdict]:
        raise InvalidDecision(f"choose a reason: a verdict {verdict!r} needs one of {', '.join(v.REASONS[verdict])}")
    return verdict
