"""The fused decision of the arena is the one that ships, on the scale of detectors that were trained in the arena."""

import numpy as np
import pandas as pd

from models.arena.detectors import decide
from models.fusion.evidence import DAY, EVIDENCE, GROUP, MONTH, SESSION, WEEK
from models.fusion.model import load_fusion
from models.user_days.hybrid import FLAG

HONEST_DAYS = 20_000


def evidence_with(bot: dict[str, float], scale: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return honest account-days and a bot's last, with scores in any unit, and which of them are honest."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({name: rng.normal(size=HONEST_DAYS) for name in EVIDENCE})
    table.loc[HONEST_DAYS] = bot
    return table * scale, np.arange(HONEST_DAYS + 1) < HONEST_DAYS


def test_a_day_that_two_detectors_call_rare_is_suspected_and_one_that_none_does_is_not() -> None:
    score = decide(*evidence_with({SESSION: 5, DAY: 5, WEEK: 0, MONTH: 0, GROUP: 0}), load_fusion())
    assert score[HONEST_DAYS] >= FLAG
    assert np.mean(score[:HONEST_DAYS] >= FLAG) < 0.001


def test_the_unit_of_a_detectors_scores_does_not_matter() -> None:
    bot = {SESSION: 3.0, DAY: 2.0, WEEK: 1.0, MONTH: 0.0, GROUP: 0.0}
    one, other = (decide(*evidence_with(bot, scale), load_fusion()) for scale in (1.0, 40.0))
    assert np.allclose(one, other, atol=0.01)


def test_what_is_missing_of_a_day_is_decided_by_the_weights_without_it() -> None:
    known = {SESSION: 5.0, DAY: 5.0, GROUP: 0.0}
    fusion = load_fusion()
    table, honest = evidence_with(known | {WEEK: np.nan, MONTH: np.nan})
    missing = decide(table, honest, fusion)
    nobody = table.assign(**{WEEK: np.nan, MONTH: np.nan})
    assert missing[HONEST_DAYS] == decide(nobody, honest, fusion)[HONEST_DAYS]
    assert missing[HONEST_DAYS] >= FLAG
