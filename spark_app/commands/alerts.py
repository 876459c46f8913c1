"""The commands of alerts inside open sessions: train their model, and measure it by family. Without Spark."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.command_line import Command, seed_option, settings_for

if TYPE_CHECKING:
    from spark_app.stages.scoring.score import SessionScorer


def train_alerts(
    world: Annotated[
        list[str] | None, typer.Option(help="Simulated world; repeat it. Default alerts-train, alerts-train-field.")
    ] = None,
    calibrate: Annotated[
        list[str] | None, typer.Option(help="World for thresholds alone; repeat it. Default: a part of the accounts.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default data/session_alerts.")] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
) -> None:
    """Train the model of alerts inside open sessions, and write it with manifest and model card."""
    from models.training.alert_calibration import calibrate_alerts
    from models.training.alerts import train_alerts as train
    from spark_app.errors import JobError
    from spark_app.local.looks import labelled_looks
    from spark_app.stages.alerts.prefix_features import PREFIX_FEATURES

    names, others = world or ["alerts-train", "alerts-train-field"], calibrate or []
    if shared := sorted({*names} & {*others}):
        raise JobError(f"--calibrate {shared[0]}: the trees are trained on that world; give another one")
    worlds, for_thresholds = ([settings_for(name).existing_world() for name in some] for some in (names, others))
    looks, sessions = labelled_looks(worlds)
    out = out or settings_for(names[0]).data / "session_alerts"
    described = f"world{'s' if len(names) > 1 else ''} {' and '.join(names)}"
    manifest_sha256 = train(looks, sessions, PREFIX_FEATURES, out, seed=seed, world=described)
    if for_thresholds:
        looks, sessions = labelled_looks(for_thresholds)
        manifest_sha256 = calibrate_alerts(out, manifest_sha256, looks, sessions, seed=seed, worlds=others)
    print((out / "MODEL_CARD.md").read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


def measure_alerts(
    world: Annotated[list[str], typer.Option(help="Simulated world that no model was trained on; repeat it.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to add key alerts to; default none.")] = None,
) -> None:
    """Measure how soon open sessions are alerted, by family, and how often an honest one is. No Spark."""
    from spark_app.batch.alert_delays import format_alerts, write_alerts
    from spark_app.batch.alert_delays import measure_alerts as measure
    from spark_app.stages.alerts.load import require_alert_scorer

    measured = measure(
        [settings_for(name).existing_world() for name in world], _shipped_scorer(), require_alert_scorer()
    )
    print(format_alerts(measured))
    if out:
        write_alerts(measured, out)
        print(f"written to {out}")


def alert_limits(
    world: Annotated[list[str], typer.Option(help="Simulated world that no model was trained on; repeat it.")],
) -> None:
    """Measure why alerts come late, by family: too few rows, facts that come later, or the threshold. No Spark."""
    from spark_app.batch.alert_limits import format_limits, measure_limits
    from spark_app.stages.alerts.load import require_alert_scorer

    worlds = [settings_for(name).existing_world() for name in world]
    print(format_limits(measure_limits(worlds, _shipped_scorer(), require_alert_scorer())))


def _shipped_scorer() -> "SessionScorer":
    from tempfile import TemporaryDirectory

    from models.registry.artefact import SHIPPED_SCORER
    from models.registry.verify import verify_artefact
    from spark_app.local.scorer import read_scorer

    with TemporaryDirectory() as into:
        return read_scorer(verify_artefact(SHIPPED_SCORER, Path(into)))


TRAIN_ALERTS = Command("train-alerts", train_alerts, "playproof model train-alerts --world alerts-train")
MEASURE_ALERTS = Command(
    "measure-alerts",
    measure_alerts,
    "playproof model measure-alerts --world alerts-test --out data/latency/results.json",
)
ALERT_LIMITS = Command("alert-limits", alert_limits, "playproof model alert-limits --world alerts-test")
