"""Actions in SQL: each is added in the transaction of the decision that makes it, with its place in the outbox."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields

import orjson

from consumer_viz.dashboard.decisions.holds import Action, Line, Step, action_after
from consumer_viz.dashboard.decisions.rules import Decision, Draft, Policy
from contracts.actions import MICROS_PER_EUR

_NAMES = tuple(field.name for field in fields(Action))
COLUMNS = ", ".join(_NAMES)


def action_of_row(row: Sequence[object]) -> Action:
    """Return the action of a row with COLUMNS."""
    values = dict(zip(_NAMES, row, strict=True))
    lines = tuple(Line(*line) for line in orjson.loads(values["lines"]))  # type: ignore[arg-type]
    return Action(**values | {"lines": lines})  # type: ignore[arg-type]


def actions_of(db: sqlite3.Connection, case_id: str) -> list[Action]:
    """Return a case's actions, the oldest first."""
    rows = db.execute(f"select {COLUMNS} from actions where case_id = ? order by sequence", (case_id,))
    return [action_of_row(row) for row in rows]


def add_action(db: sqlite3.Connection, action: Action) -> None:
    """Add an action, and that topic and webhook are to be told, within a transaction."""
    lines = orjson.dumps([list(line) for line in action.lines])
    row = [getattr(action, name) for name in _NAMES[:-1]]
    db.execute(f"insert into actions ({COLUMNS}) values ({', '.join('?' * len(_NAMES))})", [*row, lines])
    db.execute("insert into action_outbox values (?, null)", (action.action_id,))
    db.execute(
        "insert into deliveries (action_id, tries, next_at) values (?, 0, ?)", (action.action_id, action.created_at)
    )


def add_action_of(db: sqlite3.Connection, decision: Decision, draft: Draft, policy: Policy) -> None:
    """Add the action that a decision makes, if it makes one."""
    step = Step(
        decision.case_id, decision.user_id, decision.step, decision.verdict, decision.reason_code, decision.version,
        decision.decided_at,
    )  # fmt: skip
    action = action_after(step, draft.lines, actions_of(db, decision.case_id), policy.hold_days)
    if action is not None:
        add_action(db, action)


def held_by_track(db: sqlite3.Connection, now: str, since: str) -> dict[str, float]:
    """Return the euros of each track that are held back at a time, for streams of the month `since` or later ones."""
    micros: dict[str, int] = defaultdict(int)
    for (lines,) in db.execute("select lines from held where expires_at > ?", (now,)):
        for line in orjson.loads(lines):
            held = Line(*line)
            if held.month >= since:
                micros[held.track_id] += held.eur_micros
    return {track: n / MICROS_PER_EUR for track, n in micros.items()}


def message_of(action: Action) -> dict[str, object]:
    """Return an action as a message of topic `actions`."""
    lines = [line._asdict() for line in action.lines]
    return {name: getattr(action, name) for name in _NAMES} | {"lines": lines}
