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
