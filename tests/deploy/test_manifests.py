"""The manifests of Kubernetes, without a cluster: strict schemas, names that fit one another, settings that exist."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from runtime.resources import CODE as ROOT
from runtime.settings import PREFIX, Settings
from runtime.storage.s3 import Endpoint

FOLDER = ROOT / "deploy" / "kubernetes"
SCHEMA = json.loads(Path(__file__).with_name("kubernetes.schema.json").read_text())
FILES = ("job.yaml", "spark-application.yaml")
OBJECTS = [(file, each) for file in FILES for each in yaml.safe_load_all((FOLDER / file).read_text())]
SECRET = "playproof"


def objects(kind: str) -> list[dict[str, Any]]:
    return [each for _, each in OBJECTS if each["kind"] == kind]


def values(tree: Any, name: str) -> Iterator[Any]:
    """Find all values under a name, however deep."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == name:
                yield value
            yield from values(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value, name)


def faults(each: dict[str, Any]) -> list[str]:
    """Say what the schema of an object's kind says against it."""
    schema = {**SCHEMA, "$ref": f"#/$defs/{each['kind']}"}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(each)]


@pytest.mark.parametrize(("file", "each"), OBJECTS, ids=lambda v: v if isinstance(v, str) else v["kind"])
def test_every_object_follows_the_strict_schema_of_its_kind(file: str, each: dict[str, Any]) -> None:
    assert faults(each) == []


def test_the_schema_refuses_a_word_that_it_does_not_know_and_a_value_of_another_type() -> None:
    (job,) = objects("StatefulSet")
    wrong = json.loads(json.dumps(job))
    wrong["spec"]["replica"] = 1
    wrong["spec"]["template"]["spec"]["containers"][0]["env"] = "none"
    assert len(faults(wrong)) == 2
    (application,) = objects("SparkApplication")
    assert len(faults({**application, "spec": {**application["spec"], "mode": "local"}})) == 1


def settings_of_the_map() -> dict[str, str]:
    (named,) = (each for each in objects("ConfigMap") if each["metadata"]["name"] == "playproof")
    return dict(named["data"])


def test_every_setting_exists_and_has_a_value_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = set(re.findall(r"--from-literal=(\w+)=", (FOLDER / "job.yaml").read_text()))
    written = settings_of_the_map()
    ours = {name for name in {*written, *secret} if name.startswith(PREFIX)}
    assert ours <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name in sorted(ours & set(written)):
        monkeypatch.setenv(name, written[name])
    settings = Settings()
    assert settings.storage
    (job,) = objects("StatefulSet")
    (driver,) = job["spec"]["template"]["spec"]["containers"]
    assert [port["containerPort"] for port in driver["ports"]] == [settings.metrics_port]
    assert settings.spark_master.startswith("k8s://https://")
    assert Endpoint.from_environment(written).region == written["AWS_REGION"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= secret, "workers write to the bucket themselves"


def spark_defaults() -> dict[str, str]:
    (of_spark,) = (each for each in objects("ConfigMap") if each["metadata"]["name"] == "playproof-spark")
    lines = of_spark["data"]["spark-defaults.conf"].splitlines()
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in lines)}


def test_names_fit_one_another() -> None:
    (job,), (service,), (application,) = (objects(kind) for kind in ("StatefulSet", "Service", "SparkApplication"))
    defaults, spec = spark_defaults(), job["spec"]["template"]["spec"]
    pod = f"{job['metadata']['name']}-0"
    assert defaults["spark.kubernetes.driver.pod.name"] == pod
    assert defaults["spark.driver.host"] == f"{pod}.{service['metadata']['name']}"
    assert {str(port["port"]) for port in service["spec"]["ports"]} == {
        defaults["spark.driver.port"],
        defaults["spark.blockManager.port"],
    }
    assert service["spec"]["selector"] == job["spec"]["template"]["metadata"]["labels"]
    assert {defaults["spark.kubernetes.container.image"], application["spec"]["image"]} == {
        container["image"] for container in spec["initContainers"] + spec["containers"]
    }
    assert all(value.split(":")[0] == SECRET for name, value in defaults.items() if "secretKeyRef" in name)
    names = {each["metadata"]["name"] for kind in ("ServiceAccount", "ConfigMap") for each in objects(kind)}
    claims = {each["metadata"]["name"] for each in objects("PersistentVolumeClaim")}
    for tree in (job, application):
        assert {ref["name"] for ref in values(tree, "configMapRef")} <= names
        assert {ref["name"] for ref in values(tree, "secretRef")} == {SECRET}
        assert {claim["claimName"] for claim in values(tree, "persistentVolumeClaim")} <= claims
    for accounts in (spec["serviceAccountName"], application["spec"]["driver"]["serviceAccount"]):
        assert accounts in names


def test_the_driver_waits_for_the_world_where_the_page_copies_it() -> None:
    (job,) = objects("StatefulSet")
    (waits,) = job["spec"]["template"]["spec"]["initContainers"]
    (application,) = objects("SparkApplication")
    assert application["spec"]["driver"]["initContainers"] == [waits]
    (file,) = re.findall(r"\[ -e (\S+) \]", waits["command"][-1])
    (mount,) = waits["volumeMounts"]
    assert file.startswith(f"{mount['mountPath']}/")
    assert mount in job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    page = (ROOT / "docs" / "cluster.md").read_text()
    assert f":{mount['mountPath']}/main -c {waits['name']}`" in page
    assert f"-c {waits['name']} -- touch {file}`" in page


def test_the_image_has_what_the_manifests_name() -> None:
    recipe = (FOLDER / "Dockerfile").read_text()
    (application,) = objects("SparkApplication")
    main = application["spec"]["mainApplicationFile"].removeprefix("local://")
    assert f"COPY deploy/job.py {main}" in recipe
    assert (ROOT / "deploy" / "job.py").is_file()
    (home,) = re.findall(r"PLAYPROOF_HOME=(\S+)", recipe)
    for name in ("spark.driver.extraClassPath", "spark.executor.extraClassPath"):
        for folder in application["spec"]["sparkConf"][name].split(":"):
            assert folder in {f"{home}/jars/connector/*", f"{home}/jars/storage/*"}
    (version,) = re.findall(r"pyspark==([\d.]+)", (ROOT / "requirements.lock").read_text())
    assert application["spec"]["sparkVersion"] == version
