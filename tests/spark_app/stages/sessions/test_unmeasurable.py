"""What a row, or a whole source, does not say gives null features, never 0."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts import measurable
from contracts.account_windows import WINDOW_FEATURE_NAMES
from contracts.features import FEATURE_NAMES
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from producer.importers.layout import Options
from producer.importers.run import import_history
from runtime.world import World
from spark_app.batch.training_table import session_features
from spark_app.stages.sessions.session_rows import NO_END_REASON, NO_START_REASON
from spark_app.stages.user_days import day_rows
from tests.spark_app import days
from tests.spark_app.items import Item, heard, session_row

SAMPLES = Path(__file__).parents[3] / "producer" / "importers" / "samples"
NOW_MS = 1_767_225_600_000


def unheard(start_s: float, **values: Any) -> Item:
    return heard(start_s, 0, **values) | {"lengths": None}


def test_every_feature_that_needs_something_exists() -> None:
    needing = {
        name
        for names in (
            *measurable.NEEDS_FIELD.values(),
            measurable.NEEDS_ACTIONS,
            measurable.NEEDS_SECONDS,
            measurable.NEEDS_MINUTES,
        )
        for name in names
    }
    assert needing <= {*FEATURE_NAMES, *USER_DAY_FEATURE_NAMES, *WINDOW_FEATURE_NAMES}


def test_a_play_that_does_not_say_how_long_it_was_heard_makes_lengths_null_and_leaves_the_gaps() -> None:
    known = session_row(*(heard(s * 60, 40) for s in range(6)))
    unknown = session_row(*(unheard(s * 60) for s in range(6)))
    assert known["hours"] == pytest.approx(6 * 40 / 3600)
    for name in measurable.NEEDS_FIELD["listen_ms"]:
        assert unknown.get(name) is None, name
    assert unknown["plays"] == 6
    assert unknown["modal_gap_share"] == known["modal_gap_share"] == 1


def test_one_unknown_length_leaves_the_sum_unknown() -> None:
    row = session_row(heard(0, 40), unheard(60))
    assert row["hours"] is None
    assert row["streams"] is None


@pytest.mark.parametrize(("bit", "name"), [(NO_START_REASON, "autoadvance_share"), (NO_END_REASON, "skip_rate")])
def test_a_play_without_a_reason_did_not_begin_or_end_otherwise(bit: int, name: str) -> None:
    item = heard(0, 40)
    complete, incomplete = session_row(item), session_row(item | {"code": item["code"] | bit})
    assert (complete[name], incomplete[name]) == (0, None)


@pytest.mark.parametrize(
    ("bit", "field"),
    [
        (day_rows.NO_LISTEN, "listen_ms"),
        (day_rows.NO_START_REASON, "reason_start"),
        (day_rows.NO_END_REASON, "reason_end"),
    ],
)
def test_a_day_with_such_a_play_has_null_for_what_is_made_of_it_and_the_day_before_keeps_it(
    bit: int, field: str
) -> None:
    complete = days.heard(9, 40)
    incomplete = days.heard(10, 0, day=1, code=bit << day_rows.SHIFT["missing"])
    before, after = days.day_rows_of(complete, incomplete)
    needing = {*measurable.NEEDS_FIELD[field]} & {*USER_DAY_FEATURE_NAMES}
    assert {name for name in needing if after[name] is not None} == set()
    assert (after["plays"], after["streams"] is None) == (1, field == "listen_ms")
    assert (before["streams"], before["autoadvance_share"], before["skip_rate"]) == (1, 0, 0)


def test_an_imported_history_has_null_for_all_that_it_cannot_tell(spark: SparkSession, tmp_path: Path) -> None:
    scrobbles, extended = World(tmp_path / "scrobbles"), World(tmp_path / "extended")
    import_history([SAMPLES / "lastfm" / "recenttracks-ghan.csv"], scrobbles, None, Options(), None, NOW_MS)
    import_history([SAMPLES / "spotify_extended"], extended, None, Options(), "Europe/Berlin", NOW_MS)
    of_scrobbles, of_extended = (session_features(spark, world).toPandas() for world in (scrobbles, extended))
    assert of_scrobbles["plays"].tolist() == [2]
    unknown = {name for name in FEATURE_NAMES if of_scrobbles[name].isna().all()}
    assert unknown >= {
        "streams", "hours", "completion_mean", "skip_rate", "autoadvance_share", "interaction_rate", "license_cnt",
        "error_rate", "n_devices", "n_ips", "hosting_share", "popularity_mean", "night_share", "account_age_days",
    }  # fmt: skip
    newest = of_extended.sort_values("started_at").iloc[-1]
    assert (newest["hours"], newest["night_share"]) == (pytest.approx(31 / 3600), 0)
    assert newest["autoadvance_share"] == 1
    assert np.isnan(newest["interaction_rate"])
    assert np.isnan(newest["completion_mean"])
