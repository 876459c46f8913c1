"""The decision about an account-day: any set of detectors, null where one is missing, words for what it rests on."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from models.errors import ModelError
from models.fusion.decide import Sources, counted_groups, decide_days
from models.fusion.evidence import EVIDENCE, GROUP, LIMIT, MONTH, PARTS, SESSION, WEEK, collect_evidence
from models.fusion.model import (
    SHIPPED_FUSION,
    FusionModel,
    apply_tails,
    detector_versions,
    load_fusion,
    rows_by_known,
)
from models.fusion.training.card import render_card
from models.registry.artefact import ARTIFACTS, CARD
from models.user_days.calibration import PREVALENCE

DAYS = pd.date_range("2025-03-01", periods=10)
NO_CAMPAIGNS = pd.DataFrame({"kind": [], "user_ids": [], "probability": [], "is_flagged": [], "reasons": []}).astype(
    {"is_flagged": bool}
)


@pytest.fixture(scope="module")
def fusion() -> FusionModel:
    return load_fusion()


def flags(accounts: int = 2) -> pd.DataFrame:
    rows = [(f"u{a:02}", day) for a in range(accounts) for day in DAYS]
    frame = pd.DataFrame(rows, columns=["user_id", "local_date"])
    no_reasons: pd.Series = pd.Series([[] for _ in rows], dtype=object)
    return frame.assign(
        trees_score=np.nan, rules_score=0.1, model_version="v", reasons=no_reasons, by_rules=False, by_forest=False
    )


def sources(**given: object) -> Sources:
    values: dict[str, object] = {
        "sessions": None, "windows": None, "campaigns": NO_CAMPAIGNS, "session_threshold": 0.0, "window_threshold": 0.0,
        "timezones": pd.Series({"u00": "Asia/Tokyo"}),
    }  # fmt: skip
    return Sources(**(values | given))  # type: ignore[arg-type]


def evidence_of(table: pd.DataFrame, found: Sources) -> pd.DataFrame:
    return collect_evidence(
        table, found.campaigns, found.timezones, found.sessions, found.windows, found.session_threshold,
        found.window_threshold,
    )  # fmt: skip


@pytest.mark.parametrize("known", [set(some) for n in range(5) for some in combinations(PARTS, n)])
def test_any_set_of_detectors_gives_a_decision_and_what_is_missing_takes_no_part(
    known: set[str], fusion: FusionModel
) -> None:
    strong = pd.DataFrame({name: [LIMIT / 2] if name in known else [np.nan] for name in EVIDENCE})
    strong["month"] = strong[WEEK]
    decided = fusion.decide(strong)
    assert np.isfinite(decided.log_odds).all()
    assert (decided.pushes[[name for name in PARTS if name not in known]].to_numpy() == 0).all()
    assert decided.is_suspected[0] == bool(known)


def test_what_is_not_known_moves_nobody_away_from_what_is_usual(fusion: FusionModel) -> None:
    """Quiet days have about the same low probability, whichever detectors ran: each stack is calibrated by itself."""
    usual = pd.DataFrame({SESSION: [-6.0], "day": [-6.0], WEEK: [-6.0], "month": [-6.0], GROUP: [0.0]})
    for n in range(len(PARTS) + 1):
        for missing in combinations(PARTS, n):
            row = usual.assign(**dict.fromkeys(missing, np.nan))
            if WEEK in missing:
                row["month"] = np.nan
            assert fusion.decide(row).probability[0] < 2 * PREVALENCE


def test_more_evidence_never_makes_a_day_less_likely(fusion: FusionModel) -> None:
    assert all(weight >= 0 for stack in fusion.stacks.values() for weight in stack.weights)
    rng = np.random.default_rng(1)
    some = pd.DataFrame({name: rng.normal(0, 4, 200) for name in EVIDENCE})
    for name in EVIDENCE:
        more = fusion.decide(some.assign(**{name: some[name] + 2})).log_odds
        assert (more >= fusion.decide(some).log_odds - 1e-9).all()


def test_a_week_and_a_month_hold_the_same_days_so_one_is_no_witness_for_the_other(fusion: FusionModel) -> None:
    quiet = pd.DataFrame({SESSION: [-12.0], "day": [-12.0], WEEK: [3.0], MONTH: [1.0], GROUP: [0.0]})
    pushes = fusion.decide(quiet).pushes.iloc[0]
    tails = apply_tails(fusion.tails, quiet)[0]
    week, month = (tails[EVIDENCE.index(name)] for name in (WEEK, MONTH))
    strongest = fusion.stacks[frozenset(PARTS)].weights[0]
    assert pushes[WEEK] + pushes[MONTH] == pytest.approx(strongest * (week + month) / 2)
    assert pushes[WEEK] / pushes[MONTH] == pytest.approx(week / month)
    assert pushes.drop([WEEK, MONTH]).sum() == 0
    only_week = fusion.decide(quiet.assign(month=np.nan)).pushes.iloc[0]
    assert only_week[WEEK] == pytest.approx(strongest * week)
    assert only_week[MONTH] == 0


def test_the_rows_of_each_set_are_decided_by_its_own_weights(fusion: FusionModel) -> None:
    table = pd.DataFrame({name: [1.0, 1.0] for name in EVIDENCE}).assign(session=[1.0, np.nan])
    assert {frozenset(PARTS): [0], frozenset(PARTS) - {SESSION}: [1]} == {
        known: rows.tolist() for known, rows in rows_by_known(table).items()
    }


def test_a_session_counts_on_the_local_day_on_which_it_began() -> None:
    late = pd.DataFrame(
        {"user_id": ["u00", "u00", "u01"], "score": [0.9, 0.5, 0.9],
         "started_at": pd.to_datetime(["2025-03-02 16:00", "2025-03-02 17:00", "2025-03-02 16:00"], utc=True)}
    )  # fmt: skip
    session = evidence_of(flags(), sources(sessions=late))[SESSION]
    assert session[session.notna()].round(3).to_dict() == {
        2: round(float(logit(0.9)), 3),
        11: round(float(logit(0.9)), 3),
    }


def test_a_source_whose_scores_mean_too_little_leaves_them_out() -> None:
    late = pd.DataFrame({"user_id": ["u00"], "score": [0.9], "started_at": pd.to_datetime(["2025-03-02"], utc=True)})
    assert evidence_of(flags(), sources(sessions=late, session_threshold=None))[SESSION].isna().all()


def test_a_window_counts_on_every_day_that_it_holds() -> None:
    week = pd.DataFrame({"user_id": ["u01"], "last_day": [DAYS[8].date()], "days": [7], "log_odds": [2.0]})
    found = evidence_of(flags(), sources(windows=week, window_threshold=0.5))
    assert found.index[found[WEEK].notna()].tolist() == list(range(12, 19))
    assert set(found[WEEK].dropna()) == {1.5}
    assert found["month"].isna().all()


def test_few_accounts_cannot_tell_what_belonging_to_no_group_means() -> None:
    group = pd.DataFrame({"user_ids": [["u00"]], "probability": [0.9]})
    assert evidence_of(flags(2), sources(campaigns=group))[GROUP].isna().all()
    of_many = evidence_of(flags(60), sources(campaigns=group))[GROUP]
    assert of_many.nunique() == 2
    assert (of_many.min(), of_many.max()) == (0.0, pytest.approx(logit(0.9) - logit(PREVALENCE)))


def test_a_couple_with_one_phone_and_a_household_are_no_evidence_a_ring_on_one_phone_is() -> None:
    groups = pd.DataFrame({
        "kind": ["device", "payment", "device", "shared_tracks"], "probability": [0.9, 0.3, 0.9, 0.01],
        "user_ids": [["a", "b"], ["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]],
        "is_flagged": [False, False, True, False],
    })  # fmt: skip
    assert counted_groups(groups).index.tolist() == [2, 3]


def test_a_suspected_day_says_in_words_what_raised_it_the_strongest_first(fusion: FusionModel) -> None:
    known, unknown = {"feature": "streams", "value": 84.0}, {"feature": "hours", "value": None}
    sessions = pd.DataFrame(
        {
            "user_id": ["u01"],
            "score": [0.9999],
            "is_flagged": [True],
            "started_at": pd.to_datetime(["2025-03-05 12:00"], utc=True),
            "reasons": [[reason | {"contribution": 2.0} for reason in (known, unknown)]],
        }
    )
    decided, _ = decide_days(flags(), sources(sessions=sessions), fusion)
    suspected = decided[decided["is_flagged"]]
    assert suspected.index.tolist() == [14]
    assert suspected["reasons"].tolist() == [["a session with a score of over 0.99: 84 streams"]]
    assert suspected["probability"].min() > 0.5 > decided["probability"].drop(14).max()


def test_where_no_trees_can_score_a_day_rules_and_forest_suspect_it_together(fusion: FusionModel) -> None:
    both = flags().assign(by_rules=[True] * 3 + [False] * 17, by_forest=[False] + [True] * 3 + [False] * 16)
    decided, _ = decide_days(both, sources(), fusion)
    assert decided.index[decided["is_flagged"]].tolist() == [1, 2]
    asked, _ = decide_days(both.assign(trees_score=0.01), sources(), fusion)
    assert not asked["is_flagged"].any()


def test_an_account_with_more_suspected_days_is_likelier_a_bot(fusion: FusionModel) -> None:
    users = pd.Series(["a"] * 5 + ["b"] * 5)
    one, many = [3.0, -7.0, -7.0, -7.0, -7.0], [3.0, 3.0, 3.0, -7.0, -7.0]
    probability = fusion.of_accounts(users, np.array(one + many))
    assert probability["a"] < probability["b"]


def test_a_detector_that_was_trained_again_is_named_until_the_fusion_is_fitted_again(fusion: FusionModel) -> None:
    assert replace(fusion, manifest={"fitted_with": detector_versions()}).outdated() == []
    assert replace(fusion, manifest={"fitted_with": detector_versions() | {"session_xgb": "0"}}).outdated() == [
        "session_xgb"
    ]


def test_what_ships_was_fitted_with_the_detectors_that_ship_and_its_card_says_so(fusion: FusionModel) -> None:
    assert fusion.outdated() == [], "run  make train-fusion"
    card = (SHIPPED_FUSION / CARD).read_text()
    assert card == render_card(fusion.manifest), "write render_card(manifest) to the card"


def test_a_fusion_that_is_no_champion_is_refused() -> None:
    with pytest.raises(ModelError, match="not a champion"):
        load_fusion(ARTIFACTS / "another")
