"""Build a world on disk: blocks of accounts to spilled rows, then one sorted parquet file per topic and day."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.block import make_block
from producer.simulator.bots import family_words
from producer.simulator.bots.place import DEVICES_PER_CAMPAIGN
from producer.simulator.listeners.activity import load_chains
from producer.simulator.listeners.places import DEVICES_PER_ACCOUNT
from producer.simulator.listeners.population import users_table
from producer.simulator.output.datasheet import write_datasheet
from producer.simulator.output.small_tables import truth_users, write_small_tables
from producer.simulator.output.spill import Spill, read_stretch
from producer.simulator.output.table_file import TableFile
from producer.simulator.output.tables import RAW_SCHEMAS, TRUTH_SCHEMA, Writer
from producer.simulator.plan import Plan, make_plan
from producer.simulator.rows import size
from producer.simulator.scenario import Scenario
from runtime.units import DAY_MS
from runtime.world import World

USERS_PER_STRETCH = 20_000
"""A day is sorted in stretches of about this many accounts' share of it, so memory does not grow with the world."""
STRETCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 96, 144, 288)
SPILL, PART = ".spill", "part.parquet"
STAGED = ".simulated"
"""Folder in the world where it is made. What was there before stays until the new one is complete."""
SHARDS = 8
"""Portions for each worker: enough for a progress bar and an even load."""
TASKS_AT_ONCE = 2
"""Tasks handed to a worker together, with one copy of the plan."""
T = TypeVar("T")
Map = Callable[..., Iterable[Any]]
ReportStep = Callable[[str, int, int], None]
"""Called with (step, done, of)."""


@dataclass(frozen=True, slots=True)
class Built:
    """How many rows were simulated, by topic."""

    plays: int
    activity: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker hands back after its blocks: static and truth rows, and streams delivered by campaign."""

    users: list[pa.Table]
    truth: list[pa.Table]
    delivered: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Day:
    """What was written of a day: rows by topic, and the SHA-256 of each file by its path in the world."""

    rows: dict[str, int]
    sums: dict[str, str]


def stretches_per_day(scenario: Scenario) -> int:
    """Choose into how many stretches a day is cut: more accounts, shorter stretches."""
    wanted = scenario.users / USERS_PER_STRETCH
    return next((n for n in STRETCHES if n >= wanted), STRETCHES[-1])


def build(
    scenario: Scenario, world: World, workers: int = 1, report_step: ReportStep | None = None,
    shards: int | None = None, elsewhere: Map | None = None,
) -> Built:  # fmt: skip
    """Simulate a scenario into a world's raw, static and truth folders, replacing what was there at the end.

    A scenario that is refused, and a build that is broken off, leave the world as it was. Raises ScenarioError.

    The bytes do not depend on `workers` (processes), on `shards` (portions that the blocks are dealt into), nor on
    where the work is done: `elsewhere` is a `map` that runs it on other machines (`producer/simulator/sharded.py`).
    """
    staged = World(world.root / STAGED)
    shutil.rmtree(staged.root, ignore_errors=True)  # of a build that was killed
    try:
        built = _build(scenario, staged, workers, report_step, shards, elsewhere)
        for part in staged.root.iterdir():
            shutil.rmtree(world.root / part.name, ignore_errors=True)
            part.replace(world.root / part.name)
    finally:
        shutil.rmtree(staged.root, ignore_errors=True)
    return built


def _build(
    scenario: Scenario, world: World, workers: int, report_step: ReportStep | None, shards: int | None,
    elsewhere: Map | None,
) -> Built:  # fmt: skip
    report = report_step or (lambda step, done, of: None)
    with nullcontext(elsewhere) if elsewhere else _pool(workers) as each:
        plan = make_plan(scenario)
        portions = [
            list(range(plan.blocks))[i::n] for n in [shards or min(plan.blocks, SHARDS * workers)] for i in range(n)
        ]
        spill = partial(spill_blocks, plan, world.root / SPILL)
        write = partial(write_day, plan, world)
        shares = list(_counted(each(spill, range(len(portions)), portions), "listening", len(portions), report))
        days = each(write, range(scenario.days))
        # other processes are at the days by now
        delivered = np.sum([share.delivered for share in shares], axis=0)
        write_small_tables(
            plan, world, [table for share in shares for table in share.users],
            [table for share in shares for table in share.truth], delivered,
        )  # fmt: skip
        shares.clear()  # the accounts' rows need not stay in memory while the days are written
        written = list(_counted(days, "writing", scenario.days, report))
    shutil.rmtree(world.root / SPILL, ignore_errors=True)
    built = Built(*(sum(day.rows[topic] for day in written) for topic in (PLAYS, ACTIVITY)))
    sums = {path: total for day in written for path, total in day.sums.items()}
    write_datasheet(plan, world, built.plays, built.activity, delivered.tolist(), sums)
    return built


@contextmanager
def _pool(workers: int) -> Iterator[Map]:
    """Yield a `map` over so many processes; the plain one for a single one."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in range(workers):
            pool.submit(_ready)  # so they import what they need while the plan is made
        yield partial(pool.map, chunksize=TASKS_AT_ONCE)


def _ready() -> None:
    """Do nothing, in a process that by then has imported this module."""


def _counted(results: Iterable[T], step: str, of: int, report_step: ReportStep) -> Iterator[T]:
    for done, result in enumerate(results, start=1):
        report_step(step, done, of)
        yield result


def spill_blocks(plan: Plan, folder: Path, shard: int, blocks: list[int]) -> Share:
    """Simulate some blocks and spill their rows into files of the shard."""
    calendar = plan.calendar
    per_day = stretches_per_day(plan.scenario)
    spill = Spill(folder, shard, calendar.starts_ms, DAY_MS // per_day, per_day * plan.scenario.days)
    chains = load_chains(Path(plan.scenario.chains)) if plan.scenario.chains else load_chains()
    users, truth = [], []
    delivered = np.zeros(len(plan.campaigns), dtype=np.int64)
    for number in blocks:
        block = make_block(plan, number, chains)
        spill.add(block.sessions, block.rows)
        plays = block.rows[PLAYS]
        paid_for = block.sessions["campaign"][plays["session"][plays["is_paid"]]]
        delivered += np.bincount(paid_for, minlength=len(delivered))
        users.append(users_table(block.traits, plan.ids, plan.scenario.starts_on))
        truth.append(truth_users(plan, plan.users_of(number), block))
    return Share(users, truth, delivered)


def write_day(plan: Plan, world: World, day: int) -> Day:
    """Write the raw and truth files of one UTC day."""
    date = (plan.scenario.starts_on + timedelta(day)).isoformat()
    per_day = stretches_per_day(plan.scenario)
    writer = make_writer(plan)
    rows = dict.fromkeys((PLAYS, ACTIVITY), 0)
    with ExitStack() as stack:
        files = {
            topic: [
                stack.enter_context(TableFile(base / f"date={date}" / PART, schema))
                for base, schema in ((world.raw(topic), RAW_SCHEMAS[topic]), (world.truth(topic), TRUTH_SCHEMA))
            ]
            for topic in rows
        }
        for number in range(day * per_day, (day + 1) * per_day):
            stretch = read_stretch(world.root / SPILL, number)
            sessions = writer.code(stretch.sessions)
            for topic, records in stretch.rows.items():
                for file, table in zip(files[topic], writer.tables(topic, records, sessions), strict=True):
                    file.write(table)
                rows[topic] += size(records)
    sums = {file.path.relative_to(world.root).as_posix(): file.sha256 for pair in files.values() for file in pair}
    return Day(rows, sums)


def make_writer(plan: Plan) -> Writer:
    """Prepare the rendering of a plan's codes."""
    places, users = plan.setting.places, plan.scenario.users
    return Writer(
        plan.ids,
        n_users=users,
        n_tracks=len(plan.catalogue.artist_of),
        n_devices=users * DEVICES_PER_ACCOUNT + len(plan.campaigns) * DEVICES_PER_CAMPAIGN,
        n_contexts=places.playlists + places.n_artists + users,
        n_ips=places.addresses,
        n_campaigns=len(plan.campaigns),
        families=family_words(plan.scenario.families),
    )
