"""`simulate --scenario shop` and `import shop`: a world of its own domain, and one line where that cannot be."""

from pathlib import Path

import pytest

from contracts.domain import MUSIC, SHOP
from contracts.shop import COLUMNS, TOPICS
from producer.simulator.shop.build import FILES
from runtime.parquet import count_rows
from runtime.world import World, WorldError
from tests.conftest import Playproof

SIZE = ("--users", "200", "--days", "1", "--seed", "3")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    return tmp_path


def simulate(playproof: Playproof, world: str) -> None:
    assert playproof("simulate", "--scenario", "shop", "--world", world, *SIZE).exit_code == 0


def test_a_simulated_shop_has_its_files_its_rows_and_truth_apart(data: Path, playproof: Playproof) -> None:
    simulate(playproof, "s")
    world = World(data / "s")
    assert world.domain == SHOP
    for topic in TOPICS:
        lines = (world.root / "source" / FILES[topic]).read_text().count("\n") - 1
        assert count_rows(world.raw_files(topic)) == lines > 0
    assert world.truth("sessions.csv").read_text().startswith("session_id,customer_id,family,campaign_id\n")
    assert len(list((world.root / "source").iterdir())) == len(COLUMNS)
    simulate(playproof, "s")  # again: what was there is replaced


def test_the_files_of_a_simulated_shop_can_be_imported_as_another_world(data: Path, playproof: Playproof) -> None:
    simulate(playproof, "s")
    files = [word for name in COLUMNS for word in (f"--{name}", str(data / "s" / "source" / FILES[name]))]
    ended = playproof("import", "shop", "--world", "t", *files)
    assert ended.out.startswith("world t, a shop: ")
    assert World(data / "t").domain == SHOP
    assert playproof("import", "shop", "--world", "t", *files).error.startswith("error: world t has rows already")
    refused = playproof("simulate", "--scenario", "shop", "--world", "t", *SIZE).error
    assert "world t has an imported shop" in refused
    assert World(data / "t").raw_files(next(iter(TOPICS)))


def test_a_shop_is_not_mixed_with_music(data: Path, playproof: Playproof) -> None:
    simulate(playproof, "s")
    other = "is a world of shop, and"
    assert other in playproof("simulate", "--world", "s", "--users", "20", "--days", "1").error
    (data / "plays.csv").write_text("event_time,title\n")
    assert other in playproof("import", str(data / "plays.csv"), "--world", "s").error
    assert "is a shop and has no plays" in playproof("job", "score-history", "--world", "s").error
    (data / "m" / "raw" / "plays").mkdir(parents=True)
    assert World(data / "m").domain == MUSIC
    refused = playproof("simulate", "--scenario", "shop", "--world", "m", *SIZE).error
    assert "world m has rows of music" in refused


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("simulate", "--scenario", "shop", "--prevalence", "0"), "scenario shop has no --prevalence: leave it out"),
        (("simulate", "--scenario", "shop", "--users", "40"), "expected at least 188 customers"),
        (("import", "shop"), "add  --browsing FILE --transactions FILE --customers FILE"),
        (
            ("import", "shop", "--products", "p.csv"),
            "add  --browsing FILE --transactions FILE --customers FILE --categ",
        ),
        (("import", "a.csv", "--browsing", "b.csv"), "are imported with  playproof import shop"),
    ],
)
def test_what_cannot_be_is_one_line(words: tuple[str, ...], expected: str, data: Path, playproof: Playproof) -> None:
    assert expected in playproof(*words).error
    assert list(data.iterdir()) == []


def test_a_domain_that_is_not_known_is_named(data: Path) -> None:
    (data / "DOMAIN").write_text("cinema\n")
    with pytest.raises(WorldError, match="is of domain 'cinema': expected one of music, shop"):
        _ = World(data).domain
