"""Labels from verdicts: what the pages wrote is what training reads."""

import pandas as pd
import pytest

from consumer_viz.dashboard.store import Draft, VerdictStore
from contracts import verdicts as v
from models.errors import ModelError
from models.verdict_labels import read_verdicts, relabel


def decide(store: VerdictStore, user: str, verdict: str, reason: str, probability: float = 1.0) -> None:
    draft = Draft(f"c-{user}", user, v.DECIDE, "ana", 0, f"k-{user}", verdict, reason, draw_probability=probability)
    store.write(draft)


@pytest.fixture
def path(tmp_path):
    store = VerdictStore(tmp_path / "verdicts.sqlite")
    decide(store, "bot", v.CONFIRM, "velocity")
    decide(store, "fan", v.DISMISS, "superfan")
    decide(store, "lucky", v.DISMISS, "superfan", probability=0.015)
    decide(store, "unsure", v.NEED_MORE, "more_days")
    decide(store, "wronged", v.CONFIRM, "velocity")
    store.write(Draft("c-wronged", "wronged", v.APPEAL, "ana", 1, "k-appeal"))
    return store.path


def test_training_reads_the_standing_verdicts_that_the_pages_wrote(path):
    users = ["bot", "fan", "lucky", "unsure", "wronged", "never seen"]
    table = pd.DataFrame({"user_id": users, "label": 0.0, "family": "x", "campaign_id": None, "cohort": "superfan"})
    labelled = relabel(table, read_verdicts(path)).set_index("user_id")
    assert labelled["label"].dropna().to_dict() == {"bot": 1.0, "fan": 0.0, "lucky": 0.0}
    assert labelled["weight"].round(1).to_dict()["lucky"] == 66.7
    assert set(labelled["family"]) == {"confirmed", "honest"}


def test_a_roll_back_changes_the_label(path):
    store = VerdictStore(path)
    store.write(Draft("c-wronged", "wronged", v.ROLL_BACK, "ben", 2, "k-back", reason_code="venue_account"))
    assert read_verdicts(path).set_index("user_id").loc["wronged", "verdict"] == v.DISMISS


def test_without_verdicts_training_says_what_to_do(tmp_path, path):
    with pytest.raises(ModelError, match="make dash"):
        read_verdicts(tmp_path / "none.sqlite")
    with pytest.raises(ModelError, match="another world"):
        relabel(pd.DataFrame({"user_id": ["x"]}), read_verdicts(path))
