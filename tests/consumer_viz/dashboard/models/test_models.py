"""Page Models: which model flags, which one scores in its shadow, and where the two differ, from the tables."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from consumer_viz.dashboard.index.sampling import case_id, draw
from consumer_viz.dashboard.state import AppState
from models.registry.artefact import MANIFEST
from models.registry.role_changes import WritableRegistry
from models.registry.roles import FOLDER, Entry
from runtime.monitoring.progress import record_shadow
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import KEY, make_state
from tests.models.challenger import write_challenger

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def challenger_of(world: World, tmp_path: Path) -> Entry:
    """Register the shipped trees under another name, trained on verdicts as its manifest says."""
    labels = {"source": "verdicts", "accounts": {"confirmed": 31, "dismissed": 42}}
    folder, trusted = write_challenger(tmp_path / "candidate", labels=labels)
    return WritableRegistry(world.root.parent / FOLDER).register(folder, trusted, AT)


def shadow(world: World, entry: Entry, would_flag: dict[str, bool]) -> None:
    """Commit what a challenger says of sessions."""
    rows = [
        {"session_key": key, "score": 0.5, "would_flag": flag, "model_version": entry.version}
        for key, flag in would_flag.items()
    ]
    folder = world.unit.shadow(entry.version) / "batch_id=0"
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / "part.parquet", index=False)
    (folder / "_SUCCESS").touch()


def facts(html: str) -> dict[str, str]:
    """Return the facts of the card on the shadow."""
    card = html.split('id="m-shadow"')[1].split("</section>", maxsplit=1)[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", card)
    return {name: re.sub(r"\s*<span.*", "", value).strip() for name, value in pairs}


def test_without_a_challenger_the_page_says_so_and_shows_the_model_that_ships(ana: Browser) -> None:
    html = ana.client.get("/models").text
    assert "No challenger." in html
    assert "session_xgb, as it shipped" in html


def test_champion_and_challenger_are_shown_side_by_side(
    state: AppState, ana: Browser, users: list[str], tmp_path: Path
) -> None:
    entry = challenger_of(state.world, tmp_path)
    waiting = ana.client.get("/models").text
    assert "It scores from the job’s next start on." in waiting
    assert "No session has been scored by both yet" in waiting
    first, second, third = (f"{user}:{i}:0" for i, user in enumerate(users))
    shadow(state.world, entry, {first: True, second: True, third: False, "honest1:1000:0": True})
    ana.confirm(users[0])
    state.refresh()
    html = ana.client.get("/models").text
    assert facts(html) == {"scored by both": "4", "same flag": "50.0 %", "queue now": "3", "queue if promoted": "3"}
    only_challenger, only_champion = (
        html.split("Sessions that only the champion flags")[0],
        html.split("Sessions that only the champion flags")[1],
    )
    assert (
        f'<a href="/cases/{case_id("honest1")}">honest1</a>'
        in only_challenger.split("Sessions that only the challenger flags")[1]
    )
    assert f'<a href="/cases/{case_id(users[2])}">{users[2]}</a>' in only_champion
    assert '<th scope="row">challenger</th><td class="num">1 of 1</td>' in html
    assert "candidate, challenger</h2>" in html
    assert "on verdicts of 73 accounts" in html


def test_what_keeps_the_challenger_out_of_the_shadow_is_said(state: AppState, ana: Browser, tmp_path: Path) -> None:
    entry = challenger_of(state.world, tmp_path)
    record_shadow(state.world.unit, entry.version, "query shadow stopped: the trees are rotten")
    assert "It does not score now: query shadow stopped: the trees are rotten" in ana.client.get("/models").text
    record_shadow(state.world.unit, "another@00000000", "its own trouble")
    assert "its own trouble" not in ana.client.get("/models").text


def test_of_a_manifest_that_is_not_the_registered_one_nothing_is_shown(
    state: AppState, ana: Browser, tmp_path: Path
) -> None:
    registry = WritableRegistry(state.world.root.parent / FOLDER)
    manifest = registry.folder(challenger_of(state.world, tmp_path)) / MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b" ")
    html = ana.client.get("/models").text
    assert "candidate, challenger</h2>" not in html
    (registry.root / "registry.json").write_text("{")
    assert "models/registry.json is not a registry" in ana.client.get("/models").text


@pytest.mark.parametrize(("is_flagged", "drawn_by"), [(True, "blind"), (False, "random")])
def test_who_is_reviewed_without_a_score_is_on_no_list(tmp_path: Path, is_flagged: bool, drawn_by: str) -> None:
    hidden = next(u for u in (f"h{i}" for i in range(9999)) if draw(u, is_flagged, KEY)[0] == drawn_by)
    world = World(tmp_path / "data" / "tiny")
    tiny_world.commit(world, "sessions", tiny_world.sessions([hidden], flagged=is_flagged))
    entry = challenger_of(world, tmp_path)
    shadow(world, entry, {f"{hidden}:0:0": not is_flagged})
    html = Browser(make_state(world)).client.get("/models").text
    assert facts(html)["same flag"] == "0.0 %"
    assert hidden not in html
