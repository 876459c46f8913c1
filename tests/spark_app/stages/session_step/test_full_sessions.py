"""An account of very many rows: its sessions are full, closed and out of the state before they are too large."""

import pytest

from runtime.units import SECOND_MS
from spark_app.stages.session_step import session_order
from spark_app.stages.session_step.step import close_all
from tests.spark_app.stages.session_step.test_step import DELAY_MS, Run, row, sessions_of, table


def test_what_is_open_of_one_account_is_bounded_however_many_rows_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of the traffic may have one account: what a service calls `anonymous`."""
    monkeypatch.setattr(session_order, "MAX_SESSION_ROWS", 500)
    run, rows_per_s, batch_s = Run(), 10, 30
    for batch in range(60):
        span = range(batch * batch_s * rows_per_s, (batch + 1) * batch_s * rows_per_s)
        run.read([row("anonymous", n * SECOND_MS // rows_per_s, row_id=n) for n in span])
    # the watermark is a minute behind, and known a micro-batch later
    assert run.most_open <= 500 + (DELAY_MS // SECOND_MS + 2 * batch_s) * rows_per_s
    assert max(len(rows) for _, rows in run.closed) == 500
    run.end()
    assert run.accounted == run.sent == 60 * batch_s * rows_per_s
    assert (run.late.total(), run.duplicate) == (0, 0)


def test_rows_of_one_time_stay_together_so_that_each_session_has_a_first_time_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_order, "MAX_SESSION_ROWS", 2)
    times = [0, 1, 1, 1, 2, 3, 3]
    sessions = sessions_of(close_all(table([row("ann", ms, row_id=n) for n, ms in enumerate(times)])))
    assert [len(rows) for _, rows in sessions] == [4, 3]
