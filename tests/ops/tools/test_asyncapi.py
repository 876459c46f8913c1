"""The AsyncAPI description in git is the one the contracts render, and the golden samples obey it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.topics import ACTIONS, TOPICS
from ops.tools.asyncapi import document, render

ROOT = Path(__file__).resolve().parents[3]
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


def test_the_description_in_git_is_the_rendered_one() -> None:
    stale = "stale: run  playproof tools asyncapi > docs/reference/asyncapi.yaml"
    assert (ROOT / "docs/reference/asyncapi.yaml").read_text() == render(), stale


def test_what_is_rendered_is_yaml_and_says_the_same() -> None:
    assert yaml.safe_load(render()) == document()


def test_every_reference_leads_somewhere() -> None:
    paths = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document()))
    assert paths
    for path in paths:
        place: Any = document()
        for step in path.split("/"):
            assert step in place, path
            place = place[step]


def breaks(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Say where a value breaks a schema: the few words of JSON Schema that the description uses."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(schema["type"], list):  # null is allowed too
        kind, _ = schema["type"]
        return [] if value is None else breaks(value, schema | {"type": kind}, where)
    found = [] if isinstance(value, TYPES[schema["type"]]) else [f"{where}: not {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: not one of {schema['enum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where}: {value!r} does not match")
    if schema["type"] == "array":
        found += [b for i, item in enumerate(value) for b in breaks(item, schema["items"], f"{where}[{i}]")]
    if schema["type"] == "object":
        found += [f"{where}: no {name}" for name in schema.get("required", []) if name not in value]
        found += [f"{where}: {name} is not described" for name in value if name not in schema["properties"]]
        found += [b for n, p in schema["properties"].items() if n in value for b in breaks(value[n], p, f"{where}.{n}")]
    return found


@pytest.mark.parametrize("topic", TOPICS)
def test_the_golden_sample_of_a_topic_obeys_its_description(topic: str) -> None:
    sample = json.loads((ROOT / "contracts" / "golden" / f"{topic}.json").read_text())
    assert breaks(sample, document()["components"]["messages"][topic]["payload"]) == []


def test_a_sample_that_is_wrong_would_be_seen() -> None:
    (row,) = json.loads((ROOT / "contracts" / "golden" / "plays.json").read_text())
    del row["track_id"]
    row |= {"listen_ms": "-5", "reason_end": "why not", "new": "field"}
    assert len(breaks([row], document()["components"]["messages"]["plays"]["payload"])) == 4


def test_a_message_that_is_no_action_breaks_its_description() -> None:
    schema = document()["components"]["schemas"][ACTIONS]
    action = json.loads((ROOT / "contracts" / "golden" / "actions.json").read_text())
    assert breaks(action | {"ends": None, "verdict_version": None, "expires_at": None}, schema) == []
    assert breaks(action | {"action": "fine"}, schema) == [".action: not one of ['hold', 'release', 'restore']"]
    assert breaks(action | {"lines": [{"track_id": "t"}]}, schema) != []
    assert breaks({name: value for name, value in action.items() if name != "sequence"}, schema) == [": no sequence"]
