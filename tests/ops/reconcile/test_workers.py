"""Work is shared among real processes, its results come in order, and few of them wait in memory."""

import os
from collections.abc import Iterator

import pytest

from ops.reconcile.workers import running_workers

made: list[int] = []
"""Tasks that were made, in this process."""


def tasks(count: int) -> Iterator[int]:
    made.clear()
    for task in range(count):
        made.append(task)
        yield task


def square(task: int) -> tuple[int, int]:
    return task * task, os.getpid()


def fail_at_three(task: int) -> int:
    if task == 3:
        raise ValueError("three")
    return task


def test_processes_give_what_one_gives_in_order() -> None:
    with running_workers(2) as two:
        results = list(two.map("squares", square, tasks(20), of=20))
    assert [result for result, _ in results] == [task * task for task in range(20)]
    assert os.getpid() not in {process for _, process in results}


def test_no_more_tasks_are_made_than_the_processes_need() -> None:
    with running_workers(2) as two:
        results = two.map("squares", square, tasks(20), of=20)
        next(results)
        assert made == [0, 1, 2]


def test_an_error_in_a_process_is_an_error_here() -> None:
    with running_workers(2) as two, pytest.raises(ValueError, match="three"):
        list(two.map("some", fail_at_three, range(5), of=5))


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_done_is_reported(processes: int) -> None:
    reports: list[tuple[str, int, int]] = []
    with running_workers(processes, lambda *report: reports.append(report)) as some:
        list(some.map("squares", square, tasks(3), of=3))
    assert reports == [("squares", 1, 3), ("squares", 2, 3), ("squares", 3, 3)]
