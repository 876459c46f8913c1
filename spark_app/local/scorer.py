"""A verified session scorer, loaded without Spark: the trees lie in the model's zip in XGBoost's own format."""

import xgboost as xgb

from models.errors import ModelError
from models.registry.artefact import Artefact
from spark_app.stages.scoring.score import SessionScorer, scorer_of

_TREES = "stages/*/model/part-*"


def read_scorer(artefact: Artefact) -> SessionScorer:
    """Read the parts of a verified model that scoring needs. Raises ModelError where it is not made of one XGBoost."""
    if not artefact.has_direct_trees:
        raise ModelError(f"{artefact.version} is not a VectorAssembler with trees of XGBoost: only Spark can run it")
    (part,) = artefact.path.glob(_TREES)
    booster = xgb.Booster()
    booster.load_model(bytearray(part.read_bytes().strip()))
    return scorer_of(artefact, bytes(booster.save_raw("ubj")))
