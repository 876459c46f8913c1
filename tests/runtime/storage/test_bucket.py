"""Tables in a bucket: written there, read by copies; what cannot be used is named in one line."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from ops.cluster.seaweed import BUCKET, S3, running_s3
from runtime.errors import LakeError, StorageError
from runtime.lake import LOG, committed_files, growth, moments, signature, upkeep
from runtime.lake.commits import Transaction, append, append_rows, create_table, write_files
from runtime.parquet import read_parquet
from runtime.storage import attach, storage_of
from runtime.storage import s3 as clients
from runtime.world import Unit, World
from tests.lake_rows import replace_rows

ADDRESS = f"s3://{BUCKET}/team"
NOW = 4e9
"""Long after the tests: all that may be removed is old."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with running_s3(tmp_path_factory.mktemp("s3")) as storage:
        storage.make_bucket()
        yield storage


@pytest.fixture
def reached(s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3


def alert(key: str) -> pa.Table:
    return pa.table({"session_key": [key], "withdrawn": [False]})


def keys(table: Path) -> list[str]:
    return [key for file in committed_files(table) for key in read_parquet(file)["session_key"].to_pylist()]


def on_another_machine(unit: Unit, folder: Path) -> Unit:
    """Return the version as another machine has it that has read nothing yet."""
    other = World(folder / unit.root.parent.name).unit
    other.root.mkdir(parents=True)
    (other.root / "STORAGE").write_text((unit.root / "STORAGE").read_text())
    return other


def test_a_table_of_micro_batches_is_in_the_bucket_and_every_machine_reads_it(reached: S3, tmp_path: Path) -> None:
    unit = World(tmp_path / "here" / "one").unit
    attach(unit.root, ADDRESS)
    table = unit.table("alerts")
    added = [append_rows(table, alert(f"u{n}:5"), Transaction("sessions-1", n)) for n in (0, 1, 1, 2)]
    write_files(table, alert("orphan:5"))
    assert added == [True, True, False, True]
    assert keys(table) == ["u0:5", "u1:5", "u2:5"]
    in_bucket = reached.files("team/one/v1/lake/alerts")
    assert sum(name.endswith(".parquet") for name in in_bucket) == 4, "of a repetition nothing is left"
    elsewhere = on_another_machine(unit, tmp_path / "there")
    before = signature(elsewhere.table("alerts"))
    assert keys(elsewhere.table("alerts")) == ["u0:5", "u1:5", "u2:5"]
    append_rows(table, alert("u3:5"), Transaction("sessions-1", 3))
    assert signature(elsewhere.table("alerts")) != before
    assert keys(elsewhere.table("alerts"))[-1] == "u3:5"
    with pytest.raises(LakeError, match="was written by another checkpoint than sessions-2"):
        append_rows(table, alert("u4:5"), Transaction("sessions-2", 0))


def test_a_second_writer_at_the_same_time_is_refused_by_the_bucket(
    reached: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = World(tmp_path / "two").unit
    storage = attach(unit.root, ADDRESS)
    assert storage is not None
    table, address = unit.table("alerts"), storage.address_of(unit.table("alerts"))
    append_rows(table, alert("u0:5"), Transaction("sessions-1", 0))
    just_read = DeltaTable(address, storage_options=storage.endpoint.for_delta())
    append_rows(table, alert("u1:5"), Transaction("sessions-1", 1))
    files = write_files(table, alert("u2:5"), 1)
    with monkeypatch.context() as patch:
        patch.setattr("runtime.lake.commits.to_write", lambda table: just_read)
        with pytest.raises(LakeError, match="another program committed to lake/alerts at the same time"):
            append(table, files, Transaction("sessions-1", 1))
    assert keys(table) == ["u0:5", "u1:5"]


def test_upkeep_in_a_bucket_keeps_the_rows_and_removes_the_files(reached: S3, tmp_path: Path) -> None:
    unit = World(tmp_path / "three").unit
    attach(unit.root, ADDRESS)
    table = unit.table("alerts")
    for n in range(4):
        append_rows(table, alert(f"u{n}:5"), Transaction("sessions-1", n))
    before = growth.growth(unit.lake, NOW)
    done = upkeep.keep_up(table, None, NOW, fully=True)
    assert done.merged == 3, "the newest micro-batch stays as it is"
    assert len(upkeep.vacuum(table, NOW + 3600)) == 3
    assert sorted(keys(table)) == ["u0:5", "u1:5", "u2:5", "u3:5"]
    in_bucket = reached.files("team/three/v1/lake/alerts")
    assert sum(name.endswith(".parquet") and LOG not in name for name in in_bucket) == 2
    assert len([name for name in in_bucket if name.endswith(".json")]) < 5, "the checkpoint of the log replaces commits"
    assert growth.growth(unit.lake, NOW).files < before.files
    append_rows(table, alert("u4:5"), Transaction("sessions-1", 4))
    assert moments.versions(table)[-1].version == 6
    assert [t.name for t in upkeep.tables(unit.lake)] == ["alerts"]


def test_a_daily_table_is_replaced_in_the_bucket(reached: S3, tmp_path: Path) -> None:
    unit = World(tmp_path / "four").unit
    attach(unit.root, ADDRESS)
    for key in ("u1:5", "u2:5"):
        replace_rows(unit.table("campaigns"), alert(key))
    assert keys(unit.table("campaigns")) == ["u2:5"]


def test_a_version_stays_where_it_began(reached: S3, tmp_path: Path) -> None:
    unit = World(tmp_path / "five").unit
    attach(unit.root, ADDRESS)
    create_table(unit.table("alerts"))
    assert attach(unit.root, "") == storage_of(unit.table("alerts")), "a version knows its address without the setting"
    with pytest.raises(StorageError, match=r"is in s3://playproof/team/five/v1, and PLAYPROOF_STORAGE names .*--fresh"):
        attach(unit.root, "s3://playproof/other")
    local = World(tmp_path / "six").unit
    create_table(local.table("alerts"))
    with pytest.raises(StorageError, match=r"has its tables on this machine, and PLAYPROOF_STORAGE .*--fresh"):
        attach(local.root, ADDRESS)
    assert attach(local.root, "") is None
    again = World(tmp_path / "another machine" / "five").unit
    with pytest.raises(
        StorageError,
        match=r"has files of another run: choose another prefix .*copy v1/STORAGE of its folder from there",
    ):
        attach(again.root, ADDRESS)
    with pytest.raises(StorageError, match="there is no bucket nowhere"):
        attach(World(tmp_path / "seven").unit.root, "s3://nowhere/team")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "is refused.*: look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "cannot be reached: http://127.0.0.1:9 does not answer"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:9", "AWS_ENDPOINT_URL: '127.0.0.1:9' is no address"),
    ],
)
def test_a_wrong_key_and_an_endpoint_that_does_not_answer_are_one_line(
    reached: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    unit = World(tmp_path / "faulty").unit
    attach(unit.root, f"{ADDRESS}/{variable}{len(value)}")
    table = unit.table("alerts")
    create_table(table)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    monkeypatch.setattr(clients, "RETRY_S", 1)
    clients.filesystem.cache_clear()
    try:
        for use in (
            lambda: committed_files(table),
            lambda: create_table(unit.table("plays")),
            lambda: append_rows(table, alert("u:1"), Transaction("x", 1)),
            lambda: attach(World(tmp_path / "ten").unit.root, ADDRESS),
        ):
            with pytest.raises(StorageError, match=message) as caught:
                use()
            assert len(str(caught.value).splitlines()) == 1
            assert "wrong" not in str(caught.value), "no message has a key"
    finally:
        clients.filesystem.cache_clear()
