"""Alerts as messages of topic `alerts`, and as rows of table `alerts`: a JSON object with the columns of the table."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.events import STREAM_MS
from contracts.tables import ALERTS
from models.risk.money import Prices, pro_rata
from runtime.arrays import Bools, Ints
from runtime.event_text import format_time, parse_time
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.scoring.score import REASON
from spark_app.stages.sessions.session_batch import SessionBatch

_ARROW = {
    "string": pa.string(), "timestamp": UTC_TIMESTAMP, "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64(),
    "boolean": pa.bool_(),
}  # fmt: skip
ALERT_SCHEMA = pa.schema([(c.name, _ARROW.get(c.type, pa.list_(REASON))) for c in ALERTS])
_TIMES = tuple(c.name for c in ALERTS if c.type == "timestamp")
Fields = dict[str, Any]


def to_message(fields: Fields, alerted_at: float) -> str:
    """Write the columns of an alert as JSON, in their order. `alerted_at`: epoch seconds."""
    known = fields | {"alerted_at": format_time(round(alerted_at * 1000))}
    return json.dumps({c.name: known[c.name] for c in ALERTS}, separators=(",", ":"), ensure_ascii=False)


def raised_fields(b: SessionBatch, looks: Ints, user_ids: Sequence[str], at_ms: Ints) -> list[Fields]:
    """Return what looks saw of their sessions: all columns of an alert but those of the model and the clock.

    `b` has the rows of every look; `user_ids` and `at_ms` are those of `looks`.
    """
    is_stream = b.is_play & (b.listen_ms >= STREAM_MS)
    counts = (b.count(mask)[looks].astype(int) for mask in (b.all_rows, b.is_play, is_stream))
    rows, plays, streams = counts
    ts = b.largest(b.ts, b.all_rows)[looks]
    columns = (
        user_ids, b.first_event_ms[looks].tolist(), b.started_ms[looks].tolist(), at_ms.tolist(), rows.tolist(),
        plays.tolist(), streams.tolist(), _money(streams), ts.tolist(),
    )  # fmt: skip
    return [
        {
            "session_key": f"{user}:{first_ms}", "user_id": user, "started_at": format_time(started_ms),
            "looked_at": format_time(look_ms), "rows": n, "plays": n_plays, "streams": n_streams, "money_eur": euros,
            "ts": newest_ts, "withdrawn": False,
        }
        for user, first_ms, started_ms, look_ms, n, n_plays, n_streams, euros, newest_ts in zip(*columns, strict=True)
    ]  # fmt: skip


def withdrawals(scored: pa.RecordBatch, was_alerted: Bools, alerted_at: float) -> list[str]:
    """Return a message for each session that had an alert and is not flagged. `scored`: SESSIONS."""
    is_withdrawn = was_alerted & ~scored.column("is_flagged").to_numpy(zero_copy_only=False)
    messages = []
    for session in scored.filter(pa.array(is_withdrawn)).to_pylist() if is_withdrawn.any() else []:
        streams = int(session["streams"] or 0)
        fields = {name: session[name] for name in ("session_key", "user_id", "score", "reasons", "model_version", "ts")}
        fields |= {
            "started_at": _iso(session["started_at"]), "looked_at": _iso(session["ended_at"]),
            "rows": session["plays_rows"] + session["activity_rows"], "plays": session["plays_rows"],
            "streams": streams, "money_eur": _money(np.array([streams]))[0], "withdrawn": True,
        }  # fmt: skip
        messages.append(to_message(fields, alerted_at))
    return messages


def to_table(messages: Iterable[str]) -> pa.Table:
    """Read messages as rows of table `alerts`."""
    rows = [json.loads(message) for message in messages]
    for row in rows:
        row |= {name: (parse_time(row[name]) or 0) * 1000 for name in _TIMES}
    return pa.Table.from_pylist(rows, ALERT_SCHEMA)


def _money(streams: Ints) -> list[float]:
    return [round(euros, 4) for euros in pro_rata(streams, Prices()).tolist()]


def _iso(moment: Any) -> str:
    return format_time(round(moment.timestamp() * 1000))
