"""What a run must not end with, although the reconciliation of a world at work finds no fault in it."""

from dataclasses import asdict, replace
from typing import Any

from ops.chaos.account import faults_at_the_end, summary
from ops.reconcile.dispositions import row_faults
from ops.reconcile.reconciliation import TopicReconciliation

PLAYS = TopicReconciliation(sent=90, in_sessions=80, late=4, duplicate=3, rejected=3, open=0, lost=0)
ACTIVITY = TopicReconciliation(sent=50, in_sessions=50, late=0, duplicate=0, rejected=0, open=0, lost=0)


def account_of(
    plays: TopicReconciliation, activity: TopicReconciliation, archived_plays: int = 87, archived_activity: int = 50
) -> dict[str, Any]:
    """Return of the account what these rows decide, as `playproof reconcile --json` prints it; no session is wrong."""
    topics = {"plays": plays, "activity": activity}
    return {
        "topics": {topic: asdict(rows) for topic, rows in topics.items()},
        "archived": {"plays": archived_plays, "activity": archived_activity},
        "faults": row_faults(topics),
        **dict.fromkeys(("sessions", "missing", "duplicated", "wrong", "wrongly_rejected"), 0),
    }


def test_a_world_that_is_read_to_its_end_has_no_fault() -> None:
    account = account_of(PLAYS, ACTIVITY)
    assert faults_at_the_end(account) == []
    found = summary(account, faults_at_the_end(account))
    assert (found["rows"], found["open"], found["lost"], found["reconciliation"]) == (140, 0, 0, [])


def test_rows_that_the_last_job_did_not_read_are_a_fault() -> None:
    unread = replace(PLAYS, in_sessions=0, late=0, duplicate=0, rejected=0, open=90)
    account = account_of(unread, ACTIVITY)
    assert account["faults"] == [], "to the reconciliation they may be read yet"
    faults = faults_at_the_end(account)
    assert faults == ["90 rows of plays are still open, or were not read"]
    found = summary(account, faults)
    assert (found["lost"], found["open"], found["reconciliation"]) == (0, 90, faults)


def test_rows_that_the_archive_has_not_come_to_are_a_fault() -> None:
    account = account_of(PLAYS, ACTIVITY, archived_activity=20)
    assert account["faults"] == []
    assert faults_at_the_end(account) == ["30 rows of activity are not archived"]


def test_what_the_reconciliation_finds_stays_a_fault_and_is_said_once() -> None:
    account = account_of(PLAYS, replace(ACTIVITY, in_sessions=40, lost=10), archived_activity=40)
    assert faults_at_the_end(account) == ["10 rows of activity are lost"]


def test_a_world_to_which_nothing_was_sent_is_no_success() -> None:
    nothing = TopicReconciliation(sent=0, in_sessions=0, late=0, duplicate=0, rejected=0, open=0, lost=0)
    assert faults_at_the_end(account_of(nothing, nothing, 0, 0)) == ["no rows were sent"]
