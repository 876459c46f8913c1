"""A verified session scorer for commands without Spark."""

from models.errors import ModelError
from models.registry.artefact import Artefact
from spark_app.stages.scoring.score import SessionScorer, load_trees


def read_scorer(artefact: Artefact) -> SessionScorer:
    """Read the parts of a verified model that scoring needs. Raises ModelError where it is not made of one XGBoost."""
    if not artefact.has_direct_trees:
        raise ModelError(f"{artefact.version} is not a VectorAssembler with trees of XGBoost: only Spark can run it")
    return load_trees(artefact)
