"""Rows to the table `user_days` and to the tables of own histories: what `stages/user_days` does on Spark."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS, SKIP_REASONS
from contracts.tables import USER_DAYS
from contracts.user_day_features import BASELINE_QUANTITIES
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers
from spark_app.local.rows import WorldRows
from spark_app.stages.arrays.countries import COUNTRIES
from spark_app.stages.arrays.ids import hashes, index_in, longs
from spark_app.stages.user_days import day_rows as layout
from spark_app.stages.user_days.baselines import summarize_histories_by_date
from spark_app.stages.user_days.compute_user_days import COMPUTED_NAMES, compute_day_features
from spark_app.stages.user_days.day_batch import DayBatch
from spark_app.stages.user_days.links import KINDS, count_accounts


def day_batch(rows: WorldRows) -> DayBatch:
    """Turn rows into user-days as flat arrays, complete accounts."""
    zones = sorted({zone for zone in rows.users["timezone"].to_pylist() if zone})
    table = pa.concat_tables([_narrow_plays(rows.plays, rows.tracks), _narrow_activity(rows.activity)])
    position = pc.index_in(table["user_id"], value_set=rows.users["user_id"].combine_chunks())
    zone = index_in(zones, rows.users["timezone"].take(position)) - 1
    # accounts in the order of their ids, so that the order of the rows changes nothing
    ordered = table.append_column("zone", pa.array(zone)).sort_by("user_id")
    return DayBatch.from_arrow(ordered, zones)


def compute_days(rows: WorldRows, names: Sequence[str] = COMPUTED_NAMES) -> pa.RecordBatch:
    """Turn rows into `day_columns`, one row per account and local day that has a row."""
    return compute_day_features(day_batch(rows), names)


def own_histories(rows: WorldRows) -> pa.Table:
    """Compute the tables of own histories of every date, with `as_of`."""
    return _histories_of(pa.Table.from_batches([compute_days(rows, BASELINE_QUANTITIES)]))


def _histories_of(days: pa.Table) -> pa.Table:
    quantities = days.select(["user_id", "local_date", *BASELINE_QUANTITIES])
    return pa.Table.from_batches(summarize_histories_by_date(quantities))


def user_days(
    rows: WorldRows, unmeasurable: Collection[str] = (), others: pa.Table | None = None
) -> tuple[pd.DataFrame, pa.Table]:
    """Turn rows into the table `user_days`, and into the tables of own histories of every date, with `as_of`.

    `others`: `link_visits` of accounts that are not in the rows, but count on a shared device or address.
    """
    days = pa.Table.from_batches([compute_days(rows)])
    return _table_of(days, rows, unmeasurable, others), _histories_of(days)


def user_day_table(rows: WorldRows, unmeasurable: Collection[str] = ()) -> pd.DataFrame:
    """Turn rows into the table `user_days` alone."""
    return _table_of(pa.Table.from_batches([compute_days(rows)]), rows, unmeasurable, None)


def _table_of(days: pa.Table, rows: WorldRows, unmeasurable: Collection[str], others: pa.Table | None) -> pd.DataFrame:
    position = pc.index_in(days["user_id"], value_set=rows.users["user_id"].combine_chunks())
    account = {name: rows.users[name].take(position) for name in ("signed_up_on", "plan", "country")}
    frame = days.drop_columns(["devices", "ips"]).to_pandas()
    frame = frame.assign(**{name: column.to_pandas().to_numpy() for name, column in account.items()})
    for kind, counts in _accounts_per_link(days, others).items():
        frame[f"accounts_per_{kind}"] = counts
    frame["account_age_days"] = _age_days(account["signed_up_on"], day_numbers(frame["local_date"]))
    is_known = pc.is_valid(account["plan"]).to_numpy()
    frame["is_paid_plan"] = np.where(is_known, (frame["plan"] != "free").astype(float), np.nan)
    frame["date"] = frame["local_date"]
    frame = frame[[column.name for column in USER_DAYS]]
    return frame.assign(**{name: np.nan for name in unmeasurable if name in frame})


def _age_days(signed_up_on: pa.ChunkedArray, day: Ints) -> Floats:
    age = day - signed_up_on.cast(pa.int32()).to_pandas().to_numpy(dtype=np.float64)
    return np.where(np.isnan(age), np.nan, np.maximum(age, 0.0))


def link_visits(days: pa.Table | pa.RecordBatch) -> pa.Table:
    """Return one row per device and address of user-days (user_id, local_date, devices, ips), devices first."""
    visits = []
    for kind, ids in KINDS.items():
        at, links = _owners(days[ids])
        columns = {
            "kind": pa.array([kind] * len(at), pa.string()), "id_hash": links,
            "user_id": days["user_id"].take(at), "local_date": days["local_date"].take(at),
        }  # fmt: skip
        visits.append(pa.table(columns))
    return pa.concat_tables(visits)


def _owners(lists: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return the row of each element of a column of lists, and the elements."""
    combined = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    return pa.array(
        np.repeat(np.arange(len(combined)), pc.list_value_length(combined).to_numpy(False))
    ), combined.flatten()


def _accounts_per_link(days: pa.Table, others: pa.Table | None) -> dict[str, Floats]:
    """Return by kind of link the most accounts of the 28 days before on one of a day's links; NaN without a link."""
    visits = link_visits(days)
    n = len(visits)
    counted = count_accounts(visits if others is None else pa.concat_tables([visits, others]))
    accounts = counted["accounts_28d"].to_numpy()[:n].astype(np.float64)
    owners = [_owners(days[ids])[0].to_numpy() for ids in KINDS.values()]
    results = {}
    for kind, owner, counts in zip(KINDS, owners, np.split(accounts, [len(owners[0])]), strict=True):
        highest = np.full(len(days), np.nan)
        np.fmax.at(highest, owner, np.maximum(counts, 1.0))
        results[kind] = highest
    return results


def _shared(table: pa.Table, drm: Ints, codec: Ints) -> tuple[Ints, dict[str, pa.Array | Ints]]:
    parts = {
        "network": index_in(NETWORKS, table["network"]),
        "device_type": index_in(DEVICES, table["device_type"]),
        "country": index_in(COUNTRIES, table["country"]),
        "drm": drm,
        "codec": codec,
    }
    code = sum((values << layout.SHIFT[name] for name, values in parts.items()), np.zeros(len(table), dtype=np.int64))
    return code, {
        "user_id": table["user_id"],
        "event_ms": longs(table["event_time"].cast(pa.int64()).combine_chunks()),
        "id_hash": table["id_hash"].to_numpy(),
        "device": hashes(table["device_id"]),
        "ip": hashes(table["ip"]),
    }


def _table(columns: dict[str, pa.Array | Ints], popularity: Floats) -> pa.Table:
    zero = np.zeros(len(popularity), dtype=np.int64)
    numbers = {name: pa.array(columns.get(name, zero)) for name in layout.LONGS}
    return pa.table({"user_id": columns["user_id"], **numbers, "popularity": pa.array(popularity)})


def _narrow_plays(plays: pa.Table, tracks: pa.Table) -> pa.Table:
    position = pc.index_in(plays["track_id"], value_set=tracks["track_id"].combine_chunks())
    none = np.zeros(len(plays), dtype=np.int64)
    code, columns = _shared(plays, none, none)
    start, end = plays["reason_start"], plays["reason_end"]
    flags = np.where(_is(start, ("trackdone",)), layout.IS_AUTOADVANCE, 0) + np.where(
        _is(end, SKIP_REASONS), layout.IS_SKIP, 0
    )
    missing = sum(
        np.where(pc.is_null(plays[name]).to_numpy(), bit, 0)
        for name, bit in (
            ("listen_ms", layout.NO_LISTEN),
            ("reason_start", layout.NO_START_REASON),
            ("reason_end", layout.NO_END_REASON),
        )
    )
    code = code + (flags << layout.SHIFT["flags"]) + (missing << layout.SHIFT["missing"])
    labels = tracks["label_id"]
    sizes = pc.value_counts(labels.drop_null())
    of_label = pc.index_in(labels, value_set=sizes.field("values"))
    label_size = sizes.field("counts").take(of_label.combine_chunks())
    listen_ms = longs(plays["listen_ms"].cast(pa.int64()).combine_chunks())

    def of_track(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray:
        taken = column.take(position)
        return taken if isinstance(taken, pa.ChunkedArray) else pa.chunked_array([taken])

    columns |= {
        "code": code,
        "lengths": (listen_ms << 32) + longs(of_track(tracks["duration_ms"]).combine_chunks()),
        "track": hashes(plays["track_id"]),
        "artist": hashes(of_track(tracks["artist_id"])),
        "label": hashes(of_track(labels)),
        "context": hashes(plays["context_id"]),
        "label_size": longs(of_track(label_size).combine_chunks()),
    }
    popularity = of_track(tracks["total_track_popularity"]).to_pandas().to_numpy(dtype=np.float64)
    return _table(columns, popularity)


def _narrow_activity(activity: pa.Table) -> pa.Table:
    code, columns = _shared(activity, index_in(DRMS, activity["drm"]), index_in(CODECS, activity["codec"]))
    action = activity["action"].cast(pa.string())
    licensed = np.where(_is(action, ("licence_request",)), hashes(activity["item_id"]), 0)
    columns |= {
        "code": code + index_in(ACTIONS, action),
        "track": licensed,
        "cdm": hashes(activity["cdm_version"]),
    }
    return _table(columns, np.full(len(activity), np.nan))


def _is(column: pa.ChunkedArray, values: Collection[str]) -> np.ndarray:
    return pc.is_in(column.cast(pa.string()), value_set=pa.array(values, pa.string())).to_numpy()
