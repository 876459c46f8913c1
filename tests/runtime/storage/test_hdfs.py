"""Addresses in HDFS. What a job does there is tried with a real one: tests/flow/in_hdfs.py."""

import sys
from io import BytesIO
from pathlib import Path

import pytest

from runtime.errors import StorageError
from runtime.settings import Settings
from runtime.storage import attach, hdfs
from runtime.storage.bucket import Storage, service_of
from runtime.storage.hdfs import NameNode, Replacement


@pytest.mark.parametrize("address", ["hdfs://name-node:8020/playproof", "hdfs://nameservice1/teams/fraud"])
def test_an_address_is_the_same_for_spark_and_for_tables(address: str, tmp_path: Path) -> None:
    assert Settings(storage=address).storage == address
    storage = Storage(tmp_path, address, service_of(address))
    assert storage.endpoint == NameNode(address.split("/")[2])
    assert storage.endpoint.spark_address(storage.address_of(tmp_path / "lake")) == f"{address}/lake"
    assert storage.endpoint.path_of(address) == address.removeprefix(f"hdfs://{storage.endpoint.authority}")
    assert not storage.endpoint.jars


def test_without_the_client_one_line_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hdfs_native.fsspec", None)
    hdfs._files.cache_clear()
    with pytest.raises(StorageError, match="needs the package hdfs-native, here and on every worker") as caught:
        attach(tmp_path / "w" / "v1", "hdfs://name-node:8020/playproof")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "w").exists()


def test_a_file_takes_its_place_when_it_is_closed() -> None:
    renamed: list[tuple[str, str, bool]] = []

    class Client:
        def rename(self, old: str, new: str, overwrite: bool) -> None:
            renamed.append((old, new, overwrite))

    file = BytesIO()
    with Replacement(Client(), file, "/t/.a.partial", "/t/a") as out:
        assert out.write(b"rows") == 4
        assert renamed == []
    assert file.closed
    out.close()
    assert renamed == [("/t/.a.partial", "/t/a", True)]
