"""Exports of simulated accounts: the importers read them back, and know no more than the layout can say."""

from collections import Counter
from pathlib import Path

import pytest

from producer.importers.layout import Options
from producer.importers.run import import_history
from producer.simulator.build import build
from producer.simulator.output.personal_exports import LAYOUTS, ExportError, export_accounts
from producer.simulator.scenario import load_scenario
from runtime.parquet import read_parquet
from runtime.world import World
from tests.producer.importers.conftest import NOW_MS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("data") / "made")
    build(load_scenario("field", users=200, days=2, seed=3, prevalence=0.0), made)
    return made


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_is_read_back_play_by_play(layout: str, world: World, tmp_path: Path) -> None:
    (file,) = export_accounts(world, tmp_path / "exports", layout, "sampler", 1)
    back = World(tmp_path / "back")
    counts = import_history([file], back, None, Options(), None, NOW_MS)
    plays = Counter(user for path in world.raw_files("plays") for user in read_parquet(path)["user_id"].to_pylist())
    (user,) = (user for user in plays if user.startswith(file.stem.rsplit("_", 1)[1]))
    assert counts.taken == counts.read == plays[user]
    assert ("streams" in back.not_measurable) == (layout == "lastfm")
    assert ("gap_entropy" in back.not_measurable) == (layout == "spotify-basic")


@pytest.mark.parametrize(
    ("layout", "cohort", "reason"),
    [("minidisc", None, "no layout minidisc"), ("lastfm", "owl", "no honest account of cohort owl; there are all_h")],
)
def test_what_cannot_be_exported_is_refused(
    layout: str, cohort: str | None, reason: str, world: World, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=reason):
        export_accounts(world, tmp_path, layout, cohort, 1)


def test_a_world_that_was_not_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="world me has no truth: only a simulated world can be exported"):
        export_accounts(World(tmp_path / "me"), tmp_path, "lastfm", None, 1)
