"""Starting the job: which queries run."""

from typing import cast

import pytest
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_app.errors import JobError
from spark_app.start import _choose

WRITERS = {name: cast(DataStreamWriter, object()) for name in ("sessions", "archive", "scores")}


def test_all_queries_run_where_none_is_named() -> None:
    assert _choose(WRITERS, ()) == WRITERS


def test_only_the_named_queries_run() -> None:
    assert list(_choose(WRITERS, ("archive", "shadow"))) == ["archive"]


def test_a_query_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(JobError, match=r"^no query score: expected one of sessions, archive, scores, shadow$"):
        _choose(WRITERS, ("score", "sessions"))
