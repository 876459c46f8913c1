"""Share work among processes: in order, with few results in memory that nobody has taken yet."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Workers:
    """A `map` over processes; over none, in this one."""

    def __init__(self, pool: ProcessPoolExecutor | None = None, processes: int = 1):
        self._pool, self._processes = pool, processes

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the results in the order of the tasks, of which no more are made than the processes need."""
        if self._pool is None:
            yield from map(function, tasks)
            return
        running: deque[Future[Result]] = deque()
        for task in tasks:
            running.append(self._pool.submit(function, task))
            if len(running) > self._processes:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


ALONE = Workers()


@contextmanager
def running_workers(processes: int = os.cpu_count() or 1) -> Iterator[Workers]:
    """Run so many processes for the length of a `with` block."""
    if processes == 1:
        yield ALONE
        return
    # started anew: a copy of this process would have its threads' locks
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield Workers(pool, processes)
