"""The stability index: what chance gives is not called a shift, a shift is; the reference is small and trusted."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from contracts.features import FEATURE_NAMES
from models.drift.bins import bin_of, decile_edges, make_bins
from models.drift.psi import LARGE, SMALL, measure_shift, resample_accounts
from models.drift.reference import (
    REFERENCE,
    REFERENCE_HASH,
    SCORE,
    DriftReference,
    build_reference,
    encode_reference,
    read_reference,
)
from models.drift.report import format_drift, largest, measure_drift
from models.errors import ModelError
from models.registry.artefact import sha256

ACCOUNTS, PER_ACCOUNT = 300, 8


def sessions(rng: np.random.Generator, accounts: int = ACCOUNTS, shift: float = 0.0, name: str = "u") -> pd.DataFrame:
    """Sessions of accounts that differ much from one another: their own level, and little around it."""
    account = np.repeat(np.arange(accounts), PER_ACCOUNT)
    n = len(account)
    plays = np.round(np.exp(rng.normal(2 + shift, 0.8, accounts)[account] + rng.normal(0, 0.2, n)))
    frame = pd.DataFrame(
        {
            "user_id": [f"{name}{i}" for i in account],
            "ended_at": pd.Timestamp("2025-03-20", tz="UTC") - pd.to_timedelta(rng.random(n) * 6.9, unit="D"),
            "model_version": "toy@1",
            "label": 0.0,
            "plays": plays,
            "hours": np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
            "night_share": np.where(rng.random(n) < 0.8, 0.0, rng.random(n)),
        }
    )
    return frame.assign(score=rng.beta(1, 20, n))


FEATURES = ("plays", "hours", "night_share")


def reference_of(table: pd.DataFrame) -> DriftReference:
    return build_reference(table, FEATURES, lambda rows: rows["score"].to_numpy())


def test_bins_are_deciles_with_missing_apart_and_fewer_where_values_are_equal() -> None:
    values = np.concatenate([np.zeros(60), np.arange(1.0, 41.0), np.full(20, np.nan)])
    edges = decile_edges(values)
    assert edges[0] == 0
    assert len(edges) < 9
    assert bin_of(np.array([np.nan, 0.0, 1000.0]), edges).tolist() == [len(edges) + 1, 0, len(edges)]
    bins = make_bins(np.arange(120), 120, values)
    assert bins.shares.sum() == pytest.approx(1)
    assert bins.shares[-1] == pytest.approx(20.5 / (120 + 0.5 * len(bins.shares)))
    assert len(bins.labels) == len(bins.shares)
    assert make_bins(np.arange(3), 3, np.full(3, np.nan)).labels == ["known", "missing"]


def test_chance_alone_is_no_shift_although_the_index_itself_is_large() -> None:
    reference = reference_of(sessions(np.random.default_rng(1)))
    raw, corrected = [], []
    for seed in range(20):
        drift = measure_drift(sessions(np.random.default_rng(100 + seed), accounts=40), reference, "toy@1", days=(7,))
        plays = drift["windows"]["7"]["quantities"]["plays"]
        raw.append(plays["psi"])
        corrected.append(plays["psi"] - plays["noise"])
        assert {entry["band"] for entry in drift["windows"]["7"]["quantities"].values()} == {"small"}
    assert np.mean(raw) > SMALL  # who reads the plain index would report a moderate shift
    assert abs(np.mean(corrected)) < 0.05


def test_for_independent_values_the_noise_is_what_the_literature_gives() -> None:
    rng = np.random.default_rng(2)
    bins = make_bins(np.arange(2000), 2000, rng.random(2000))
    shift = measure_shift(bins, np.arange(500), rng.random(500), resample_accounts(500, rng))
    assert shift.noise == pytest.approx(9 * (1 / 2000 + 1 / 500), rel=0.15)  # ten deciles, none missing


def test_a_shift_is_found_with_its_size_and_missing_values_are_one_too() -> None:
    reference = reference_of(sessions(np.random.default_rng(1)))
    moved = sessions(np.random.default_rng(3), shift=1.5).assign(hours=np.nan)
    drift = measure_drift(moved, reference, "toy@1")
    week = drift["windows"]["7"]
    assert week["quantities"]["plays"]["band"] == "large"
    assert week["quantities"]["plays"]["low"] > LARGE
    assert week["quantities"]["night_share"]["band"] == "small"
    assert week["quantities"]["hours"]["missing_now"] == pytest.approx(1, abs=0.01)
    assert [name for name, _ in largest(week, 2)] == ["hours", "plays"]
    lines = format_drift(drift)
    assert lines[0].startswith("toy@1, newest session 2025-03-")
    assert lines[-1] == "  2 features have moved far (the whole interval is over 0.25)"
    assert orjson.loads(orjson.dumps(drift)) == drift


def test_too_few_accounts_and_other_models_say_nothing() -> None:
    reference = reference_of(sessions(np.random.default_rng(1)))
    few = measure_drift(sessions(np.random.default_rng(4), accounts=29), reference, "toy@1")
    assert set(few["windows"]["7"]["quantities"].values()) == {None}
    assert "  too few accounts to say anything" in format_drift(few)
    assert measure_drift(sessions(np.random.default_rng(4)), reference, "other@2")["newest_at"] is None


def test_a_reference_is_read_back_and_one_that_was_changed_is_refused(tmp_path: Path) -> None:
    table = sessions(np.random.default_rng(1))
    reference = reference_of(pd.concat([table, table.assign(label=1.0, plays=1e6)]))  # bots are not in it
    content = encode_reference(reference)
    (tmp_path / REFERENCE).write_bytes(content)
    manifest: dict[str, Any] = {"name": "toy", REFERENCE_HASH: sha256(content)}
    read = read_reference(tmp_path, manifest)
    assert (read.sessions, read.accounts) == (ACCOUNTS * PER_ACCOUNT, ACCOUNTS)
    assert list(read.bins) == [*FEATURES, SCORE]
    np.testing.assert_allclose(read.bins["plays"].shares, reference.bins["plays"].shares, atol=1e-3)
    (tmp_path / REFERENCE).write_bytes(content.replace(b"0", b"1", 1))
    with pytest.raises(ModelError, match="is not the file that is trusted"):
        read_reference(tmp_path, manifest)
    with pytest.raises(ModelError, match="has no reference of its training: train it again"):
        read_reference(tmp_path, {"name": "toy"})


def test_a_reference_of_all_features_is_under_10_kb() -> None:
    rng = np.random.default_rng(1)
    table = sessions(rng).assign(**{name: rng.lognormal(size=ACCOUNTS * PER_ACCOUNT) for name in FEATURE_NAMES})
    reference = build_reference(table, FEATURE_NAMES, lambda rows: rows["score"].to_numpy())
    assert len(encode_reference(reference)) < 10_000
