"""Alerts against sessions: of one that exists, once, withdrawn where it must be."""

from pathlib import Path

import pyarrow as pa
import pytest

from ops.reconcile.alerts import AlertRows, alert_faults, read_alerts
from ops.reconcile.row_rules import hash64
from runtime.world import Unit
from tests import lake_rows

STARTS = {(int(hash64(user)), 5) for user in ("ann", "bob", "cleo")}
FLAGS = {"ann:5": True, "bob:5": False}
"""The session of cleo is open."""
RIGHT = AlertRows(raised=("ann:5", "bob:5", "cleo:5"), withdrawn=("bob:5",))


def test_alerts_of_a_flagged_an_open_and_a_session_that_does_not_bear_it_out_are_right() -> None:
    assert alert_faults(RIGHT, STARTS, FLAGS) == []
    assert alert_faults(AlertRows(), STARTS, FLAGS) == []


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
