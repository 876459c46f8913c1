"""Build a world on disk: blocks of accounts to spilled rows, then one sorted parquet file per topic and day."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from contracts.world import World
from producer.simulator.activity import load_chains
from producer.simulator.block import make_block
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.bots.place import DEVICES_PER_CAMPAIGN
from producer.simulator.calendar import DAY_MS
from producer.simulator.catalogue import tracks_table
from producer.simulator.cohorts import COHORT_NAMES
from producer.simulator.datasheet import write_datasheet
from producer.simulator.ids import Kind
from producer.simulator.places import DEVICES_PER_ACCOUNT
from producer.simulator.plan import Plan, make_plan
from producer.simulator.population import users_table
from producer.simulator.rows import size
from producer.simulator.scenario import Scenario
from producer.simulator.spill import Spill, read_stretch
from producer.simulator.tables import RAW_SCHEMAS, TRUTH_SCHEMA, Writer

USERS_PER_STRETCH = 20_000
"""A day is sorted in stretches of about this many accounts' share of it, so memory does not grow with the world."""
STRETCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 96, 144, 288)
SPILL = ".spill"
SHARDS = 8
"""Portions for each worker: enough for a progress bar and an even load."""
T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Called with (step, done, of)."""


@dataclass(frozen=True, slots=True)
class Built:
    """What was made: rows by topic."""

    plays: int
    activity: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker hands back after its blocks: static and truth rows, and streams delivered by campaign."""

    users: list[pa.Table]
    truth: list[pa.Table]
    delivered: NDArray[np.int64]


def stretches_a_day(scenario: Scenario) -> int:
    """Choose into how many stretches a day is cut: more accounts, shorter stretches."""
    wanted = scenario.users / USERS_PER_STRETCH
    return next((n for n in STRETCHES if n >= wanted), STRETCHES[-1])


def build(
    scenario: Scenario, world: World, workers: int = 1, progress: Progress | None = None, shards: int | None = None
) -> Built:
    """Simulate a scenario into a world's raw, static and truth folders, replacing what was there.

    The bytes do not depend on `workers` (processes) nor on `shards` (portions that the blocks are dealt into).
    """
    plan = make_plan(scenario)
    for part in ("raw", "static", "truth", SPILL):
        shutil.rmtree(world.root / part, ignore_errors=True)
    tell = progress or (lambda step, done, of: None)
    portions = [
        list(range(plan.blocks))[i::n] for n in [shards or min(plan.blocks, SHARDS * workers)] for i in range(n)
    ]
    spill = partial(spill_blocks, plan, world.root / SPILL)
    write = partial(write_day, plan, world)
    with _pool(workers) as each:
        shares = list(_counted(each(spill, range(len(portions)), portions), "listening", len(portions), tell))
        counts = list(_counted(each(write, range(scenario.days)), "writing", scenario.days, tell))
    delivered = np.sum([share.delivered for share in shares], axis=0)
    write_small_tables(plan, world, shares, delivered)
    shutil.rmtree(world.root / SPILL, ignore_errors=True)
    plays, activity = (int(total) for total in np.sum(counts, axis=0))
    write_datasheet(plan, world, plays, activity, delivered.tolist())
    return Built(plays, activity)


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yield a `map` over so many processes; the plain one for a single one."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _counted(results: Iterable[T], step: str, of: int, tell: Progress) -> Iterator[T]:
    for done, result in enumerate(results, start=1):
        tell(step, done, of)
        yield result


def spill_blocks(plan: Plan, folder: Path, shard: int, blocks: list[int]) -> Share:
    """Simulate some blocks and spill their rows into files of the shard."""
    calendar = plan.calendar
    per_day = stretches_a_day(plan.scenario)
    spill = Spill(folder, shard, calendar.starts_ms, DAY_MS // per_day, per_day * plan.scenario.days)
    chains = load_chains(Path(plan.scenario.chains)) if plan.scenario.chains else load_chains()
    users, truth = [], []
    delivered = np.zeros(len(plan.campaigns), dtype=np.int64)
    for number in blocks:
        block = make_block(plan, number, chains)
        for topic, rows in block.rows.items():
            spill.add(topic, rows)
        plays = block.rows[PLAYS]
        delivered += np.bincount(plays["campaign"][plays["is_paid"]], minlength=len(delivered))
        users.append(users_table(block.traits, plan.ids, plan.scenario.starts_on))
        truth.append(_truth_users(plan, plan.users_of(number)))
    return Share(users, truth, delivered)


def write_day(plan: Plan, world: World, day: int) -> tuple[int, int]:
    """Write the raw and truth files of one UTC day; return rows of plays and activity."""
    date = (plan.scenario.starts_on + timedelta(day)).isoformat()
    per_day = stretches_a_day(plan.scenario)
    writer = make_writer(plan)
    rows = []
    for topic in (PLAYS, ACTIVITY):
        written = 0
        raw, truth = (base / f"date={date}" for base in (world.raw(topic), world.truth(topic)))
        with _open(raw, RAW_SCHEMAS[topic]) as raw_file, _open(truth, TRUTH_SCHEMA) as truth_file:
            for number in range(day * per_day, (day + 1) * per_day):
                records = read_stretch(world.root / SPILL, topic, number)
                raw_file.write_table(writer.raw(topic, records))
                truth_file.write_table(writer.truth(records))
                written += size(records)
        rows.append(written)
    return rows[0], rows[1]


def _open(folder: Path, schema: pa.Schema) -> pq.ParquetWriter:
    folder.mkdir(parents=True, exist_ok=True)
    coded = [f.name for f in schema if pa.types.is_dictionary(f.type)]
    # uncompressed: random ids hardly shrink, and snappy would double the cost of a row
    return pq.ParquetWriter(folder / "part.parquet", schema, compression="none", use_dictionary=coded,
                            store_schema=False, write_statistics=["event_time"], write_batch_size=1 << 14,
                            dictionary_pagesize_limit=1 << 25)  # fmt: skip


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
    )


def _truth_users(plan: Plan, users: NDArray[np.int32]) -> pa.Table:
    campaign = plan.campaign_of[users]
    family = np.array([FAMILY_NAMES[0], *(c.family for c in plan.campaigns)])[campaign + 1]
    return pa.table(
        {
            "user_id": plan.ids.texts(Kind.USER, users),
            "family": family,
            "campaign_id": pa.array(
                plan.ids.texts(Kind.CAMPAIGN, campaign).to_numpy(False), pa.string(), mask=campaign < 0
            ),
            "cohort": np.array(COHORT_NAMES)[plan.cohort_of[users]],
        }
    )


def write_small_tables(plan: Plan, world: World, shares: list[Share], delivered: NDArray[np.int64]) -> None:
    """Write the static tables, and truth by user and campaign, each in the order of its ids."""
    as_of = f"as_of={plan.scenario.starts_on.isoformat()}"
    tracks = tracks_table(plan.catalogue, plan.ids, plan.scenario.starts_on, plan.scenario.seed)
    users = pa.concat_tables([t for share in shares for t in share.users]).sort_by("user_id")
    for name, table in (("tracks", tracks), ("users", users)):
        folder = world.root / "static" / name / as_of
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / "part.parquet")
        (folder.parent / "CURRENT").write_text(as_of + "\n")
    truth = pa.concat_tables([t for share in shares for t in share.truth]).sort_by("user_id")
    pq.write_table(truth, world.root / "truth" / "users.parquet")
    pq.write_table(_truth_campaigns(plan, delivered), world.root / "truth" / "campaigns.parquet")


def _truth_campaigns(plan: Plan, delivered: NDArray[np.int64]) -> pa.Table:
    campaigns = plan.campaigns
    target = np.array([c.target_artist for c in campaigns], dtype=np.int64)
    bought = [int(c.quotas.sum()) if len(c.quotas) else None for c in campaigns]
    return pa.table(
        {
            "campaign_id": plan.ids.texts(Kind.CAMPAIGN, np.arange(len(campaigns))),
            "family": pa.array([c.family for c in campaigns], pa.string()),
            "target_artist_id": pa.array(
                plan.ids.texts(Kind.ARTIST, target).to_numpy(False), pa.string(), mask=target < 0
            ),
            "accounts": pa.array([len(c.accounts) for c in campaigns], pa.int32()),
            "streams_bought": pa.array(bought, pa.int64()),
            "streams_delivered": pa.array(delivered, pa.int64()),
            "target_track_ids": pa.array(
                [plan.ids.texts(Kind.TRACK, np.unique(c.tracks)).to_pylist() for c in campaigns], pa.list_(pa.string())
            ),
        }
    ).sort_by("campaign_id")
