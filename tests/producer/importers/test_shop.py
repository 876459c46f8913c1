"""The shop's files: taken as they are, or refused in one line with nothing written."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.shop import BROWSING, COLUMNS, ORDER_COLUMN, TRANSACTIONS
from producer.errors import HistoryError
from producer.importers.shop import import_shop
from producer.simulator.shop.build import FILES, build_shop
from producer.simulator.shop.scenario import ShopScenario
from runtime.world import World


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "source"
    build_shop(ShopScenario(customers=400, days=2, promo_households=2, takeovers=10), folder)
    return {name: folder / FILES[name] for name in COLUMNS}


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def test_every_row_arrives_as_the_string_it_was_in_order_of_time(files: dict[str, Path], tmp_path: Path) -> None:
    world = World(tmp_path / "data" / "shop")
    taken = import_shop(files, world)
    for topic in (BROWSING, TRANSACTIONS):
        tables = [pq.read_table(path, partitioning=None) for path in world.raw_files(topic)]
        times = [ms for table in tables for ms in table[ORDER_COLUMN].to_pylist()]
        assert len(times) == taken.rows[topic] == files[topic].read_text().count("\n") - 1
        assert times == sorted(times)
        assert taken.reordered[topic] == 0
    first = pq.read_table(world.raw_files(TRANSACTIONS)[0], partitioning=None).drop([ORDER_COLUMN]).to_pylist()[0]
    line = files[TRANSACTIONS].read_text().splitlines()[1]
    assert line.startswith(first["created_at"])
    assert f'"{first["product_metadata"]}"' in line
    assert all(isinstance(value, str) for value in first.values())
    assert (world.static("products") / "products.csv").read_text() == files["products"].read_text()


def test_a_byte_order_mark_further_columns_and_another_order_of_them_are_taken(
    files: dict[str, Path], tmp_path: Path
) -> None:
    lines = [line.split(",") for line in files["categories"].read_text().splitlines()]
    turned = "\n".join(",".join([*reversed(cells), f"x{n}"]) for n, cells in enumerate(lines))
    files["categories"].write_text("\ufeff" + turned + "\n", encoding="utf-8")
    import_shop(files, world := World(tmp_path / "data" / "shop"))
    assert (world.static("categories") / "categories.csv").read_text().splitlines() == [",".join(c) for c in lines]


def test_rows_out_of_order_are_sorted_and_counted(files: dict[str, Path], tmp_path: Path) -> None:
    header, first, second, *rest = files[BROWSING].read_text().splitlines()
    files[BROWSING].write_text("\n".join([header, second, first, *rest]) + "\n")
    taken = import_shop(files, World(tmp_path / "data" / "shop"))
    assert taken.reordered == {BROWSING: 1, TRANSACTIONS: 0}


REFUSED: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a missing column": (BROWSING, lambda t: t.replace("event_type", "kind"), "no column event_type: expected"),
    "another separator": ("categories", lambda t: t.replace(",", ";"), "its separator is ';': expected ','"),
    "a quote left open": (TRANSACTIONS, lambda t: t.rstrip("\n").rsplit('"', 1)[0], "a quote is left open"),
    "a quote left open in the middle": (TRANSACTIONS, lambda t: t.replace('}]",', "}],", 1), "line 2: "),
    "an unknown payment status": (TRANSACTIONS, lambda t: t.replace(",Success,", ",Pending,", 1),
                                  "payment_status is 'Pending': expected Success, Fail"),
    "no time": (TRANSACTIONS, lambda t: t.replace("2024-01-01 00:", "12:", 1), "expected a time such as"),
    "a cell too few": ("products", lambda t: t.rstrip("\n").rsplit(",", 1)[0], "4 cells, expected 5"),
    "a column twice": ("categories", lambda t: t.replace("sub_category", "master_category", 1),
                       "column master_category is there twice"),
    "a column that the replay adds": (BROWSING, lambda t: "\n".join(f"{line},{n or 'ts'}" for n, line in
                                                                  enumerate(t.splitlines())), "column ts is one that"),
    "no rows": ("products", lambda t: t.splitlines()[0] + "\n", "no rows after the header"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_file_is_one_line_that_names_it_and_nothing_is_written(
    files: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    name, spoil, expected = REFUSED[kind]
    rewrite(files[name], spoil)
    data = tmp_path / "data"
    with pytest.raises(HistoryError) as refusal:
        import_shop(files, World(data / "shop"))
    assert str(files[name]) in str(refusal.value)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not data.exists() or not any(data.iterdir())


def test_a_file_that_is_not_there_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    files["products"].unlink()
    with pytest.raises(HistoryError, match=r"products\.csv: no such file"):
        import_shop(files, World(tmp_path / "data" / "shop"))


def test_a_world_that_has_rows_is_not_overwritten(files: dict[str, Path], tmp_path: Path) -> None:
    world = World(tmp_path / "data" / "shop")
    import_shop(files, world)
    with pytest.raises(HistoryError, match="world shop has rows already"):
        import_shop(files, world)
