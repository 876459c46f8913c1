"""The detectors of sequences. One is an entry of DETECTORS; those of the optional packages are there if these are."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from models.lab.sequences.chains import (
    Fit,
    hidden_markov_likelihood,
    markov_likelihood,
    ratio,
    surprise,
)

Kind = Literal["unlabelled", "supervised"]
PACKAGES = ("hmmlearn", "jax", "flax", "optax")
INSTALL = "pip install 'playproof[lab]'"


@dataclass(frozen=True, slots=True)
class SequenceDetector:
    """One technique. `unlabelled`: fitted on all sessions without labels; `supervised`: with them."""

    name: str
    kind: Kind
    description: str
    fit: Fit


def missing_packages() -> list[str]:
    """Name the optional packages that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def detectors() -> dict[str, SequenceDetector]:
    """Return the detectors that can run here, by name."""
    all_detectors = [
        SequenceDetector("markov", "unlabelled", "surprise of a Markov chain", surprise(markov_likelihood)),
        SequenceDetector("markov_llr", "supervised", "likelihood ratio of two Markov chains", ratio(markov_likelihood)),
    ]
    if not missing_packages():
        from models.lab.sequences import networks  # noqa: PLC0415 - optional packages

        all_detectors += [
            SequenceDetector(
                "hmm", "unlabelled", "surprise of a hidden Markov model", surprise(hidden_markov_likelihood)
            ),
            SequenceDetector(
                "hmm_llr", "supervised", "likelihood ratio of two hidden Markov models", ratio(hidden_markov_likelihood)
            ),
            SequenceDetector("rnn", "unlabelled", "surprise of a recurrent network", networks.next_action),
            SequenceDetector("rnn_classifier", "supervised", "recurrent network with labels", networks.classifier),
            SequenceDetector("gan", "unlabelled", "doubt of an adversarial network's critic", networks.adversarial),
        ]
    return {detector.name: detector for detector in all_detectors}
