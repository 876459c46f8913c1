"""The drift of a world's sessions: each feature and the score, over the last day and the last week."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.drift.psi import LARGE, MIN_ACCOUNTS, SMALL, measure_shift, resample_accounts
from models.drift.reference import SCORE, DriftReference

WEEK = 7
DAYS = (1, WEEK)
SEED = 1


def measure_drift(
    sessions: pd.DataFrame, reference: DriftReference, model_version: str, days: Sequence[int] = DAYS
) -> dict[str, Any]:
    """Measure the drift of the sessions that one model scored (user_id, ended_at, score, model_version, features).

    A window ends with the newest session, by event time. A quantity is null in a window of too few accounts.
    """
    chosen = sessions[sessions["model_version"] == model_version]
    ended_at = pd.to_datetime(chosen["ended_at"], utc=True)
    newest = ended_at.max()
    windows = {}
    for length in days:
        rows = chosen[ended_at > newest - pd.Timedelta(days=length)] if len(chosen) else chosen
        windows[str(length)] = _measure_window(rows, reference)
    return {
        "model_version": model_version,
        "newest_at": None if pd.isna(newest) else newest.isoformat(),
        "reference": {"sessions": reference.sessions, "accounts": reference.accounts},
        "bands": {"small": SMALL, "large": LARGE},
        "windows": windows,
    }


def _measure_window(rows: pd.DataFrame, reference: DriftReference) -> dict[str, Any]:
    account, users = pd.factorize(rows["user_id"])
    quantities: dict[str, Any] = dict.fromkeys(reference.bins)
    size = {"sessions": len(rows), "accounts": len(users)}
    if len(users) < MIN_ACCOUNTS:
        return size | {"quantities": quantities}
    resamples = resample_accounts(len(users), np.random.default_rng(SEED))
    for name, bins in reference.bins.items():
        shift = measure_shift(bins, account.astype(np.int64), rows[name].to_numpy(dtype=np.float64), resamples)
        quantities[name] = {
            "psi": shift.psi, "noise": shift.noise, "corrected": shift.corrected, "low": shift.low, "high": shift.high,
            "band": shift.band, "missing_training": float(bins.shares[-1]), "missing_now": float(shift.shares[-1]),
            "bins": list(bins.labels), "training": bins.shares.tolist(), "now": shift.shares.tolist(),
        }  # fmt: skip
    return size | {"quantities": quantities}


def largest(window: Mapping[str, Any], count: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the features of a window that have moved most, largest first; the score is not among them."""
    known = [(name, entry) for name, entry in window["quantities"].items() if entry and name != SCORE]
    return sorted(known, key=lambda item: (-item[1]["corrected"], item[0]))[:count]


def format_summary(drift: Mapping[str, Any], shown: int = 3) -> list[str]:
    """Format the drift of the week for the daily report: how far the score has moved, and which features far."""
    window = drift["windows"][str(WEEK)]
    size = f"last {WEEK} days, {window['sessions']:,} sessions of {window['accounts']:,} accounts"
    score = window["quantities"][SCORE]
    if score is None:
        return [f"drift             {size}: too few accounts to say anything"]
    far = [name for name, entry in largest(window) if entry["band"] == "large"]
    named = f": {', '.join(far[:shown])}{' and others' if len(far) > shown else ''}" if far else ""
    moved = f"the score has moved by {score['corrected']:.3f} ({score['band']})"
    return [f"drift             {size}: {moved}; features that have moved far: {len(far) or 'none'}{named}"]


def format_drift(drift: Mapping[str, Any], shown: int = 10) -> list[str]:
    """Format the drift as lines for a person."""
    lines = [f"{drift['model_version']}, newest session {drift['newest_at']}"]
    for days, window in drift["windows"].items():
        span = "day" if days == "1" else f"{days} days"
        lines.append(f"last {span}: {window['sessions']:,} sessions of {window['accounts']:,} accounts")
        score = window["quantities"][SCORE]
        if score is None:
            lines.append("  too few accounts to say anything")
            continue
        lines.append(f"  {'':<26}{'PSI':>7}{'noise':>8}{'without':>9}   {'interval':<16}{'missing, then and now'}")
        lines += [_format_quantity(name, entry) for name, entry in [(SCORE, score), *largest(window, shown)]]
        others = sum(entry["band"] == "large" for _, entry in largest(window))
        lines.append(f"  {others} features have moved far (the whole interval is over {LARGE})")
    return lines


def _format_quantity(name: str, entry: Mapping[str, Any]) -> str:
    interval = f"[{entry['low']:.2f}, {entry['high']:.2f}]"
    return (
        f"  {name:<26}{entry['psi']:>7.3f}{entry['noise']:>8.3f}{entry['corrected']:>9.3f}   {interval:<16}"
        f"{entry['missing_training']:>5.0%} {entry['missing_now']:>5.0%}   {entry['band']}"
    )
