"""Worlds that were published keep their bytes: the champions and the figures in docs/ were made on them.

A hash here may only change together with what was trained and measured on these scenarios.
"""

import hashlib
from pathlib import Path

import pytest

from contracts.events import FIELDS
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World

PUBLISHED = {
    ("default", "spotify"): "2c61fd3b1a757b2600cc851f4d00233905a7b3517724103dd30be4a422258950",
    ("default", "kkbox"): "8a32be4601bbb114301ef7d652f506b61b510d9c54f1244fb5c745b2367ee67c",
    ("train", "spotify"): "9b4acf671d385263516cd20ca9a3c83102c449cf10d9a859742d40cbd93f01b6",
    ("lab", "spotify"): "013abbd86e85cce32ffaa81ff1b3bed24adeb314f77d546efd31509f0acdb83f",
    ("demo", "spotify"): "7a42b52609acf2283936a4b3432de61d83a9cba79351818470f232eff384ca3e",
    ("everything", "spotify"): "fcf219866406a1aab9f0270afbecb6e5c1e138f843e54be4ff44ac2dc861ac48",
}
"""SHA-256 over the raw and truth rows of a small world, by scenario and profile."""


@pytest.mark.parametrize(("scenario", "profile"), PUBLISHED)
def test_a_published_scenario_keeps_its_bytes(scenario: str, profile: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    build(load_scenario(scenario, profile=profile, users=400, days=8, prevalence=0.25), world)
    total = hashlib.sha256()
    for topic in FIELDS:
        for path in (*world.raw_files(topic), *sorted(world.truth(topic).glob("*/*.parquet"))):
            total.update(path.read_bytes())
    assert total.hexdigest() == PUBLISHED[scenario, profile]
