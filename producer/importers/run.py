"""An import from the files given to a world on disk: nothing is written unless all of them could be read."""

import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc
from rich.progress import Progress

from contracts.events import ACTIVITY, ID_FIELD, MAX_ID_CHARS, PLAYS
from producer.errors import HistoryError
from producer.importers.collect import COUNTED_BEFORE, Collector, ImportCounts, counted_before
from producer.importers.files import find_files
from producer.importers.layout import Options
from producer.importers.registry import choose
from producer.importers.write import (
    check_target,
    earlier_layouts,
    epoch_ms,
    existing_rows,
    grain_ms,
    known_names,
    write,
    write_report,
)
from runtime import terminal
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from runtime.world import World


def import_history(
    paths: Sequence[Path], world: World, layout: str | None, options: Options, timezone: str | None, now_ms: int
) -> ImportCounts:
    """Import into a world; returns what became of the records. Raises HistoryError before anything is written."""
    _check(options, timezone)
    check_target(world)
    chosen = choose(find_files(paths), layout, bool(options.columns))
    existing = {topic: existing_rows(world, topic) for topic in (PLAYS, ACTIVITY)}
    collected = Collector(now_ms, (i for t, rows in existing.items() for i in rows[ID_FIELD[t]].to_pylist()))
    with Progress(transient=True, console=terminal.error_console(), disable=not sys.stderr.isatty()) as bar:
        for file in bar.track(chosen.files, description="reading"):
            collected.begin_file(file.label)
            for row in chosen.layout.rows(file, options):
                collected.add(row)
    if len(collected.logins) > 1:
        of_whom = ", ".join(sorted(collected.logins)[:3])
        raise HistoryError(
            f"records of {len(collected.logins)} people ({of_whom}): import each apart, with --user NAME"
        )
    taken = {topic: collected.table(topic) for topic in (PLAYS, ACTIVITY)}
    if (grain := grain_ms(epoch_ms(taken[PLAYS]))) >= HOUR_MS:
        raise HistoryError(
            f"times in these files are cut to the {'day' if grain >= DAY_MS else 'hour'}: they tell no session, gap or "
            f"night; expected a quarter of an hour or finer"
        )
    if earlier_layouts(world) - {chosen.layout.name}:
        taken[PLAYS] = _without_counted(taken[PLAYS], existing[PLAYS], world, collected)
    rows = {topic: pa.concat_tables([existing[topic], taken[topic]]) for topic in (PLAYS, ACTIVITY)}
    if not len(rows[PLAYS]):
        why = ", ".join(f"{reason} ({n:,})" for reason, n in collected.counts.reasons.most_common(3))
        raise HistoryError(
            f"no play in {chosen.layout.name} of {collected.counts.read:,} records: {why or 'they are empty'}"
        )
    write(world, rows, collected, timezone)
    write_report(world, chosen.layout, collected, [file.label for file in chosen.files], chosen.passed_over)
    return collected.counts


def _without_counted(taken: pa.Table, existing: pa.Table, world: World, collected: Collector) -> pa.Table:
    """Leave out plays that an earlier import of another layout has counted, and report their number.

    What these files tell of as well is of their own layout: it is no other's play.
    """
    is_known = pc.is_in(existing[ID_FIELD[PLAYS]], value_set=pa.array(collected.known_again, pa.string()))
    existing = existing.filter(pc.invert(is_known))
    if not len(existing):
        return taken
    names = known_names(world) | {one.track_id: one.name for one in collected.tracks.values() if one.name}
    is_counted = counted_before(taken, existing, names, max(collected.precision_ms, MINUTE_MS))
    if is_counted.any():
        collected.counts.taken -= int(is_counted.sum())
        collected.counts.reasons[COUNTED_BEFORE] += int(is_counted.sum())
    return taken.filter(pa.array(~is_counted))


def _check(options: Options, timezone: str | None) -> None:
    if options.user is not None and not 1 <= len(options.user) <= MAX_ID_CHARS:
        raise HistoryError(f"--user: expected 1 to {MAX_ID_CHARS} characters")
    try:
        ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise HistoryError(f"--timezone: no zone {timezone!r}; expected a name like Europe/Berlin") from None


def print_counts(counts: ImportCounts, world: World) -> None:
    """Print what became of the records, as a table, and the command that goes on from here."""
    rejected = sum(counts.reasons.values())
    rows = [("read", counts.read), ("taken", counts.taken), ("fixed", counts.fixed), ("rejected", rejected)]
    rows += [(f"fixed: {fix}", n) for fix, n in counts.fixes.most_common()]
    rows += [(f"rejected: {reason}", n) for reason, n in counts.reasons.most_common()]
    terminal.print_table(("records", "rows"), [(name, f"{n:,}") for name, n in rows])
    for reason, n in counts.reasons.most_common():
        if place := counts.first_at.get(reason):
            terminal.print_line(f"{'first' if n > 1 else 'at'} {place}: {reason}")
    terminal.print_line(f"world {world.name}; next:  playproof audit --world {world.name}")
