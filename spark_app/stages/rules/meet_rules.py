"""Which rules the sessions of an Arrow batch meet: RULE_HITS."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.rules import ACCOUNT, EXEMPT_STREAM_SHARE, SESSION
from models.rules.evaluate import evaluate
from models.rules.rule_set import RuleSet, RunningRule
from runtime.arrays import Bools, Floats, Ints

KEYS = ("session_key", "user_id", "scored_at", "is_flagged", "streams", "track_counts")
"""Columns of a session that are needed whatever the rules name."""
_VALUE = pa.struct([("feature", pa.string()), ("value", pa.float64())])
SCHEMA = pa.schema(
    [
        ("session_key", pa.string()), ("user_id", pa.string()), ("rule_id", pa.string()), ("rule_version", pa.int32()),
        ("state", pa.string()), ("title", pa.string()), ("allowed_by", pa.string()), ("is_flagged", pa.bool_()),
        ("streams", pa.int64()), ("features", pa.list_(_VALUE)), ("scored_at", pa.timestamp("us", "UTC")),
    ]
)  # fmt: skip
"""RULE_HITS as Arrow."""


def needed_columns(rules: RuleSet) -> list[str]:
    """Return the columns of lake/sessions that the rules over sessions need."""
    named = [name for rule in rules.of_grain(SESSION) for name in rule.parsed().names]
    return list(dict.fromkeys([*KEYS, *named]))


def meet_rules(sessions: pa.RecordBatch, rules: RuleSet) -> pa.Table:
    """Return a row for each session and version that it meets. `sessions` has `needed_columns`."""
    columns = {name: _floats(sessions, name) for name in needed_columns(rules) if name not in KEYS[:4] + KEYS[5:]}
    tables = []
    exempt: list[str | None] | None = None
    for rule in rules.of_grain(SESSION):
        rows = np.flatnonzero(evaluate(rule.parsed().condition, columns, sessions.num_rows).true)
        if len(rows):
            exempt = exemptions(sessions, rules) if exempt is None else exempt
            tables.append(_hits(sessions, rule, rows, columns, exempt))
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _floats(sessions: pa.RecordBatch, name: str) -> Floats:
    values: Floats = sessions.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _hits(
    sessions: pa.RecordBatch, rule: RunningRule, rows: Ints, columns: dict[str, Floats], exempt: Sequence[str | None]
) -> pa.Table:
    n, names = len(rows), rule.parsed().names
    met = sessions.take(pa.array(rows))
    flat = np.column_stack([columns[name][rows] for name in names]).ravel() if names else np.empty(0)
    values = pa.StructArray.from_arrays(
        [pa.array(list(names) * n, pa.string()), pa.array(flat, pa.float64(), from_pandas=True)], fields=list(_VALUE)
    )
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * len(names), pa.int32())
    return pa.table(
        {
            "session_key": met.column("session_key"),
            "user_id": met.column("user_id"),
            "rule_id": pa.repeat(rule.rule_id, n),
            "rule_version": pa.repeat(pa.scalar(rule.version, pa.int32()), n),
            "state": pa.repeat(rule.state, n),
            "title": pa.repeat(rule.title, n),
            "allowed_by": pa.array([exempt[row] for row in rows.tolist()], pa.string()),
            "is_flagged": met.column("is_flagged"),
            "streams": pc.fill_null(met.column("streams").cast(pa.float64()), 0.0).cast(pa.int64(), safe=False),
            "features": pa.ListArray.from_arrays(offsets, values),
            "scored_at": met.column("scored_at").cast(pa.timestamp("us", "UTC")),
        },
        schema=SCHEMA,
    )


def exemptions(sessions: pa.RecordBatch, rules: RuleSet) -> list[str | None]:
    """Return for each session the exemption in force on the day it was scored; None where there is none.

    A session is exempt with its account, or with at least EXEMPT_STREAM_SHARE of its streams.
    """
    found: list[str | None] = [None] * sessions.num_rows
    if not rules.exempt or not sessions.num_rows:
        return found
    days = pc.strftime(sessions.column("scored_at").cast(pa.timestamp("s", "UTC"), safe=False), "%Y-%m-%d")
    for kind, subject, until in rules.exempt:
        in_force = pc.less_equal(days, until).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(in_force & _is_subject(sessions, kind, subject)).tolist():
            found[row] = found[row] or f"{kind}:{subject}"
    return found


def _is_subject(sessions: pa.RecordBatch, kind: str, subject: str) -> Bools:
    if kind == ACCOUNT:
        is_account = pc.fill_null(pc.equal(sessions.column("user_id"), subject), False)
        return np.asarray(is_account.to_numpy(zero_copy_only=False), bool)
    counts = sessions.column("track_counts")
    streams = pc.struct_field(counts.flatten(), "streams").to_numpy(zero_copy_only=False).astype(np.float64)
    is_track = pc.fill_null(pc.equal(pc.struct_field(counts.flatten(), "track_id"), subject), False)
    of_session = pc.list_parent_indices(counts).to_numpy()
    total = np.bincount(of_session, weights=streams, minlength=sessions.num_rows)
    of_track = np.bincount(
        of_session, weights=streams * is_track.to_numpy(zero_copy_only=False), minlength=sessions.num_rows
    )
    return (total > 0) & (of_track >= EXEMPT_STREAM_SHARE * total)
