"""Share work among processes: in order, with few results in memory that nobody has taken yet."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


ReportStep = Callable[[str, int, int], None]
"""Gets a step's name, how much of it is done, and how much there is."""


def say_nothing(step: str, done: int, of: int) -> None:
    """Report to nobody."""


class Workers:
    """A `map` over processes; over none, in this one."""

    def __init__(
        self, pool: ProcessPoolExecutor | None = None, processes: int = 1, report_step: ReportStep = say_nothing
    ):
        self._pool, self._processes, self._report_step = pool, processes, report_step

    def map(self, step: str, function: Callable[[Task], Result], tasks: Iterable[Task], of: int) -> Iterator[Result]:
        """Yield the results of a step's `of` tasks in their order; no more tasks are made than the processes need."""
        results = map(function, tasks) if self._pool is None else self._shared(self._pool, function, tasks)
        for done, result in enumerate(results, start=1):
            self._report_step(step, done, of)
            yield result

    def _shared(
        self, pool: ProcessPoolExecutor, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Result]:
        running: deque[Future[Result]] = deque()
        for task in tasks:
            running.append(pool.submit(function, task))
            if len(running) > self._processes:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


ALONE = Workers()


@contextmanager
def running_workers(processes: int, report_step: ReportStep = say_nothing) -> Iterator[Workers]:
    """Run so many processes for the length of a `with` block; none where one is asked for."""
    if processes == 1:
        yield Workers(report_step=report_step)
        return
    # started anew: a copy of this process would have its threads' locks
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield Workers(pool, processes, report_step)
