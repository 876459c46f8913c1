"""From the steps of a contender to its rates and ratios."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.bench.figures import BASELINE, Figures, Step, ratios, rows_done, unread_messages

PER_MESSAGE = {"plays": 200.0, "activity": 150.0}


def figures(**changes: Any) -> Figures:
    known: dict[str, Any] = {
        "rows_per_s": 100.0, "rows_per_s_all": 80.0, "rows_per_cpu_s": 50.0, "cpu_s": 10.0, "peak_rss_mb": 500.0,
        "seconds": 5.0, "rows_accounted": 1000, "broker_cpu_s": 1.0, "other_cpu_s": 0.0,
    }  # fmt: skip
    return Figures(**(known | changes))


def test_rows_of_two_queries_on_two_topics_add_up() -> None:
    steps = [Step(2.0, "plays", {"plays": 5}), Step(3.0, "activity", {"activity": 4})]
    assert rows_done(1.0, steps, PER_MESSAGE).done == [(2.0, 1000.0), (3.0, 1600.0)]


def test_a_row_is_done_once_the_slowest_query_that_reads_it_is_done_with_it() -> None:
    steps = [
        Step(2.0, "sessions", {"plays": 5, "activity": 5}),
        Step(9.0, "archive", {"plays": 5, "activity": 5}),
        Step(4.0, "archive", {"plays": 0, "activity": 2}),
    ]
    done = rows_done(1.0, steps, PER_MESSAGE)
    assert done.done == [(2.0, 0.0), (4.0, 300.0), (9.0, 1750.0)]
    assert done.rows_per_s == 1750 / 8


def test_the_warm_up_ends_with_the_micro_batch_that_completes_the_first_fifth() -> None:
    steps = [Step(float(moment), "q", {"plays": 10}) for moment in range(1, 11)]
    assert rows_done(0.0, steps, PER_MESSAGE).warm_from() == (2.0, 4000.0)


def test_one_micro_batch_leaves_nothing_after_the_warm_up() -> None:
    steps = [Step(5.0, "q", {"plays": 10}), Step(6.0, "q", {"plays": 0})]
    done = rows_done(0.0, steps, PER_MESSAGE)
    assert done.warm_from() is None
    assert done.rows_per_s == 2000 / 6, "the last micro-batch brings no rows but takes time"


@given(st.lists(st.tuples(st.floats(1, 100), st.integers(0, 50)), min_size=1))
def test_rows_done_never_shrink_and_end_at_all_of_them(batches: list[tuple[float, int]]) -> None:
    steps = [Step(moment, "q", {"plays": messages}) for moment, messages in batches]
    counts = [rows for _, rows in rows_done(0.0, steps, PER_MESSAGE).done]
    assert counts == sorted(counts)
    assert counts[-1] == 200 * sum(messages for _, messages in batches)


def test_ratios_compare_warm_rates_and_rates_by_cpu_second_with_the_minimal_job() -> None:
    found = ratios(
        {
            BASELINE: figures(rows_per_s=200.0, rows_per_cpu_s=100.0),
            "scoring": figures(rows_per_s=90.0, rows_per_cpu_s=50.0),
            "job": figures(rows_per_s=None, rows_per_cpu_s=25.0),
        }
    )
    assert found == {
        "scoring_to_minimal_spark": 0.45,
        "scoring_to_minimal_spark_per_cpu_s": 0.5,
        "job_to_minimal_spark": None,
        "job_to_minimal_spark_per_cpu_s": 0.25,
    }


@pytest.mark.parametrize(("read", "faults"), [(10, []), (9, ["q read 9 of 10 messages of plays"])])
def test_a_query_that_did_not_read_everything_is_named(read: int, faults: list[str]) -> None:
    steps = [{"ended_at": 1.0, "query": "q", "messages": {"plays": part}} for part in (4, read - 4)]
    assert unread_messages({"steps": steps}, {"plays": 10}) == faults
