"""Rows of some accounts of a plan, in memory: the others are simulated only as far as these need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.block import make_block
from producer.simulator.build import make_writer
from producer.simulator.listeners.chain import Chain
from producer.simulator.listeners.population import users_table
from producer.simulator.output.columns import ID_DIGITS, Coded, Column, Digits
from producer.simulator.output.tables import TIME
from producer.simulator.plan import Plan
from producer.simulator.rows import Columns, take


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Rows by topic with the columns of `raw`, the accounts' static rows, and what was paid for."""

    plays: pa.Table
    activity: pa.Table
    users: pa.Table
    paid: pa.Table
    """user_id and event_time of every stream that was paid for: truth."""


def simulate_accounts(plan: Plan, chains: list[Chain], wanted: NDArray[np.bool_]) -> AccountRows:
    """Simulate the `wanted` accounts (a mask by account): the same rows as in a world of the plan, in any order."""
    writer = make_writer(plan)
    parts: dict[str, list[pa.Table]] = {PLAYS: [], ACTIVITY: [], "users": [], "paid": []}
    for number in range(plan.blocks):
        users = plan.users_of(number)
        if not wanted[users].any():
            continue
        block = make_block(plan, number, chains)
        keep = wanted[block.sessions["user"]]
        place = np.cumsum(keep) - 1
        coded = writer.code(take(block.sessions, keep))
        for topic in (PLAYS, ACTIVITY):
            rows = _of_sessions(block.rows[topic], keep, place)
            raw, truth = writer.tables(topic, rows, coded)
            parts[topic].append(_as_table(raw))
            if topic == PLAYS:
                paid = _as_table({name: truth[name] for name in ("user_id", "event_time", "is_paid")})
                parts["paid"].append(paid.filter(paid["is_paid"]).drop_columns(["is_paid"]))
        of_block = users_table(block.traits, plan.ids, plan.scenario.starts_on)
        parts["users"].append(of_block.filter(pa.array(wanted[users])))
    return AccountRows(*(_concatenated(tables) for tables in parts.values()))


def _of_sessions(rows: Columns, keep: NDArray[np.bool_], place: NDArray[np.int64]) -> Columns:
    """Keep the rows of some sessions; `session` becomes the place among those."""
    kept = take(rows, keep[rows["session"]])
    return kept | {"session": place[kept["session"]]}


def _as_table(columns: Mapping[str, Column]) -> pa.Table:
    return pa.table({name: _as_array(name, column) for name, column in columns.items()})


def _as_array(name: str, column: Column) -> pa.Array:
    if isinstance(column, Coded):
        return column.words.take(pa.array(column.codes.astype(np.int64), mask=column.codes < 0))
    if isinstance(column, Digits):
        offsets = np.arange(0, len(column.text) + 1, ID_DIGITS, dtype=np.int32)
        return pa.StringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(column.text))
    return pa.array(column.values, TIME if name == "event_time" else None)


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks()
