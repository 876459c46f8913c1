"""What a day at triggers of 1 second leaves of a table: its commits and its upkeep without Spark, in minutes.

    python -m ops.lake.day --hours 24
    python -m ops.lake.day --hours 1 --speed 2300

A commit has a file of a few sessions, as a micro-batch of a quiet service does; upkeep runs when the job's own would.
Its clock is the number of the commit: what stays for 4 minutes stays for 240 commits. With `--speed` the days of the
sessions pass so many times faster, as in a replay.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from contracts.tables import SESSIONS
from runtime.lake import LOG, committed_files
from runtime.lake.commits import Transaction, append, write_files
from runtime.lake.schemas import arrow_schema
from runtime.lake.upkeep import is_due, keep_up
from runtime.parquet import count_rows

HOUR_S = 3600
NAME = "sessions"
LINES_EVERY = 2 * HOUR_S
"""Commits per line of output, unless told otherwise."""
LOOK_EVERY = 10
"""Commits after which the job looks whether a table is due."""


def run(table: Path, commits: int, rows: int, speed: float = 1.0, lines_every: int = LINES_EVERY) -> None:
    """Make commits of `rows` sessions, and print what is on disk after every `lines_every` of them."""
    began = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    dated: set[Path] = set()
    print("hours  files  that count  of the log  CPU ms per commit     MB")
    cpu_s = upkeep_s = 0.0
    for number in range(commits):
        now = began + timedelta(seconds=number)
        files = write_files(table, _sessions(number, rows, began + timedelta(seconds=number * speed)), number)
        at = time.process_time()
        append(table, files, Transaction(NAME, number))
        cpu_s += time.process_time() - at
        if number % LOOK_EVERY == 0:
            _date_new_files(table, dated, now)
        if number % LOOK_EVERY == 0 and is_due(table, now.timestamp()):
            at = time.process_time()
            keep_up(table, now=now.timestamp())
            upkeep_s += time.process_time() - at
        if (number + 1) % lines_every == 0 or number + 1 == commits:
            print(_line(table, number + 1, cpu_s / (number % lines_every + 1)), flush=True)
            cpu_s = 0.0
    print(f"{count_rows(committed_files(table)):,} rows of {commits * rows:,}; upkeep took {upkeep_s:.0f} s of CPU")


def _date_new_files(table: Path, dated: set[Path], now: datetime) -> None:
    """Give the files that came since the last call the time of the simulated clock."""
    for file in {*table.rglob("*")} - dated:
        os.utime(file, (now.timestamp(), now.timestamp()))
        dated.add(file)


def _sessions(number: int, rows: int, at: datetime) -> pa.Table:
    keys = [f"u{number}:{row}" for row in range(rows)]
    values = {"session_key": keys, "ended_at": [at] * rows, "score": [0.5] * rows}
    schema = arrow_schema(column for column in SESSIONS if column.name in values)
    day = pa.repeat(pa.scalar(at.date()), rows)
    return pa.table({name: values[name] for name in schema.names}, schema=schema).append_column("date", day)


def _line(table: Path, commits: int, cpu_s: float) -> str:
    """`cpu_s`: of one commit."""
    files = [Path(folder, name) for folder, _, names in os.walk(table) for name in names]
    of_log = [file for file in files if LOG in file.parts]
    size = sum(file.stat().st_size for file in files) / 1e6
    ms, counting = 1000 * cpu_s, len(committed_files(table))
    hours = commits / HOUR_S
    return f"{hours:5.1f}  {len(files):5,}  {counting:10,}  {len(of_log):10,}  {ms:17.1f}  {size:5.1f}"


def main(arguments: Sequence[str]) -> None:
    """Run with the arguments of a command line, in a folder that is removed at the end."""
    parser = argparse.ArgumentParser(prog="python -m ops.lake.day")
    parser.add_argument("--hours", type=float, default=24, help="hours of commits, one per second")
    parser.add_argument("--rows", type=int, default=5, help="sessions per commit")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than in life days pass")
    parser.add_argument("--lines-every", type=int, default=LINES_EVERY, help="commits per line")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder) / NAME, round(options.hours * HOUR_S), options.rows, options.speed, options.lines_every)


if __name__ == "__main__":
    main(sys.argv[1:])
