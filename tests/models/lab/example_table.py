"""A tiny table of account-days that needs no simulator: bots differ from people in a few columns."""

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.labels import FAMILIES, HARD_NEGATIVES, HONEST
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.lab.actions import PAIRS
from models.lab.days import Sessions, UserDays

DAYS = 21
"""Train, gap, test; no history."""


def example_days(seed: int = 1, people: int = 50, bots_of_a_family: int = 6, days: int = DAYS) -> UserDays:
    rng = np.random.default_rng(seed)
    families = [HONEST] * people + [family for family in FAMILIES for _ in range(bots_of_a_family)]
    cohorts = [*HARD_NEGATIVES, *["regular"] * people][:people]
    accounts = pd.DataFrame({"account_family": families, "cohort": cohorts + [None] * (len(families) - people)})
    accounts["user_id"] = [f"u{i:04d}" for i in range(len(accounts))]
    # two accounts of a family are one campaign
    accounts["group"] = [i if f == HONEST else people + (i - people) // 2 for i, f in enumerate(families)]
    accounts["is_trusted"] = np.arange(len(accounts)) % 6 == 0
    accounts["is_trusted"] &= accounts["account_family"] == HONEST
    frame = accounts.loc[accounts.index.repeat(days)].reset_index(drop=True)
    frame["day"] = 20_000 + np.tile(np.arange(days), len(accounts))
    is_bot = (frame["account_family"] != HONEST).to_numpy()
    n = len(frame)
    frame["label"] = is_bot.astype(float)
    frame.loc[rng.random(n) < 0.02, "label"] = np.nan
    frame["line"] = np.where(frame["label"].isna(), "some paid streams, under 10", "")
    frame["family"] = np.where(frame["label"] == 1, frame["account_family"], HONEST)
    frame["campaign_id"] = ("c" + frame["group"].astype(str)).where(is_bot, None)
    frame["plays"] = rng.poisson(30 + 60 * is_bot)
    frame["streams"] = (frame["plays"] * 0.7).astype(int)
    frame["paid_streams"] = np.where(frame["label"] == 1, 10 + frame["streams"] // 2, 0)
    features = rng.normal(size=(n, len(USER_DAY_FEATURE_NAMES)))
    features[:, ::3] += 2.0 * is_bot[:, None]
    features[rng.random(features.shape) < 0.05] = np.nan
    for name in ("plays_day", "share_30_35"):
        features[:, USER_DAY_FEATURE_NAMES.index(name)] = frame["plays"] + rng.random(n)
    for name in ("score_rules", "score_forest", "score_hybrid"):
        frame[name] = np.clip(rng.normal(0.3 + 0.3 * is_bot, 0.1), 0, 1)
    bigrams = rng.poisson(0.2 + 0.4 * is_bot[:, None] * (np.arange(PAIRS) % 7 == 0), (n, PAIRS)).astype(np.float32)
    row = np.repeat(np.arange(n), rng.integers(0, 3, n))
    of_sessions = rng.normal(size=(len(row), len(FEATURE_NAMES))) + is_bot[row, None]
    sessions = Sessions(of_sessions, np.full(len(row), 5), frame["label"].to_numpy()[row], row)
    return UserDays(frame, features, USER_DAY_FEATURE_NAMES, bigrams, sessions)
