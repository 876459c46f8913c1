"""A check after a run that was to read all there was: a query may end without a cause, and before its end."""

from collections.abc import Collection, Mapping

from runtime.checkpoint import last_committed, read_offset_log
from runtime.world import Unit
from spark_app.errors import JobError


def check_all_read(unit: Unit, queries: Collection[str], messages: Mapping[str, int]) -> None:
    """Check that each query has done what topics had when the run began: `messages`, by topic.

    Raises JobError for a query that has not, CheckpointError where its offsets are unreadable.
    """
    for query in queries:
        last = last_committed(unit, query)
        ends = read_offset_log(unit, query, last, first=last).ends if last >= 0 else {}
        for topic, there in messages.items():
            read = sum(int(offsets[-1]) for (name, _), offsets in ends.items() if name == topic)
            if read < there:
                raise JobError(
                    f"query {query} ended after {read:,} of the {there:,} messages of {topic} without a cause: the log "
                    "above may have one; start the job again, it goes on from its checkpoint"
                )
