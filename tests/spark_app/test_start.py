"""Starting the job: which queries run, and what is said of one that failed."""

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql.streaming.readwriter import DataStreamWriter

from runtime.storage.bucket import Storage
from runtime.storage.s3 import Endpoint
from spark_app.errors import JobError
from spark_app.start import _choose, with_place

WRITERS = {name: cast(DataStreamWriter, object()) for name in ("sessions", "archive", "scores")}


def test_all_queries_run_where_none_is_named() -> None:
    assert _choose(WRITERS, ()) == WRITERS


def test_only_the_named_queries_run() -> None:
    assert list(_choose(WRITERS, ("archive", "shadow"))) == ["archive"]


def test_a_query_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(JobError, match=r"^no query score: expected one of sessions, archive, scores, shadow$"):
        _choose(WRITERS, ("score", "sessions"))


def test_the_error_of_a_job_in_a_bucket_names_the_bucket_once() -> None:
    storage = Storage(Path("w/v1"), "s3://bucket/w/v1", Endpoint())
    refused = JobError("query sessions stopped: java.net.ConnectException: Connection refused")
    told = with_place(refused, storage)
    assert str(told) == f"{refused}; tables and checkpoints are in s3://bucket/w/v1"
    assert with_place(told, storage) is told
    assert with_place(refused, None) is refused
