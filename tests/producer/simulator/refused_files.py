"""Scenario files that are refused."""

from pathlib import Path

import pytest

from producer.simulator.scenario import ScenarioError, load_scenario


def refusal_of(text: str, folder: Path) -> str:
    """Return the message that refuses a scenario file of this text: one line."""
    path = folder / "mine.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(str(path))
    message = str(refused.value).strip()
    assert "\n" not in message
    return message
