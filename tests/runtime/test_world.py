"""A world's paths, its versions, and what is said where a part is missing."""

import shutil
from pathlib import Path

import pytest

from runtime.settings import SettingError, Settings
from runtime.world import World, WorldError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "toy")


def test_a_new_world_is_at_version_1_and_writes_nothing(world: World) -> None:
    assert world.version == 1
    assert world.unit.table("sessions") == world.root / "v1" / "lake" / "sessions"
    assert not world.root.exists()


def test_a_fresh_version_comes_after_every_one_on_disk(world: World) -> None:
    (world.root / "v7").mkdir(parents=True)
    assert world.start_version().root.name == "v8"
    assert world.version == 8


def test_a_version_that_reads_again_has_the_topics_and_nothing_else(world: World) -> None:
    old = world.unit
    kept = old.broker / "plays-0" / "0.log", old.ledger / "replay.jsonl"
    for file in (*kept, old.lake / "part", old.checkpoints / "x"):
        file.parent.mkdir(parents=True)
        file.write_text(file.name)
    new = world.reread_version()
    assert (world.version, new.topics_version, old.topics_version) == (2, 1, 1)
    shutil.rmtree(old.root)
    files = {path.relative_to(new.root).as_posix(): path.read_text() for path in new.root.rglob("*") if path.is_file()}
    assert files == {"broker/plays-0/0.log": "0.log", "ledger/replay.jsonl": "replay.jsonl", "TOPICS": "1\n"}
    assert world.reread_version().topics_version == 1


def test_a_crash_while_the_pointer_is_written_leaves_the_old_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start_version()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _crash)
        with pytest.raises(KeyboardInterrupt):
            world.start_version()
    assert world.version == 1
    assert world.start_version() == world.unit


def _crash(file: Path, target: Path) -> None:
    raise KeyboardInterrupt


def test_output_checkpoints_and_broker_log_are_one_unit(world: World) -> None:
    unit = world.unit
    assert {path.parent for path in (unit.broker, unit.ledger, unit.lake, unit.checkpoints, unit.offsets)} == {
        unit.root
    }


def test_a_missing_raw_table_names_world_topic_and_command(world: World) -> None:
    with pytest.raises(WorldError, match=r"world toy has no raw plays: run  playproof simulate --world toy"):
        world.raw_files("plays")


def test_raw_files_come_in_the_order_of_days(world: World) -> None:
    for day in ("2025-03-04", "2025-03-03"):
        folder = world.raw("plays") / f"date={day}"
        folder.mkdir(parents=True)
        (folder / "part.parquet").touch()
    assert [file.parent.name for file in world.raw_files("plays")] == ["date=2025-03-03", "date=2025-03-04"]


@pytest.mark.parametrize("has_pointer", [False, True])
def test_a_missing_or_empty_static_table_is_named(world: World, has_pointer: bool) -> None:
    if has_pointer:
        folder = world.root / "static" / "tracks" / "as_of=2025-03-03"
        folder.mkdir(parents=True)
        (folder.parent / "CURRENT").write_text("as_of=2025-03-03\n")
    with pytest.raises(WorldError, match="empty" if has_pointer else "missing"):
        world.static("tracks")


def test_the_pointer_names_the_static_folder(world: World) -> None:
    for day in ("2025-03-03", "2025-03-04"):
        folder = world.root / "static" / "users" / f"as_of={day}"
        folder.mkdir(parents=True)
        (folder / "part.parquet").touch()
    (world.root / "static" / "users" / "CURRENT").write_text("as_of=2025-03-03\n")
    assert world.static("users").name == "as_of=2025-03-03"


def test_settings_come_from_the_environment_under_one_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    monkeypatch.setenv("PLAYPROOF_WORLD", "other")
    assert Settings().the_world() == World(tmp_path / "other")


@pytest.mark.parametrize(
    "address",
    [
        "s3://playproof/a b",
        "s3://playproof/münchen",
        "s3://playproof/a/../b",
        "s3://Playproof",
        "/folder",
        "hdfs://n:8020",
    ],
)
def test_an_address_that_programs_read_differently_is_refused(address: str) -> None:
    with pytest.raises(
        SettingError, match=r"^PLAYPROOF_STORAGE: .* is neither s3://bucket/prefix nor hdfs://name-node:8020/folder$"
    ):
        Settings(storage=address)


def test_without_an_environment_everything_is_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYPROOF_BROKER", raising=False)
    assert Settings().broker.startswith("127.0.0.1:")


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYPROOF_HASH_KEY", "do-not-show")
    assert "do-not-show" not in repr(Settings())


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAYPROOF_DATA", "PLAYPROOF_WORLD", "PLAYPROOF_DASH_PORT", "PLAYPROOF_HASH_KEY"):
        monkeypatch.delenv(name, raising=False)
    usual = Settings()
    for name in ("PLAYPROOF_DATA", "PLAYPROOF_WORLD", "PLAYPROOF_DASH_PORT", "PLAYPROOF_HASH_KEY"):
        monkeypatch.setenv(name, "")
    assert Settings() == usual


def test_a_home_folder_that_no_shell_has_read_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", "~/worlds")
    assert Settings().data == Path.home() / "worlds"


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"imports": []}'])
def test_a_report_of_an_import_that_is_damaged_is_named(world: World, content: str) -> None:
    world.root.mkdir()
    assert world.not_measurable == ()
    world.import_report.write_text(content)
    with pytest.raises(WorldError, match=r"toy/import\.json is unreadable .*: restore it from a copy$"):
        world.not_measurable  # noqa: B018


@pytest.mark.parametrize("content", ["", "seven\n"])
def test_a_number_of_a_version_that_is_damaged_is_named(world: World, content: str) -> None:
    unit = world.start_version()
    unit.root.mkdir()
    (unit.root / "TOPICS").write_text(content)
    with pytest.raises(WorldError, match=r"toy/v1/TOPICS is unreadable .*: restore it from a copy$"):
        unit.topics_version  # noqa: B018
    (world.root / "CURRENT").write_text(content)
    with pytest.raises(WorldError, match=r"toy/CURRENT is unreadable .*: restore it from a copy$"):
        world.version  # noqa: B018
