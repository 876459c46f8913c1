"""What a cluster's executors get from the driver."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast
from zipfile import ZipFile

from spark_app.session import SHIPPED, ship_code

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
