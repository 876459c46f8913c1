"""The small tables of a world: static tracks and users, and truth by account and campaign."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from producer.simulator.block import Block
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.catalogue import tracks_table
from producer.simulator.cohorts import COHORT_NAMES
from producer.simulator.ids import Kind
from producer.simulator.output.listener_values import listener_values
from producer.simulator.plan import Plan
from runtime.world import World


def truth_users(plan: Plan, users: NDArray[np.int32], block: Block) -> pa.Table:
    """Build the rows of truth by account for a block; with each listener's dials where the scenario has any."""
    campaign = plan.campaign_of[users]
    families = pa.array([FAMILY_NAMES[0], *(c.family for c in plan.campaigns)])
    is_honest = pa.array(campaign < 0)
    table = pa.table(
        {
            "user_id": plan.ids.texts(Kind.USER, users),
            "family": families.take(pa.array(campaign + 1)),
            "campaign_id": pc.if_else(is_honest, pa.scalar(None, pa.string()), plan.ids.texts(Kind.CAMPAIGN, campaign)),
            "cohort": pa.array(COHORT_NAMES).take(pa.array(plan.cohort_of[users])),
        }
    )
    if plan.scenario.listeners is None:
        return table
    for name, values in listener_values(block, plan.scenario.days).items():
        table = table.append_column(name, pa.array(values, pa.float32(), from_pandas=True))
    return table


def write_small_tables(
    plan: Plan, world: World, users: list[pa.Table], truth: list[pa.Table], delivered: NDArray[np.int64]
) -> None:
    """Write the static tables, and truth by account and campaign, each in the order of its ids."""
    as_of = f"as_of={plan.scenario.starts_on.isoformat()}"
    tracks = tracks_table(plan.catalogue, plan.ids, plan.scenario.starts_on, plan.scenario.seed)
    for name, table in (("tracks", tracks), ("users", pa.concat_tables(users).sort_by("user_id"))):
        folder = world.root / "static" / name / as_of
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / "part.parquet")
        (folder.parent / "CURRENT").write_text(as_of + "\n")
    (world.root / "truth").mkdir(exist_ok=True)
    pq.write_table(pa.concat_tables(truth).sort_by("user_id"), world.root / "truth" / "users.parquet")
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
