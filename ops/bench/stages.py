"""Measure what each part of the job in Python costs per row: no broker, no Spark, one process.

    playproof simulate --world stages --users 7000 --days 2 --seed 7
    python -m ops.bench.stages --world stages

The rest of the job's CPU is the JVM's: Kafka, shuffles, state, parquet, compiling and collecting.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ACTIVITY, PLAYS
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from producer.replay.batch_messages import make_messages
from producer.replay.batches import RowReader, cut
from runtime.settings import Settings
from runtime.world import World
from spark_app.local.rows import read_world_rows
from spark_app.local.scorer import read_scorer
from spark_app.stages.alerts.load import require_alert_scorer
from spark_app.stages.alerts.raise_alerts import AlertRaiser
from spark_app.stages.arrays.ids import one_array
from spark_app.stages.parsing.chunks import check_rows, read_chunks
from spark_app.stages.parsing.decode import Decoder
from spark_app.stages.parsing.parse import all_rows, fields_named
from spark_app.stages.scoring.score import score_batch
from spark_app.stages.session_step.closed import session_columns
from spark_app.stages.session_step.packed_rows import no_rows, pack, unpack
from spark_app.stages.session_step.packing import bucket_keys, pack_batches
from spark_app.stages.session_step.step import advance
from spark_app.stages.session_step.tracks import TrackLookup
from spark_app.stages.sessions.compute_features import compute_features
from spark_app.stages.sessions.features.own_history import BASELINE
from spark_app.stages.sessions.session_rows import USED_FIELDS, WATERMARK_DELAY_MS

MESSAGES = pa.schema(
    [("partition", pa.int32()), ("offset", pa.int64()), ("value", pa.binary()), ("clock_ms", pa.int64()),
     ("limit_ms", pa.int64()), ("sent_rows", pa.int64())]
)  # fmt: skip
NO_LIMIT_MS, END_OF_TIME_MS = 2**50, 2**60
BUCKETS = bucket_keys(2)
"""As on two cores."""
SESSIONS_AT_ONCE = 1000
"""Sessions that Spark sends to Python in one Arrow batch."""


class CpuByStage:
    """CPU-seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - began


def measure(world: World, micro_batches: int = 2) -> tuple[int, Mapping[str, float]]:
    """Return the rows of a world, and the CPU-seconds that each stage took for them."""
    cpu, rows = CpuByStage(), read_world_rows(world)
    tracks, look_at_sessions = TrackLookup.from_table(rows.tracks), AlertRaiser(require_alert_scorer())
    state: dict[int, tuple[pa.Table, bytes | None, int]] = dict.fromkeys(BUCKETS, (no_rows(), None, 0))
    messages = _messages_of(world)
    n, closed = 0, []
    for number in range(micro_batches + 1):
        packed: dict[int, list[bytes]] = defaultdict(list)
        newest = []
        for topic, batch in messages.items():
            size = -(-len(batch) // micro_batches)
            of_topic = _parse(topic, batch.slice(number * size, size), cpu)
            n += sum(part.num_rows for part in of_topic)
            with cpu.of("narrow and pack"):
                parts = list(pack_batches(of_topic, topic, tracks, BUCKETS))
            for part in parts:
                newest.append(pc.max(part["event_time"]).as_py().timestamp() * 1000)
                for bucket, values in zip(part["bucket"].to_pylist(), part["rows"].to_pylist(), strict=True):
                    packed[bucket] += [] if values is None else [values]
        now_ms = int(min(newest)) - WATERMARK_DELAY_MS if newest else END_OF_TIME_MS
        for bucket, (open_rows, kept, before_ms) in state.items():
            with cpu.of("unpack"):
                new = pa.concat_tables([no_rows(), *map(unpack, packed[bucket])])
            with cpu.of("step"):
                step = advance(open_rows, new, before_ms, now_ms)
            with cpu.of("looks at open sessions"):
                looked = look_at_sessions(step, kept, before_ms, now_ms)
            with cpu.of("pack and unpack the state"):
                state[bucket] = unpack(pack(step.open)), looked.kept, now_ms
            with cpu.of("sessions, through pandas"):
                sessions = session_columns(step.closed)
                closed.append(
                    pa.RecordBatch.from_pandas(sessions.to_pandas(), schema=sessions.schema, preserve_index=False)
                )
    _score(pa.Table.from_batches(closed).combine_chunks(), rows.users, cpu)
    for topic, batch in messages.items():
        with cpu.of("archive: decode, columns, rules"):
            list(all_rows([batch], topic))
    return n, cpu.seconds


def _messages_of(world: World) -> dict[str, pa.RecordBatch]:
    """Return the messages that a replay would send, by topic."""
    sent: dict[str, list[tuple[bytes, int]]] = {PLAYS: [], ACTIVITY: []}
    with RowReader(PLAYS, world.raw_files(PLAYS)) as plays, RowReader(ACTIVITY, world.raw_files(ACTIVITY)) as activity:
        for batch in cut(plays, activity, 0):
            for message in make_messages(batch, batch.clock_ms // 1000):
                sent[message.topic].append((message.value, message.clock_ms))
    return {
        topic: pa.RecordBatch.from_pylist(
            [
                {"partition": 0, "offset": i, "value": v, "clock_ms": ms, "limit_ms": NO_LIMIT_MS, "sent_rows": 0}
                for i, (v, ms) in enumerate(pairs)
            ],
            schema=MESSAGES,
        )
        for topic, pairs in sent.items()
    }


def _parse(topic: str, messages: pa.RecordBatch, cpu: CpuByStage) -> list[pa.RecordBatch]:
    fields = fields_named(topic, USED_FIELDS[topic])
    chunks = read_chunks(Decoder(fields), messages.column("value"), messages.column("clock_ms").to_pylist())
    typed: list[pa.RecordBatch] = []
    while True:
        with cpu.of("decode"):
            chunk = next(chunks, None)
        if chunk is None:
            return typed
        with cpu.of("columns and rules"):
            columns = check_rows(topic, fields, chunk).typed(fields)
            typed.append(pa.RecordBatch.from_arrays(columns, names=[f.name for f in fields]))


def _score(sessions: pa.Table, users: pa.Table, cpu: CpuByStage) -> None:
    account = pc.index_in(one_array(sessions["user_id"]), value_set=one_array(users["user_id"]))
    for name in ("signed_up_on", "plan", "timezone"):
        sessions = sessions.append_column(name, one_array(users[name].take(account)))
    sessions = sessions.append_column("baseline", pa.nulls(len(sessions), BASELINE))
    with TemporaryDirectory() as folder:
        scorer = read_scorer(verify_artefact(SHIPPED_SCORER, Path(folder)))
    for batch in sessions.to_batches(max_chunksize=SESSIONS_AT_ONCE):
        with cpu.of("features"):
            features = compute_features(batch)
        with cpu.of("score and reasons"):
            score_batch(features, scorer)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure a world, and print microseconds per row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", required=True)
    parser.add_argument("--micro-batches", type=int, default=2, help="in which the rows come (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    rows, seconds = measure(Settings(world=chosen.world).existing_world(), chosen.micro_batches)
    print(f"{rows:,} rows; µs of CPU per row")
    for stage, cpu_s in seconds.items():
        print(f"{stage:32} {cpu_s / rows * 1e6:6.2f}")


if __name__ == "__main__":
    main()
