"""Measure the session step as its open rows grow: one micro-batch over all buckets, in one process, without Spark.

    python -m ops.bench.growth --open-rows 1000000 --accounts 50000

Rows are made up: sessions of 20 rows at random moments of half an hour, ids as long as the simulator's. A micro-batch
of a tenth as many new rows follows.
"""

import argparse
import resource
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from runtime.arrays import Ints
from spark_app.stages.session_step.packed_rows import ROWS, no_rows, pack, unpack
from spark_app.stages.session_step.step import advance

NOON_MS = 1_741_003_200_000
HALF_HOUR_MS = 30 * 60_000
TRACKS = 100_000
BUCKETS = 2
"""One per shuffle partition: as many as cores, unless the job is told otherwise."""


def make_rows(n: int, accounts: int, began_ms: int, rng: np.random.Generator) -> pa.Table:
    """Make `n` ROWS of so many accounts in the half hour from a moment, in no order."""
    account, track = rng.integers(0, accounts, n), rng.integers(0, TRACKS, n)
    user = _hash(account)
    columns = {
        "user_id": np.char.mod("%016x", account),
        "user": user,
        "topic": rng.integers(0, 2, n, dtype=np.int8),
        "event_ms": began_ms + rng.integers(0, HALF_HOUR_MS, n),
        "id_hash": rng.integers(0, 2**62, n),
        "ts": np.full(n, began_ms // 1000),
        "code": user % 64,
        "lengths": rng.integers(0, 2**40, n),
        "track_id": np.char.mod("%016x", track),
        "artist": _hash(track // 10),
        "popularity": (track % 100) / 100,
        "device": _hash(user),
        "ip": _hash(user + 1),
        "session_id": np.char.mod("c%015x", account),
    }
    return pa.table({name: pa.array(columns[name]) for name in ROWS.names}).cast(ROWS)


def _hash(values: Ints) -> Ints:
    """Spread integers over all 64 bits."""
    return (values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)).view(np.int64)


def measure(open_rows: int, accounts: int, seed: int, buckets: int = BUCKETS) -> dict[str, float]:
    """Return CPU-seconds of one micro-batch, bytes of the state, and the peak of this process's memory."""
    rng = np.random.default_rng(seed)
    rows = make_rows(open_rows, accounts, NOON_MS, rng)
    new = make_rows(open_rows // 10, accounts, NOON_MS + HALF_HOUR_MS, rng)
    bucket, new_bucket = (np.mod(table["user"].to_numpy(), buckets) for table in (rows, new))
    state = [pack(advance(no_rows(), rows.filter(pa.array(bucket == b)), 0, 0).open) for b in range(buckets)]
    arrived = [pack(new.filter(pa.array(new_bucket == b))) for b in range(buckets)]
    del rows, new
    began, wall = time.process_time(), time.monotonic()
    after = 0
    for kept, packed in zip(state, arrived, strict=True):
        after += len(pack(advance(unpack(kept), unpack(packed), 0, NOON_MS).open))
    cpu_s = time.process_time() - began
    return {
        "cpu_s": cpu_s,
        "us_per_open_row": cpu_s / open_rows * 1e6,
        "seconds": time.monotonic() - wall,
        "state_mb": sum(map(len, state)) / 2**20,
        "bytes_per_row": sum(map(len, state)) / open_rows,
        "state_after_mb": after / 2**20,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one size, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open-rows", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--buckets", type=int, default=BUCKETS)
    given = parser.parse_args(arguments)
    figures = measure(given.open_rows, given.accounts, given.seed, given.buckets)
    print(
        f"{given.open_rows:,} open rows of {given.accounts:,} accounts: "
        + ", ".join(f"{k} {v:,.2f}" for k, v in figures.items())
    )


if __name__ == "__main__":
    main()
