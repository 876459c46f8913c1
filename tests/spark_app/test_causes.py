"""What a person is told of an error of a query: its cause, in one line."""

from typing import cast

from pyspark.errors import StreamingQueryException

from spark_app import runner

SPARKS_TEXT = """[STREAM_FAILED] Query [id = 1f, runId = 2e] terminated with exception: Job aborted. SQLSTATE: XXKST
=== Streaming Query ===
Identifier: sessions [id = 1f]
Caused by: org.apache.spark.SparkException: Job aborted due to stage failure
	at org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2900)
Caused by: java.io.IOException: No space left on device
	at java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""


def test_the_innermost_cause_is_what_a_person_is_told() -> None:
    error = cast(StreamingQueryException, Exception(SPARKS_TEXT))
    assert runner.cause_of(error) == "java.io.IOException: No space left on device"


PYTHONS_TEXT = """\
[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: [FOREACH_BATCH_USER_FUNCTION_ERROR] An error
occurred in the user provided function in foreach batch sink. Return Message: Traceback (most recent call last):
  File "spark_app/queries/archive.py", line 45, in archive_batch
    found = messages.collect()
pyspark.errors.exceptions.captured.PythonException:
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "spark_app/queries/batch_files.py", line 36, in add
    file.parent.mkdir(parents=True, exist_ok=True)
OSError: [Errno 28] No space left on device: 'lake/plays/_writing'

 SQLSTATE: 39000 SQLSTATE: XXKST
=== Streaming Query ===
Current Committed Offsets: {}
"""
"""What Spark says of an error in a Python worker that `foreachBatch` waited for, shortened."""


def test_of_an_error_in_a_python_worker_what_was_raised_is_told() -> None:
    error = cast(StreamingQueryException, Exception(PYTHONS_TEXT))
    assert runner.cause_of(error) == "OSError: [Errno 28] No space left on device: 'lake/plays/_writing'"


def test_without_a_cause_the_first_line_is_told() -> None:
    assert runner.cause_of(cast(StreamingQueryException, Exception("\n  what happened\nits plan"))) == "what happened"


def test_an_error_without_text_is_told_by_its_type_and_a_long_one_is_cut() -> None:
    assert runner.first_line(ValueError()) == "ValueError"
    assert runner.first_line(ValueError("x" * 1000)) == "x" * 400
