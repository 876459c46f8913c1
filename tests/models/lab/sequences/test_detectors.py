"""The check-suite of every sequence detector that can run here, and the chains against numbers worked out by hand."""

import numpy as np
import pytest

from models.lab.sequences import detectors as registry
from models.lab.sequences.chains import forward, markov_likelihood
from models.lab.sequences.detectors import detectors, missing_packages
from models.lab.sequences.table import Sequences, as_matrix
from tests.models.lab.sequences.example_sequences import example_sequences

DETECTORS = detectors()
SHORT_STEPS = 60
"""Steps of training that suffice for sequences as plain as these."""


@pytest.fixture(autouse=True)
def _short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    if "rnn" in DETECTORS:
        from models.lab.sequences import networks

        monkeypatch.setattr(networks, "STEPS", SHORT_STEPS)


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    return example_sequences()


@pytest.mark.parametrize("name", DETECTORS)
def test_scores_are_finite_one_a_row_and_higher_for_fraud(name: str, sequences: Sequences) -> None:
    fitted = np.flatnonzero(sequences.account % 2 == 0)
    tested = sequences.take(np.flatnonzero(sequences.account % 2 == 1))
    detector = DETECTORS[name]
    if detector.kind == "unlabelled":  # fraud is rare where nobody says which it is
        rare = sequences.label[fitted] == 1
        fitted = np.concatenate([fitted[~rare], fitted[rare][:5]])
    score = detector.fit(sequences.take(fitted), np.random.default_rng(1))
    scores = score(tested)
    assert scores.shape == (len(tested),)
    assert np.isfinite(scores).all()
    if name != "gan":  # its critic knows real sessions from made-up ones, and no fraud: what is easy to make up is real
        assert np.median(scores[tested.label == 1]) > np.median(scores[tested.label == 0])
    # what else is scored changes nothing
    np.testing.assert_allclose(score(tested.take(np.arange(7))), scores[:7], rtol=1e-4, atol=1e-4)


def test_the_detectors_are_all_there_where_the_optional_packages_are() -> None:
    optional = {"hmm", "hmm_llr", "rnn", "rnn_classifier", "gan"}
    assert set(DETECTORS) == {"markov", "markov_llr"} | (set() if missing_packages() else optional)


def test_without_the_optional_packages_the_chains_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PACKAGES", ("no_such_package",))
    assert registry.missing_packages() == ["no_such_package"]
    assert set(detectors()) == {"markov", "markov_llr"}


def test_the_forward_pass_sums_over_the_hidden_states() -> None:
    start, step = np.array([0.6, 0.4]), np.array([[0.7, 0.3], [0.2, 0.8]])
    emission = np.array([[0.9, 0.1], [0.3, 0.7]])
    rows = Sequences(
        as_matrix(np.array([1, 2, 2], np.uint8), np.array([2, 1])), np.arange(2), np.arange(2), np.array(["", ""]), 2
    )
    first = start * emission[:, 0]
    expected = np.log([((first @ step) * emission[:, 1]).sum(), (start * emission[:, 1]).sum()])
    np.testing.assert_allclose(forward(rows, start, step, emission), expected)


def test_a_chain_multiplies_the_shares_of_its_steps_the_end_among_them() -> None:
    def made(*lengths: int, codes: list[int]) -> Sequences:
        n = len(lengths)
        matrix = as_matrix(np.array(codes, np.uint8), np.array(lengths))
        return Sequences(matrix, np.arange(n), np.arange(n), np.array([""] * n), 2)

    # begins: 1 twice, 2 once; after 1: 2 once, 1 once, end once; after 2: end twice
    likelihood = markov_likelihood(made(2, 2, 1, codes=[1, 2, 1, 1, 2]), np.random.default_rng(1))
    begin_1, one_to_two, two_to_end = 2.5 / 4.5, 1.5 / 4.5, 2.5 / 3.5  # each count has 0.5 more
    assert np.exp(likelihood(made(2, codes=[1, 2])))[0] == pytest.approx(begin_1 * one_to_two * two_to_end)
