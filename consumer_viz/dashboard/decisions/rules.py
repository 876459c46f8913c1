"""What an analyst asks for, what becomes of it, and when it is refused. Pure: no database, no clock."""

from dataclasses import dataclass

from contracts import verdicts as v


@dataclass(frozen=True, slots=True)
class Draft:
    """What an analyst asks for. `seen_version` is the version on the screen, 0 where there was none."""

    case_id: str
    user_id: str
    step: str
    analyst: str
    seen_version: int
    key: str
    verdict: str = ""
    reason_code: str | None = None
    note: str | None = None
    model_version: str | None = None
    drawn_by: str = v.BY_FLAG
    draw_probability: float = 1.0
    eur: float = 0.0
    """Money at risk when it was decided; what a confirmed case counts for."""
    streams: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One version of a case's verdict, as it stands in table `decisions`."""

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


class Refused(Exception):
    """A decision that makes no sense as it is; the text says why."""


class Conflict(Exception):
    """Somebody decided in between: `standing` is theirs, `draft` is what was not saved."""

    def __init__(self, standing: Decision, draft: Draft) -> None:
        super().__init__(f"case {draft.case_id} is at version {standing.version}, decided on {draft.seen_version}")
        self.standing = standing
        self.draft = draft


def next_decision(draft: Draft, standing: Decision | None, history: list[Decision], at: str) -> Decision:
    """Return the decision a draft makes of what stands. Raises Conflict, Refused."""
    if standing and standing.version != draft.seen_version:
        raise Conflict(standing, draft)
    version = standing.version if standing else 0
    verdict, reason, note = _outcome(draft, standing, history)
    return Decision(
        draft.case_id, version + 1, draft.user_id, verdict, reason, note, draft.analyst, draft.model_version, at,
        draft.step, draft.drawn_by, draft.draw_probability, draft.key, draft.eur, draft.streams,
    )  # fmt: skip


def _outcome(draft: Draft, standing: Decision | None, history: list[Decision]) -> tuple[str, str | None, str | None]:
    if draft.step == v.DECIDE:
        return _checked(draft.verdict, draft.reason_code), draft.reason_code, draft.note
    if standing is None or standing.verdict == v.OPEN:
        raise Refused("there is no verdict on this case yet")
    if draft.step == v.UNDO:
        if standing.step == v.UNDO:
            raise Refused("the last decision was already taken back")
        if standing.analyst != draft.analyst:
            raise Refused(f"only {standing.analyst} can undo this; decide anew instead")
        before = history[-2] if len(history) > 1 else None
        return (before.verdict, before.reason_code, draft.note) if before else (v.OPEN, None, draft.note)
    if draft.step == v.APPEAL:
        if standing.verdict != v.CONFIRM or standing.is_appealed:
            raise Refused("only a confirmed case can be appealed, once at a time")
        return standing.verdict, standing.reason_code, draft.note
    if not standing.is_appealed:
        raise Refused("no appeal is waiting on this case")
    if draft.step == v.UPHOLD:
        return standing.verdict, standing.reason_code, draft.note
    if draft.step == v.ROLL_BACK:
        return _checked(v.DISMISS, draft.reason_code), draft.reason_code, draft.note
    raise Refused(f"step {draft.step!r} is none of {', '.join(v.STEPS)}")


def _checked(verdict: str, reason_code: str | None) -> str:
    if verdict not in v.REASONS:
        raise Refused(f"verdict {verdict!r} is none of {', '.join(v.REASONS)}")
    if reason_code not in v.REASONS[verdict]:
        raise Refused(f"pick a reason: a verdict {verdict!r} needs one of {', '.join(v.REASONS[verdict])}")
    return verdict
