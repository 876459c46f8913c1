"""The study of sequence detectors: who is fitted on what, what is measured, and where sequences come from."""

from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.lab.sequences.detectors import SequenceDetector
from models.lab.sequences.report import as_markdown, summary
from models.lab.sequences.study import ALARMS, AP, AUC, RECALL, study_sequences
from models.lab.sequences.table import FRAUD, MAX_LENGTH, Sequences, read_sequences
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from producer.simulator.session_log.settings import load_session_log
from producer.simulator.session_log.write import simulate_session_log
from runtime.world import World, WorldError
from tests.models.lab.sequences.example_sequences import example_sequences


def test_a_perfect_score_is_measured_as_such_and_no_account_is_fitted_and_tested() -> None:
    sequences = example_sequences()
    fitted: list[Sequences] = []

    def fit(train: Sequences, rng: np.random.Generator) -> object:
        fitted.append(train)

        def score(rows: Sequences) -> np.ndarray:
            assert not set(rows.account) & set(train.account)
            return rows.label

        return score

    detector = SequenceDetector("oracle", "supervised", "knows", fit)  # type: ignore[arg-type]
    blind = SequenceDetector(
        "blind", "unlabelled", "knows nothing", lambda train, rng: lambda rows: np.zeros(len(rows))
    )
    results = study_sequences(
        sequences, {"oracle": detector, "blind": blind}, lambda step: None, seed=1, prevalence=0.004, draws=20
    )
    assert len(fitted) == 2
    oracle, nothing = results.measures["oracle"], results.measures["blind"]
    assert {measure: oracle[measure]["value"] for measure in (AUC, AP, RECALL, ALARMS)} == {
        AUC: 1.0, AP: pytest.approx(1.0), RECALL: 1.0, ALARMS: 0.0,
    }  # fmt: skip
    assert nothing[AUC]["value"] == pytest.approx(0.5)
    assert nothing[AP]["value"] == pytest.approx(0.004)
    assert nothing[RECALL]["value"] == 0
    page = as_markdown(results)
    assert page.splitlines()[2].startswith("| `oracle` | knows | yes | 1.000 [1.000, 1.000] |")
    assert summary(results).endswith("weighted to 0.40% of sessions")


def test_too_little_fraud_is_refused() -> None:
    with pytest.raises(ModelError, match="fraudulent sessions among 24: expected at least 30; simulate more users"):
        study_sequences(example_sequences(2), {}, lambda step: None, seed=1)


def test_a_session_log_is_read_with_its_fraud(tmp_path: Path) -> None:
    world = World(tmp_path)
    simulate_session_log(world, load_session_log("markov_small", users=60, seed=5))
    sequences = read_sequences(world)
    assert len(sequences) == 60 * 200
    assert set(sequences.family) <= {"honest", FRAUD}
    assert (sequences.codes[:, 0] == 1).all()  # start
    assert (sequences.codes[np.arange(len(sequences)), sequences.length - 1] == 2).mean() > 0.99  # end, unless cut
    assert sequences.codes.max() == sequences.n_actions == 7


def test_activity_of_a_music_world_is_read_by_client_session(tmp_path: Path) -> None:
    world = World(tmp_path)
    build(load_scenario("demo", users=150, days=1, prevalence=0.2), world)
    sequences = read_sequences(world)
    assert sequences.codes.shape == (len(sequences), MAX_LENGTH)
    assert sequences.label.sum() > 0
    assert len(np.unique(sequences.account)) <= 150
    assert (sequences.length > 0).all()


def test_a_world_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no session log and no activity: run  playproof simulate"):
        read_sequences(World(tmp_path))
