"""A small world on disk: the contract's layout, order and types, and the same bytes whoever builds it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.events import FIELDS, ID_FIELD
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World
from tests.conftest import Playproof

SMALL = replace(load_scenario("demo"), users=700, days=2, prevalence=0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("world"))
    build(SMALL, world)
    return world


def digest(root: Path) -> str:
    """Hash every file of a world with its path."""
    total = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        total.update(path.relative_to(root).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()


@pytest.mark.parametrize("topic", FIELDS)
def test_raw_has_the_fields_of_the_contract_without_ts(world: World, topic: str) -> None:
    for path in world.raw_files(topic):
        assert pq.ParquetFile(path).schema_arrow.names == [f.name for f in FIELDS[topic] if f.name != "ts"]


@pytest.mark.parametrize("topic", FIELDS)
def test_raw_is_sorted_by_time_and_id_and_ids_are_unique(world: World, topic: str) -> None:
    for path in world.raw_files(topic):
        table = pq.ParquetFile(path).read()
        assert table.equals(table.sort_by([("event_time", "ascending"), (ID_FIELD[topic], "ascending")]))
        assert pc.count_distinct(table[ID_FIELD[topic]]).as_py() == len(table)


@pytest.mark.parametrize("topic", FIELDS)
def test_truth_stands_in_the_order_of_raw(world: World, topic: str) -> None:
    for raw, truth in zip(world.raw_files(topic), sorted(world.truth(topic).glob("*/*.parquet")), strict=True):
        ids = pq.ParquetFile(raw).read([ID_FIELD[topic]])[ID_FIELD[topic]]
        assert ids.equals(pq.ParquetFile(truth).read(["row_id"])["row_id"])


@pytest.mark.parametrize("topic", FIELDS)
def test_every_value_obeys_the_vocabulary_of_its_field(world: World, topic: str) -> None:
    table = pq.ParquetFile(world.raw_files(topic)[0]).read()
    for field in FIELDS[topic]:
        if field.values:
            assert set(pc.unique(table[field.name]).to_pylist()) <= set(field.values)


def test_truth_never_stands_in_raw_or_static(world: World) -> None:
    told = {"family", "campaign_id", "cohort", "is_paid", "role"}
    for path in [*(world.root / "raw").rglob("*.parquet"), *(world.root / "static").rglob("*.parquet")]:
        assert not told & set(pq.ParquetFile(path).schema_arrow.names)


def test_purchased_streams_are_delivered_exactly(world: World) -> None:
    campaigns = pq.read_table(world.root / "truth" / "campaigns.parquet").to_pylist()
    by_streams = [c for c in campaigns if c["streams_bought"] is not None]
    assert by_streams
    for campaign in by_streams:
        assert campaign["streams_delivered"] == campaign["streams_bought"]


def test_total_popularity_sums_to_one(world: World) -> None:
    tracks = pq.ParquetFile(world.static("tracks") / "part.parquet").read(["total_track_popularity"])
    assert pc.sum(tracks["total_track_popularity"]).as_py() == pytest.approx(1)


@pytest.mark.parametrize(("workers", "shards"), [(1, 2), (1, 7), (2, None)])
def test_the_same_seed_gives_the_same_bytes_whatever_the_shards_and_workers(
    world: World, tmp_path: Path, workers: int, shards: int | None
) -> None:
    build(SMALL, World(tmp_path), workers, shards=shards)
    assert digest(tmp_path) == digest(world.root)


def test_another_seed_gives_other_bytes(world: World, tmp_path: Path) -> None:
    build(replace(SMALL, seed=8), World(tmp_path))
    assert digest(tmp_path) != digest(world.root)


def test_a_client_session_is_wholly_one_family_s(world: World) -> None:
    for topic in FIELDS:
        for raw, truth in zip(world.raw_files(topic), sorted(world.truth(topic).glob("*/*.parquet")), strict=True):
            table = pq.ParquetFile(raw).read(["session_id"])
            table = table.append_column("family", pq.ParquetFile(truth).read(["family"])["family"].cast("string"))
            families = table.group_by("session_id").aggregate([("family", "count_distinct")])
            assert pc.max(families["family_count_distinct"]).as_py() == 1


def test_the_datasheet_names_settings_labels_and_the_checksum_of_every_file(world: World) -> None:
    text = (world.root / "DATASHEET.md").read_text()
    assert "identity of the" in text
    assert f"| seed | {SMALL.seed} |" in text
    for path in world.root.rglob("*.parquet"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text


def test_nothing_is_left_of_the_work_in_progress(world: World) -> None:
    assert {path.name for path in world.root.iterdir()} == {"raw", "static", "truth", "DATASHEET.md"}


def test_what_is_refused_or_broken_off_leaves_the_world_as_it_was(tmp_path: Path, playproof: Playproof) -> None:
    world = World(tmp_path / "w")
    build(SMALL, world)
    before = digest(world.root)

    def break_off(step: str, done: int, of: int) -> None:
        if step == "writing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(replace(SMALL, seed=8), world, report_step=break_off)
    assert digest(world.root) == before
    simulate = ("simulate", "--out", str(world.root), "--scenario", "field")
    assert "take" in playproof(*simulate, "--users", "20").error
    assert digest(world.root) == before


def test_imported_listening_is_not_replaced(tmp_path: Path, playproof: Playproof) -> None:
    (tmp_path / "mine.csv").write_text("event_time,title\n2024-01-01 10:00:00,song\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYPROOF_DATA", str(tmp_path))
        assert playproof("import", str(tmp_path / "mine.csv"), "--world", "me").exit_code == 0
        before = digest(tmp_path / "me")
        refusal = playproof("simulate", "--world", "me", "--scenario", "small").error
    assert "world me has imported listening" in refusal
    assert digest(tmp_path / "me") == before
