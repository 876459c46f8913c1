"""Which way a verified model takes: its trees called directly, or `.transform` of the whole pipeline."""

from models.registry.artefact import Artefact
from models.registry.stage_classes import short_name
from spark_app.stages.scoring.pipeline_model import PipelineScorer, load_pipeline
from spark_app.stages.scoring.score import SessionScorer, load_trees

Scorer = SessionScorer | PipelineScorer


def load_scorer(artefact: Artefact) -> Scorer:
    """Load a verified model for its way; `.transform` needs a running Spark. Raises ModelError where it fails."""
    if artefact.has_direct_trees:
        return load_trees(artefact)
    return PipelineScorer(load_pipeline(artefact), artefact)


def scoring_message(artefact: Artefact) -> str:
    """Say in one line which way a model takes, and whether a value that it does not know would end the job."""
    if artefact.has_direct_trees:
        return f"{artefact.version}: its trees are called directly; flags from {artefact.review_threshold:.4g}"
    stages = ", ".join(short_name(stage.class_name) for stage in artefact.pipeline.stages)
    message = f"{artefact.version}: .transform of {stages}; flags from {artefact.review_threshold:.4g}; no reasons"
    if artefact.pipeline.fails_at_unknown:
        message += (
            f"\nwarning: {', '.join(artefact.pipeline.fails_at_unknown)} would end the job at a value that is missing "
            "or unknown (handleInvalid='error'); with handleInvalid='keep' it would not"
        )
    return message
