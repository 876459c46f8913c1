"""What holds for every feature, by its unit and whatever the session: a new feature gets these tests unwritten."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS
from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES, SESSION_FEATURES
from spark_app.stages.arrays.countries import COUNTRY_LETTERS
from spark_app.stages.sessions.compute_features import compute_features
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from tests.spark_app.items import Item, did, heard, input_batch, session_row

RANGE: dict[str, tuple[float | None, float | None]] = {
    **dict.fromkeys(["share", "0/1"], (0, 1)),
    **dict.fromkeys(["count", "h", "s", "1/h", "bits", "days", "plays", "km/h"], (0, None)),
    "share difference": (-1, 1),
    **dict.fromkeys(["sd", "bits difference", "log10 difference"], (None, None)),
    "correlation": (-1, 1),
    "ratio": (-1, None),
    "log10": (None, 0),
}
"""Smallest and largest value by unit."""
ROUNDING = 1e-9
DECADE_S = 315_360_000

places = {
    "network": st.sampled_from([None, *NETWORKS]),
    "country": st.sampled_from([0, 3, *COUNTRY_LETTERS[:2].tolist()]),
    "device_type": st.sampled_from([None, *DEVICES]),
    "device": st.sampled_from([None, -1, 5]),
    "ip": st.sampled_from([None, -(2**63), 2**63 - 1]),
    "session_id": st.sampled_from([None, "b", "a"]),
    "id_hash": st.integers(-(2**63), 2**63 - 1),
}
plays = st.builds(
    heard,
    st.integers(0, 9_000),
    st.sampled_from([0, 0.001, 4.999, 30, 34.999, 200, 99_999.999]),
    st.sampled_from("abc"),
    duration_s=st.sampled_from([0, 30, 200]),
    is_autoadvance=st.booleans(),
    is_skip=st.booleans(),
    artist=st.sampled_from([None, 1, -2]),
    popularity=st.sampled_from([None, 0.0, 1e-9, 0.5]),
    **places,
)
clients = {"drm": st.sampled_from([None, *DRMS]), "codec": st.sampled_from([None, *CODECS])}
items_of_activity = {"track_id": st.sampled_from([None, "a", "z"])}
activity = st.builds(did, st.sampled_from(ACTIONS), st.integers(0, 9_000), **places, **clients, **items_of_activity)
histories = st.none() | st.fixed_dictionaries(
    {
        "history_days": st.integers(1, 28),
        **{name: st.none() | st.floats(0, 1) for name in BASELINE_STATISTICS},
    }
)
sessions = st.lists(plays | activity, min_size=1, max_size=16)


def without_order(row: dict[str, Any]) -> dict[str, Any]:
    """The order of track_counts means nothing."""
    return {**row, "track_counts": sorted(map(str, row["track_counts"]))}


@settings(max_examples=50)
@given(sessions.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_the_order_in_which_rows_were_gathered_does_not_matter(orders: tuple[list[Item], list[Item]]) -> None:
    one, other = (without_order(session_row(*items, timezone="Europe/Berlin")) for items in orders)
    assert one == other


@settings(max_examples=50)
@given(st.lists(st.tuples(sessions, st.integers(-8, 5)), min_size=2, max_size=4))
def test_sessions_of_one_batch_do_not_influence_one_another(apart: list[tuple[list[Item], int]]) -> None:
    several = [
        [{**item, "event_ms": item["event_ms"] + decades * DECADE_S * 1000} for item in items]
        for items, decades in apart
    ]
    together = compute_features(input_batch(*several, timezone="Asia/Kolkata")).to_pylist()
    alone = [session_row(*items, timezone="Asia/Kolkata") for items in several]
    assert list(map(without_order, together)) == list(map(without_order, alone))


@settings(max_examples=50)
@given(sessions, histories)
def test_every_feature_lies_in_the_range_of_its_unit(items: list[Item], own: dict[str, float] | None) -> None:
    found = session_row(*items, timezone="Pacific/Auckland", baseline=own)
    for feature in SESSION_FEATURES:
        value, (low, high) = found[feature.name], RANGE[feature.unit]
        if value is not None:
            assert low is None or value >= low - ROUNDING, (feature.name, value)
            assert high is None or value <= high + ROUNDING, (feature.name, value)
            assert feature.unit != "count" or value == int(value), (feature.name, value)


def test_every_feature_of_the_contract_is_described_in_its_order() -> None:
    names = compute_features(input_batch([heard()])).schema.names
    assert [name for name in names if name in FEATURE_NAMES] == list(FEATURE_NAMES)


def test_a_session_without_plays_has_no_shares_of_plays() -> None:
    found = session_row(did("search"), timezone="UTC", plan="free")
    measurable = {name for name in FEATURE_NAMES if found[name] is not None}
    counts = {"plays", "streams", "hours", "span_h", "overlap_s", "license_cnt", "license_rate_10min"}
    assert measurable == {*counts, "is_paid_plan"}


def test_of_a_single_play_nothing_is_said_that_needs_two() -> None:
    found = session_row(heard(0, 40, duration_s=100, artist=1, popularity=0.1), timezone="UTC")
    assert {name for name in FEATURE_NAMES if found[name] is None} == {
        "completion_sd", "listen_cv", "gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory", "pause_mean_s",
        "n_devices", "n_ips", "n_countries", "hosting_share", "account_age_days", "is_paid_plan", "loop_lag",
        "max_speed_kmh", "dev_drm_mismatch", "dist_drm_cnt", "dist_enc_frmt_cnt",
        *OWN_HISTORY_FEATURES, *(name for name in FEATURE_NAMES if name.endswith("_pct")),
    }  # fmt: skip
