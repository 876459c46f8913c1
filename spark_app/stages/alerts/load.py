"""The alerts model: its artefact is verified and read without Spark.

`artifacts/session_alerts/` has `trees.ubj.gz` (XGBoost's own format, packed), `manifest.json`, whose SHA-256 is in
`models/registry/champions.py`, and a model card.
"""

from pathlib import Path

from models.errors import ModelError
from models.registry.artefact import ARTIFACTS, MANIFEST, read_manifest, read_trusted_gzip
from models.registry.champions import ALERT_CHAMPIONS
from models.registry.source_patterns import read_patterns
from spark_app.stages.alerts.prefix_features import PREFIX_FEATURES
from spark_app.stages.scoring.score import SessionScorer

SHIPPED_ALERTS = ARTIFACTS / "session_alerts"
TREES_FILE = "trees.ubj.gz"
REQUIRED = {"name": str, "trees_sha256": str, "features": list, "threshold": float, "source_patterns": list}


def shipped_alert_scorer() -> SessionScorer | None:
    """Load the alerts model that ships; None where none does. Raises ModelError."""
    trusted = ALERT_CHAMPIONS.get(SHIPPED_ALERTS.name)
    return load_alert_scorer(SHIPPED_ALERTS, trusted) if trusted else None


def require_alert_scorer() -> SessionScorer:
    """Load the alerts model that ships. Raises ModelError, also where none ships."""
    scorer = shipped_alert_scorer()
    if scorer is None:
        raise ModelError("no alerts model ships: train one with  playproof model train-alerts")
    return scorer


def load_alert_scorer(folder: Path, trusted: str) -> SessionScorer:
    """Verify an artefact folder and load it; the review threshold is that of an alert. Raises ModelError.

    `trusted`: the SHA-256 of its manifest.
    """
    manifest = read_manifest(folder / MANIFEST, trusted, REQUIRED)
    if unknown := sorted({*manifest["features"]} - {*PREFIX_FEATURES}):
        raise ModelError(
            f"{manifest['name']}: the beginning of a session has no {', '.join(unknown)}; run  "
            "playproof model train-alerts"
        )
    trees = read_trusted_gzip(folder / TREES_FILE, manifest["trees_sha256"])
    threshold = manifest["threshold"]
    return SessionScorer(
        trees, tuple(manifest["features"]), threshold, threshold, f"{manifest['name']}@{trusted[:8]}",
        read_patterns(manifest), rounds_of_rows=manifest.get("rounds_of_rows", 0),
    )  # fmt: skip
