"""The last pass over the rows of the session step where alerts are raised: alerts leave it, sessions are scored."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from spark_app.stages.alerts.messages import withdrawals
from spark_app.stages.arrow_pass import BatchStep

Publish = Callable[[Sequence[str]], None]
"""Writes the alerts of a task, as messages; called once per task and micro-batch, also without any."""


def score_and_publish(
    batches: Iterable[pa.RecordBatch],
    steps: Sequence[BatchStep],
    publish: Publish,
    clock: Callable[[], float] = time.time,
) -> Iterator[pa.RecordBatch]:
    """Turn a task's sessions and alerts (SESSION_INPUT, ALERT_COLUMNS) into scored sessions (SESSIONS) by `steps`.

    Alerts, and those that a closed session does not bear out, go to `publish`, before the task counts as done.
    """
    messages: list[str] = []
    for batch in batches:
        alerts = batch.column("alert")
        messages += alerts.drop_null().to_pylist()
        sessions = batch.filter(alerts.is_null()) if alerts.null_count < len(alerts) else batch
        if sessions.num_rows:
            scored = reduce(lambda result, step: step(result), steps, sessions)
            had_alert = pc.fill_null(sessions.column("was_alerted"), False).to_numpy(zero_copy_only=False)
            messages += withdrawals(scored, had_alert, clock())
            yield scored
    publish(messages)
