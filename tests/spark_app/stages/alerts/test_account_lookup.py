"""What looks know of accounts: the same as the joins of closed sessions, by the same rules, from files."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.features import OWN_HISTORY_FEATURES, SUSPICION
from contracts.tables import STATIC
from runtime.resources import CHECKOUT
from runtime.world import World
from spark_app.local.account_files import write_account_files
from spark_app.local.looks import look_table
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import session_features
from spark_app.stages.alerts.account_lookup import AccountLookup, no_accounts
from spark_app.stages.alerts.prefix_features import PREFIX_FEATURES
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from tests.spark_app.typed import hash_of

NINTH, TENTH = date(2026, 3, 9), date(2026, 3, 10)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def write_static(world: World, table: str, as_of: date, rows: list[dict[str, object]]) -> None:
    """Write a static table, for which a test names only the values that matter."""
    types = {"int": pa.int32(), "double": pa.float64(), "date": pa.date32(), "bigint": pa.int64()}
    schema = pa.schema([(column.name, types.get(column.type, pa.string())) for column in STATIC[table]])
    folder = world.root / "static" / table / f"as_of={as_of}"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "part.parquet")
    (folder.parent / "CURRENT").write_text(f"{folder.name}\n")


@pytest.fixture
def lookup(tmp_path: Path) -> AccountLookup:
    """u1 with histories of two dates, u2 with one that is too short, u3 with a static row that says nothing."""
    world = World(tmp_path / "a world")
    known: list[dict[str, object]] = [
        {"user_id": "u1", "signed_up_on": date(2026, 1, 1), "plan": "premium", "timezone": "Asia/Tokyo"},
        {"user_id": "u2", "signed_up_on": date(2026, 2, 1), "plan": "free", "timezone": "UTC"},
        {"user_id": "u3"},
    ]
    write_static(world, "users", date(2026, 3, 1), known)
    of_u1 = {"user_id": "u1", **dict.fromkeys(BASELINE_STATISTICS, 0.5)}
    short: dict[str, object] = {"user_id": "u2", "history_days": 6}
    write_static(world, "user_baselines", NINTH, [{**of_u1, "history_days": 9}, short])
    write_static(world, "user_baselines", TENTH, [{**of_u1, "history_days": 10, "hours_sd": None}])
    folder = tmp_path / "files"
    folder.mkdir()
    return AccountLookup.open(*write_account_files(world, world.static_dates("user_baselines"), folder))


def test_a_session_sees_the_table_that_the_join_of_closed_sessions_chooses(lookup: AccountLookup) -> None:
    """The moments of `test_account_baselines`."""
    moments = {
        "2026-03-09 11:59:59": None, "2026-03-09 12:00:00": 9, "2026-03-10 11:59:59": 9, "2026-03-10 12:00:00": 10,
        "2026-03-17 23:59:59": 10, "2026-03-18 12:00:00": None,
    }  # fmt: skip
    at = np.array([ms(text) for text in moments])
    backwards = np.arange(len(at))[::-1]
    for order in (np.arange(len(at)), backwards):
        known = lookup.find(np.full(len(at), hash_of("u1")), at[order])
        usual = dict.fromkeys(BASELINE_STATISTICS, 0.5)
        of_table = {None: None, 9: {**usual, "history_days": 9}, 10: {**usual, "history_days": 10, "hours_sd": None}}
        expected = [of_table[days] for days in moments.values()]
        assert known.baseline.to_pylist() == [expected[position] for position in order]


def test_an_account_that_is_unknown_or_new_is_null_in_every_column(lookup: AccountLookup) -> None:
    users = ["u1", "nobody", "u2", "u3"]
    hashed = np.array([hash_of(user) for user in users])
    known = lookup.find(hashed, np.full(4, ms("2026-03-10 12:00:00")))
    assert known.accounts.plan.to_pylist() == ["premium", None, "free", None]
    assert known.accounts.timezone.to_pylist() == ["Asia/Tokyo", None, "UTC", None]
    assert known.accounts.signed_up_on.to_pylist() == [date(2026, 1, 1), None, date(2026, 2, 1), None]
    assert known.baseline.is_valid().to_pylist() == [True, False, False, False], "six days are too few to compare with"
    nothing = no_accounts().find(hashed, np.zeros(4, np.int64))
    assert nothing.baseline.null_count == nothing.accounts.plan.null_count == 4


def test_a_look_that_sees_a_whole_session_has_the_features_of_the_closed_one() -> None:
    assert CHECKOUT
    rows = read_world_rows(World(CHECKOUT / "data" / "sample"))
    users, rng = rows.users["user_id"], np.random.default_rng(1)
    days = pa.array([date(2025, 3, 2)] * len(users) + [date(2025, 3, 3)] * len(users))
    statistics = {name: pa.array(rng.random(2 * len(users))) for name in BASELINE_STATISTICS}
    histories = pa.table(
        {
            "as_of": days,
            "user_id": pa.concat_arrays([*users.chunks, *users.chunks]),
            "history_days": pa.array(rng.integers(5, 12, 2 * len(users)).astype(np.int32)),
            **statistics,
        }
    )
    closed = session_features(rows, histories).to_pandas().set_index("session_key")
    looks = look_table(rows, histories)
    sizes = (closed["plays_rows"] + closed["activity_rows"])[looks["session_key"]].to_numpy()
    whole = looks[looks["rows"].to_numpy() == sizes].set_index("session_key")
    assert len(whole) > 40
    for name in set(PREFIX_FEATURES) - {SUSPICION.name}:
        np.testing.assert_array_equal(whole[name], closed.loc[whole.index, name], err_msg=name)
    assert whole[list(OWN_HISTORY_FEATURES)].notna().mean().min() > 0.1
