"""Give-aways: how well any one raw column, id or feature tells a family's rows from honest ones.

An AUC here is of one column alone: for an ordered column the better of both directions; for a column of few words
the words are scored by how often they are the family's on one half of the accounts, and tested on the other half.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.events import ACTIVITY, FIELDS, PLAYS
from contracts.labels import FAMILIES, HONEST
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.measure.units import Units
from runtime.arrays import Bools, Floats
from runtime.parquet import read_parquet
from runtime.world import World

WORST_ALLOWED = 0.95
EXEMPT = ("loop30",)
FEWEST = 30
"""A family with fewer units than this gets no figure."""
MOST_HONEST_ROWS, MOST_BOT_ROWS = 80_000, 8_000


@dataclass(frozen=True, slots=True)
class Pair:
    """One column against one family. `unit` is row, session, user-day or account."""

    unit: str
    column: str
    family: str
    auc: float
    positives: int

    @property
    def is_leak(self) -> bool:
        return self.auc > WORST_ALLOWED and self.family not in EXEMPT


def auc(values: Floats, is_bot: Bools) -> float:
    """Return the ROC AUC of a column, ties counted half; NaN is the lowest value.

    >>> auc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True]))
    0.875
    """
    values = np.where(np.isnan(values), -np.inf, values)
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    bots = int(is_bot.sum())
    above = rank[where][is_bot].sum() - bots * (bots + 1) / 2
    return float(above / (bots * (len(values) - bots)))


def either_way(values: Floats, is_bot: Bools) -> float:
    """Return the AUC of a column, high or low."""
    found = auc(values, is_bot)
    return max(found, 1 - found)


def by_words(codes: NDArray[np.int64], is_bot: Bools, half: Bools) -> float:
    """Return the AUC of a column of words: their log-odds learnt on one half, tested on the other."""
    n = int(codes.max()) + 2
    bots = np.bincount(codes[half & is_bot] + 1, minlength=n + 1) + 0.5
    honest = np.bincount(codes[half & ~is_bot] + 1, minlength=n + 1) + 0.5
    if not (~half & is_bot).any() or not (half & is_bot).any():
        return float("nan")
    return auc(np.log(bots / honest)[codes + 1][~half], is_bot[~half])


def feature_pairs(units: Units, unit: str) -> list[Pair]:
    """Scan every feature of sessions or user-days."""
    pairs = []
    for name in FAMILIES:
        is_bot = units.family == FAMILY_NAMES.index(name)
        use = is_bot | (units.family == 0)
        if is_bot.sum() >= FEWEST:
            for column, values in units.features.items():
                pairs.append(Pair(unit, column, name, either_way(values[use], is_bot[use]), int(is_bot.sum())))
    return pairs


def raw_pairs(world: World, topic: str, seed: int = 0) -> list[Pair]:
    """Scan every raw column of a topic: its value or words, whether it is null, digits and order of ids, of times."""
    rng = np.random.default_rng(seed)
    names = [f.name for f in FIELDS[topic] if f.name != "ts"]
    raw, known = [], []
    for path in world.raw_files(topic):
        raw.append(read_parquet(path, names))
        known.append(read_parquet(world.truth(topic) / path.parent.name / path.name, ["family"]))
    table = pa.concat_tables(raw)
    family = pc.index_in(pa.concat_tables(known)["family"], pa.array(FAMILY_NAMES)).to_numpy()
    honest = np.flatnonzero(family == 0)
    sample = rng.choice(honest, min(len(honest), MOST_HONEST_ROWS), replace=False)
    bots = [np.flatnonzero(family == code) for code in range(1, len(FAMILY_NAMES))]
    bots = [rng.choice(rows, min(len(rows), MOST_BOT_ROWS), replace=False) for rows in bots]
    rows = np.sort(np.concatenate((sample, *bots)))
    table, family = table.take(pa.array(rows)), family[rows]
    half = _half(table["user_id"])
    columns: dict[str, NDArray[np.generic]] = {}
    for field in FIELDS[topic]:
        if field.name != "ts":
            columns |= _views(field.name, table[field.name])
    columns["place in the table"] = rows.astype(float)
    pairs = []
    for name in FAMILIES:
        is_bot = family == FAMILY_NAMES.index(name)
        use = is_bot | (family == 0)
        if is_bot.sum() < FEWEST:
            continue
        for column, values in columns.items():
            if values.dtype.kind == "f":
                found = either_way(values[use], is_bot[use])
            else:
                found = by_words(values[use], is_bot[use], half[use])
            if not np.isnan(found):
                pairs.append(Pair(f"row of {topic}", column, name, found, int(is_bot.sum())))
    return pairs


def account_pairs(world: World) -> list[Pair]:
    """Scan the static table of users: its columns, nulls, ids and order."""
    users = read_parquet(world.static("users") / "part.parquet")
    truth = read_parquet(world.root / "truth" / "users.parquet")
    family = np.array(truth["family"].to_pylist())[pc.index_in(users["user_id"], truth["user_id"]).to_numpy()]
    columns: dict[str, NDArray[np.generic]] = {"place in the table": np.arange(len(users), dtype=float)}
    for name in users.schema.names:
        columns |= _views(name, users[name])
    half = _half(users["user_id"])
    pairs = []
    for name in FAMILIES:
        is_bot = family == name
        use = is_bot | (family == HONEST)
        if is_bot.sum() < FEWEST:
            continue
        for column, values in columns.items():
            ordered = values.dtype.kind == "f"
            found = either_way(values[use], is_bot[use]) if ordered else by_words(values[use], is_bot[use], half[use])
            if not np.isnan(found):
                pairs.append(Pair("account", column, name, found, int(is_bot.sum())))
    return pairs


def _half(users: pa.ChunkedArray) -> Bools:
    """Split accounts in halves by the last digit of their ids."""
    last = pc.utf8_slice_codeunits(users.cast(pa.string()), -1)
    return pc.is_in(last, pa.array(list("01234567"))).to_numpy(zero_copy_only=False)


def _views(name: str, column: pa.ChunkedArray) -> dict[str, NDArray[np.generic]]:
    """Return what there is to see in a column: floats are ordered, whole numbers are words."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        ms = column.cast(pa.int64()).to_numpy()
        hour = ms // 3_600_000 % 24
        return {
            name: ms.astype(float), f"{name}: hour": hour, f"{name}: second": ms // 1000 % 60,
            f"{name}: ms": (ms % 1000).astype(float), f"{name}: last digit": ms % 10,
        }  # fmt: skip
    if pa.types.is_integer(kind) or pa.types.is_date(kind):
        numbers = column.cast(pa.int32()).to_numpy()
        return {name: numbers.astype(float), f"{name}: last digit": numbers.astype(np.int64) % 10}
    if pa.types.is_boolean(kind):
        return {name: column.to_numpy().astype(np.int64)}
    text = column.cast(pa.string())
    views = {f"{name}: is null": pc.is_null(text).to_numpy().astype(np.int64)}
    words = pc.unique(text.drop_null()) if hasattr(text, "drop_null") else pc.unique(text)
    if len(words) <= 64:
        views[name] = pc.index_in(text, words).fill_null(-1).to_numpy().astype(np.int64)
        return views
    order = pc.rank(text, tiebreaker="dense").to_numpy().astype(float)
    for view, part in (("first", pc.utf8_slice_codeunits(text, 0, 1)), ("last", pc.utf8_slice_codeunits(text, -1))):
        views[f"{name}: {view} digit"] = pc.index_in(part, pc.unique(part)).fill_null(-1).to_numpy().astype(np.int64)
    length = pc.utf8_length(text).fill_null(0).to_numpy().astype(float)
    return views | {f"{name}: order": order, f"{name}: length": length}


TOPICS = (PLAYS, ACTIVITY)
