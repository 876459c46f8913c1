"""Alerts against progress and sessions: none is lost, each is of a session, once, withdrawn where it must be."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from ops.reconcile.alerts import AlertRows, alert_faults, count_raised, read_alerts
from ops.reconcile.row_rules import hash64
from runtime.world import Unit
from tests import lake_rows
from tests.runtime.monitoring.test_progress import report

STARTS = {(int(hash64(user)), 5) for user in ("ann", "bob", "cleo")}
FLAGS = {"ann:5": True, "bob:5": False}
"""The session of cleo is open."""
RIGHT = AlertRows(raised=("ann:5", "bob:5", "cleo:5"), withdrawn=("bob:5",))


def test_alerts_of_a_flagged_an_open_and_a_session_that_does_not_bear_it_out_are_right() -> None:
    assert alert_faults(RIGHT, STARTS, FLAGS) == []
    assert alert_faults(AlertRows(), STARTS, FLAGS) == [], "where none was raised"


@pytest.mark.parametrize(
    ("at_least", "alerts", "faults"),
    [
        (3, RIGHT, []),
        (2, RIGHT, []),
        (5, RIGHT, ["2 alerts are lost"]),
        (1_000, AlertRows(), ["1,000 alerts are lost"]),
        (2, AlertRows(raised=("ann:5", "ann:5")), ["1 alerts are lost", "1 alerts are there more than once"]),
    ],
)
def test_an_alert_that_was_raised_and_is_not_in_the_table_is_lost(
    at_least: int, alerts: AlertRows, faults: list[str]
) -> None:
    assert alert_faults(alerts, STARTS, FLAGS, at_least) == faults


def test_the_progress_of_the_job_says_how_many_were_raised_unless_old_ones_are_removed(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    assert count_raised(unit) == 0, "before the first micro-batch, or on another machine"
    unit.progress.mkdir()
    lines = [json.dumps(report(n, observedMetrics={"session_step": {"alerts": n, "open_rows": 0}})) for n in (1, 2)]
    # a crash cut a line short; an earlier job did not count alerts
    text = "\n".join([lines[0], lines[1][:99], lines[1], json.dumps(report(3)), ""])
    (unit.progress / "sessions.jsonl").write_text(text)
    assert count_raised(unit) == 3
    assert count_raised(unit, expiring={"plays": 90, "alerts": 90}) == 0


@pytest.mark.parametrize(
    ("raised", "withdrawn", "fault"),
    [
        (("ann:5", "ann:5"), (), "1 alerts are there more than once"),
        (("ann:6",), (), "1 alerts are of no session"),
        (("bob:5",), (), "1 alerts should be withdrawn and are not"),
        (("ann:5",), ("ann:5",), "1 alerts are withdrawn though the session is open or flagged"),
        ((), ("bob:5",), "1 alerts are withdrawn and were never raised"),
    ],
)
def test_what_is_wrong_with_an_alert_is_named(raised: tuple[str, ...], withdrawn: tuple[str, ...], fault: str) -> None:
    assert alert_faults(AlertRows(raised, withdrawn), STARTS, FLAGS) == [fault]


def test_alerts_of_a_micro_batch_that_is_not_committed_do_not_count_yet(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    for batch_id, withdrawn in ((3, False), (4, True)):
        rows = pa.table({"session_key": ["bob:5"], "withdrawn": [withdrawn]})
        lake_rows.commit(unit.table("alerts"), rows, batch_id)
    assert read_alerts(unit, last=3) == AlertRows(("bob:5",), ())
    assert read_alerts(unit, last=4) == AlertRows(("bob:5",), ("bob:5",))
