"""What a cluster's executors get from the driver."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zipfile import ZipFile

import pyspark

from runtime.jvm import find_java
from runtime.resources import CODE
from spark_app.session import SHIPPED, ship_code

SPARK = Path(pyspark.__file__).parent
"""Named, as the scripts that look for it end at a space in the path of the Python that they ask."""
IMPORTS = "import spark_app.stages.scoring.score, spark_app.queries.archive as a; print(a.__file__)"


def test_the_code_stays_where_executors_fetch_it_and_imports_there() -> None:
    sent: list[str] = []
    ship_code(cast(Any, SimpleNamespace(sparkContext=SimpleNamespace(addPyFile=sent.append))))
    (archive,) = sent
    with ZipFile(archive) as packed:
        assert {name.split("/")[0] for name in packed.namelist()} == set(SHIPPED)
    code = f"import sys; sys.path.insert(0, {archive!r}); {IMPORTS}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(archive)


def test_the_master_of_spark_submit_is_known_before_there_is_a_session(tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text("from spark_app.session import submitted_master\nprint(f'of {submitted_master()}')\n")
    environment = {
        **os.environ, "JAVA_HOME": str(find_java()), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(CODE),
        "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(SPARK),
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }  # fmt: skip
    command = [str(SPARK / "bin" / "spark-submit"), "--master", "local[3]", str(job)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["of local[3]"]


def test_another_spark_on_this_machine_does_not_get_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>fs.defaultFS</name><value>hdfs://nowhere.example:1</value></property>"
        "</configuration>"
    )
    (tmp_path / "spark-defaults.conf").write_text("spark.sql.extensions com.example.Absent\nspark.plugins Absent\n")
    foreign = {
        "SPARK_HOME": "/opt/another", "SPARK_CONF_DIR": str(tmp_path), "HADOOP_CONF_DIR": str(tmp_path),
        "PYSPARK_PYTHON": "/opt/another/python", "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
        "SPARK_REMOTE": "sc://nowhere.example", "PYTHONPATH": str(CODE),
    }  # fmt: skip
    code = (
        "import sys; from spark_app.session import build_session;"
        "spark = build_session('test', master='local[1]', memory='512m', with_kafka=False);"
        "spark.range(3).mapInArrow(lambda rows: rows, 'id long').write.parquet(sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "table")]
    done = subprocess.run(command, env=os.environ | foreign, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "table" / "_SUCCESS").exists()
