"""Which action a decision makes: hold streams, release them, restore them. Pure functions: no database, no clock."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from contracts import actions as a
from contracts import verdicts as v
from runtime.event_text import format_time


class Line(NamedTuple):
    """Streams of one track in one session, and what they would be paid in millionths of a euro."""

    session_key: str
    track_id: str
    month: str
    """UTC month of the session's begin, YYYY-MM."""
    streams: int
    eur_micros: int


@dataclass(frozen=True, slots=True)
class Action:
    """A row of table `actions`, which is a message of topic `actions`."""

    action_id: str
    case_id: str
    sequence: int
    user_id: str
    action: str
    cause: str
    reason: str
    verdict_version: int | None
    ends: str | None
    created_at: str
    expires_at: str | None
    lines: tuple[Line, ...]

    @property
    def sessions(self) -> set[str]:
        return {line.session_key for line in self.lines}

    @property
    def eur(self) -> float:
        return sum(line.eur_micros for line in self.lines) / a.MICROS_PER_EUR


@dataclass(frozen=True, slots=True)
class Step:
    """What is known of a decision when its action is made."""

    case_id: str
    user_id: str
    step: str
    verdict: str
    reason: str | None
    version: int
    at: str


def action_after(step: Step, lines: Sequence[Line], earlier: Sequence[Action], hold_days: int) -> Action | None:
    """Return the action that a decision makes, after the case's earlier ones (oldest first); None where it makes none.

    `lines`: what is held if the case is confirmed. A confirmation that waits for a second person makes none.
    """
    held = earlier[-1] if earlier and earlier[-1].action == a.HOLD else None
    if step.step == v.UNDO:
        return _take_back(step, earlier, hold_days)
    if step.verdict == v.CONFIRM and step.step in (v.DECIDE, v.SECOND):
        return _hold(step, lines, earlier, hold_days) if lines else None
    if held is None or step.verdict in (v.CONFIRM, v.PROPOSED):
        return None
    if step.step == v.ROLL_BACK:
        return _end(step, a.RESTORE, step.reason or a.NOT_CONFIRMED, earlier)
    if step.verdict == v.DISMISS:
        return _end(step, a.RELEASE, step.reason or a.NOT_CONFIRMED, earlier)
    # a case that needs more: what a person held is released, what the threshold holds stays until somebody decides
    return _end(step, a.RELEASE, a.NOT_CONFIRMED, earlier) if held.cause == a.BY_VERDICT else None


def _take_back(step: Step, earlier: Sequence[Action], hold_days: int) -> Action | None:
    """Return to what was in force before the action of the decision that is taken back."""
    undone = next((n for n, action in enumerate(earlier) if action.verdict_version == step.version - 1), None)
    if undone is None:
        return None
    before = earlier[undone - 1] if undone else None
    if before is not None and before.action == a.HOLD:
        again = _hold(step, before.lines, earlier, hold_days, before.cause, before.reason)
        return replace(again, expires_at=before.expires_at)
    return _end(step, a.RELEASE, a.TAKEN_BACK, earlier) if earlier[-1].action == a.HOLD else None


def _hold(
    step: Step, lines: Sequence[Line], earlier: Sequence[Action], hold_days: int,
    cause: str = a.BY_VERDICT, reason: str | None = None,
) -> Action:  # fmt: skip
    return new_action(
        step.case_id, step.user_id, a.HOLD, cause, reason or step.reason or a.NOT_CONFIRMED, step.version, step.at,
        lines, earlier, hold_days,
    )  # fmt: skip


def _end(step: Step, action: str, reason: str, earlier: Sequence[Action]) -> Action:
    return new_action(step.case_id, step.user_id, action, a.BY_VERDICT, reason, step.version, step.at, (), earlier, 0)


def new_action(
    case_id: str, user_id: str, action: str, cause: str, reason: str, version: int | None, at: str,
    lines: Sequence[Line], earlier: Sequence[Action], hold_days: int,
) -> Action:  # fmt: skip
    """Return the next action of a case. Its id depends only on the case, the verdict's version and what is held."""
    ordered = tuple(sorted(lines))
    held = earlier[-1].action_id if earlier and earlier[-1].action == a.HOLD else None
    expires_at = None
    if action == a.HOLD:
        until = datetime.fromisoformat(at) + timedelta(days=hold_days)
        expires_at = format_time(round(until.timestamp() * 1000))
    # without a verdict's version the sessions tell one automatic hold from the next
    told_by = f"v{version}" if version is not None else " ".join(sorted({line.session_key for line in ordered}))
    text = "\n".join((case_id, action, cause, told_by))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return Action(
        f"a-{digest}", case_id, len(earlier) + 1, user_id, action, cause, reason, version, held, at, expires_at, ordered
    )


def hold_over_threshold(
    case_id: str,
    user_id: str,
    verdict: str | None,
    lines: Sequence[Line],
    earlier: Sequence[Action],
    at: str,
    days: int,
) -> Action | None:
    """Return the automatic hold of sessions over the threshold; None where they are held, or the case was dismissed.

    A hold of a person is widened by them, and stays that person's. What a hold had that ended by itself was paid: it is
    not held again.
    """
    held, paid = _in_force(earlier, at), _paid(earlier, at)
    known = paid | held.sessions if held else paid
    new = [line for line in lines if line.session_key not in known]
    if verdict == v.DISMISS or not new:
        return None
    if held is None:
        return new_action(case_id, user_id, a.HOLD, a.BY_THRESHOLD, a.OVER_THRESHOLD, None, at, new, earlier, days)
    return _widen(held, new, earlier, at, days)


def hold_closed(confirmed: Step, lines: Sequence[Line], earlier: Sequence[Action], at: str, days: int) -> Action | None:
    """Return the hold of sessions that were open when a person confirmed their account; None where all were held once.

    `confirmed`: the decision. Where it held nothing yet, the hold is the one that it makes.
    """
    known = {key for action in earlier for key in action.sessions}
    new = [line for line in lines if line.session_key not in known]
    if not new:
        return None
    if held := _in_force(earlier, at):
        return _widen(held, new, earlier, at, days)
    version, reason = None if earlier else confirmed.version, confirmed.reason or a.NOT_CONFIRMED
    return new_action(
        confirmed.case_id, confirmed.user_id, a.HOLD, a.BY_VERDICT, reason, version, at, new, earlier, days
    )


def _in_force(earlier: Sequence[Action], at: str) -> Action | None:
    """Return the hold that is in force at a time."""
    return earlier[-1] if earlier and earlier[-1].action == a.HOLD and not _is_over(earlier[-1], at) else None


def _paid(earlier: Sequence[Action], at: str) -> set[str]:
    """Return the sessions of holds that ended by themselves."""
    ends = [*(action.created_at for action in earlier[1:]), at]
    over = (hold for hold, end in zip(earlier, ends, strict=False) if hold.action == a.HOLD and _is_over(hold, end))
    return {key for hold in over for key in hold.sessions}


def _is_over(hold: Action, at: str) -> bool:
    return datetime.fromisoformat(hold.expires_at or at) <= datetime.fromisoformat(at)


def _widen(held: Action, new: Sequence[Line], earlier: Sequence[Action], at: str, days: int) -> Action:
    lines = [*held.lines, *new]
    wider = new_action(held.case_id, held.user_id, a.HOLD, held.cause, held.reason, None, at, lines, earlier, days)
    return replace(wider, expires_at=max(wider.expires_at or "", held.expires_at or ""))
