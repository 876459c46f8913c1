"""The techniques of the study. One is an entry of CANDIDATES; the checks of tests/models/lab run over each."""

from models.lab.candidates.candidate import Candidate
from models.lab.candidates.detectors import DETECTORS
from models.lab.candidates.novelty import NOVELTY
from models.lab.candidates.sequence import SEQUENCE
from models.lab.candidates.session_scorer import SESSION_SCORER
from models.lab.candidates.supervised import SUPERVISED
from models.lab.candidates.trivial import TRIVIAL

CANDIDATES: dict[str, Candidate] = {
    candidate.name: candidate for candidate in (*TRIVIAL, *DETECTORS, *NOVELTY, *SUPERVISED, *SEQUENCE, *SESSION_SCORER)
}

__all__ = ["CANDIDATES", "Candidate"]
