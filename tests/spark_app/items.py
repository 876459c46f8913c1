"""Builders of sessions as `compute_features` gets them: their rows in an Arrow batch, without Spark."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS
from runtime.event_text import parse_time
from spark_app.stages.sessions import session_rows as layout
from spark_app.stages.sessions.compute_features import compute_features
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from spark_app.stages.sessions.session_records import write_records

Item = dict[str, Any]

NOON_MS = parse_time("2026-03-01T12:00:00.000Z") or 0
"""Second 0 of every built session."""

_ARROW = {"bigint": pa.int64(), "string": pa.string(), "double": pa.float64(), "int": pa.int32()}
ITEMS = pa.schema([(n, _ARROW[t]) for n, t in (field.split() for field in layout.ITEM_DDL.split(", "))])
BASELINE_STRUCT = pa.struct([("history_days", pa.int32()), *((name, pa.float64()) for name in BASELINE_STATISTICS)])


def _item(at_s: float, code: int, *, network: str | None, country: int, **values: Any) -> Item:
    code += (NETWORKS.index(network) + 1 if network else 0) << layout.NETWORK_SHIFT
    code += country << layout.COUNTRY_SHIFT
    for shift, vocabulary, value in (
        (layout.DEVICE_TYPE_SHIFT, DEVICES, values.pop("device_type", None)),
        (layout.DRM_SHIFT, DRMS, values.pop("drm", None)),
        (layout.CODEC_SHIFT, CODECS, values.pop("codec", None)),
    ):
        code += (vocabulary.index(value) + 1 if value else 0) << shift
    item = {"event_ms": NOON_MS + round(at_s * 1000), "code": code, "ts": 0, **values}
    # an id that differs by row and is the same in every run
    return {"id_hash": zlib.crc32(repr(sorted(item.items())).encode()), **item}


def heard(
    start_s: float = 0,
    listen_s: float = 40,
    track: str = "t1",
    *,
    duration_s: float = 0,
    is_autoadvance: bool = False,
    is_skip: bool = False,
    network: str | None = None,
    country: int = 0,
    **values: Any,
) -> Item:
    """Build a play by its start and the seconds heard; device, ip, artist, device_type and others as given."""
    code = layout.IS_AUTOADVANCE * is_autoadvance + layout.IS_SKIP * is_skip
    lengths = (round(listen_s * 1000) << 32) | round(duration_s * 1000)
    return _item(
        start_s + listen_s, code, network=network, country=country, lengths=lengths, track_id=track, **values
    )  # fmt: skip


def did(action: str, at_s: float = 0, *, network: str | None = None, country: int = 0, **values: Any) -> Item:
    """Build an activity row."""
    return _item(at_s, ACTIONS.index(action) + 1, network=network, country=country, lengths=0, **values)


def input_batch(
    *sessions: Sequence[Item],
    user: str = "u1",
    signed_up_on: date | None = None,
    plan: str | None = None,
    timezone: str | None = None,
    baseline: Mapping[str, float] | None = None,
) -> pa.RecordBatch:
    """Build an Arrow batch of SESSION_INPUT; every session is of the same account."""
    n = len(sessions)
    # the session step hands rows on in this order
    ordered = [sorted(items, key=lambda item: (item["event_ms"], item["id_hash"])) for items in sessions]
    rows = pa.Table.from_pylist([item for items in ordered for item in items], ITEMS)
    session = np.repeat(np.arange(n), [len(items) for items in ordered])
    return pa.RecordBatch.from_pydict(
        {
            "user_id": pa.array([user] * n),
            **write_records(rows, session, n),
            "signed_up_on": pa.array([signed_up_on] * n, pa.date32()),
            "plan": pa.array([plan] * n, pa.string()),
            "timezone": pa.array([timezone] * n, pa.string()),
            "baseline": pa.array([baseline] * n, BASELINE_STRUCT),
        }
    )


def session_row(*items: Item, **account: Any) -> dict[str, Any]:
    """Compute one session's row; a feature that cannot be measured is None."""
    (row,) = compute_features(input_batch(items, **account)).to_pylist()
    return row
