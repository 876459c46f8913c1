"""The measurement of the job's parts in Python does the job's work: every row goes through every stage."""

from ops.bench.stages import measure
from runtime.parquet import count_rows
from runtime.resources import CODE
from runtime.world import World


def test_every_row_of_a_world_passes_every_stage() -> None:
    world = World(CODE / "data" / "sample")
    rows, seconds = measure(world)
    assert rows == sum(count_rows(world.raw_files(topic)) for topic in ("plays", "activity"))
    assert list(seconds) == [
        "decode", "columns and rules", "narrow and pack", "unpack", "step", "looks at open sessions",
        "pack and unpack the state", "sessions, through pandas", "features", "score and reasons",
        "archive: decode, columns, rules",
    ]  # fmt: skip
    assert all(cpu_s > 0 for cpu_s in seconds.values())
