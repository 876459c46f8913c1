"""The command `bench-one`: run one contender of `playproof bench` in this process, and write down its steps."""

import json
import os
from pathlib import Path
from typing import Any

from models.registry.artefact import SHIPPED_SCORER
from runtime import jvm
from runtime.settings import Settings
from spark_app import pipeline, runner, session, sources
from spark_app.artefacts import ModelChoice, open_artefacts
from spark_app.bench import contenders, raw_consumer, steps
from spark_app.checks import preflight
from spark_app.errors import JobError
from spark_app.monitoring import progress
from spark_app.stages.alerts.load import shipped_alert_scorer

NAMES = (raw_consumer.NAME, *contenders.CONTENDERS)


def bench_one(settings: Settings, contender: str, out: Path, cores: int | None, memory: str, max_messages: int) -> None:
    """Run a contender over the settings' world and broker; write `out`. Raises JobError or what `run` raises."""
    if contender not in NAMES:
        raise JobError(f"no contender {contender!r}: expected one of {', '.join(NAMES)}")
    kafka = settings.kafka()
    messages = preflight.check_topics(kafka, settings.the_world().unit)
    if contender == raw_consumer.NAME:
        facts = raw_consumer.consume(kafka)
    else:
        limits = sources.balance(messages, max_messages)
        facts = _run_spark(settings, contender, cores or os.cpu_count() or 2, memory, limits)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"contender": contender, **facts}) + "\n")


def _run_spark(settings: Settings, contender: str, cores: int, memory: str, limits: dict[str, int]) -> dict[str, Any]:
    world = settings.the_world()
    if world.unit.checkpoints.exists():
        unit = f"{world.name}/v{world.version}"
        raise JobError(
            f"{unit}/checkpoints exists, so the topics would not be read from the start: remove {unit}/checkpoints, "
            f"lake, offsets and progress, or run  playproof bench"
        )
    with open_artefacts(settings, ModelChoice(SHIPPED_SCORER)) as artefacts:
        signal = runner.StopRequest()
        flags, conf = settings.spark_jvm_flags or jvm.QUICK_FLAGS, session.STREAMING
        if contender == contenders.MINIMAL:  # a newcomer's job has what is faster for it
            flags, conf = session.JVM_FLAGS, conf | {session.WRITES_CODE: "true"}
        spark = session.build_session(
            f"playproof-bench-{contender}",
            master=f"local[{cores}]",
            partitions=cores,
            memory=memory,
            settings_of_run=conf,
            jvm_flags=flags,
        )
        try:
            spark.streams.addListener(progress.ProgressListener(world.unit))
            job = pipeline.build_job(settings, artefacts.champion, limits, alerts=shipped_alert_scorer())
            contest = contenders.CONTENDERS[contender](spark, job)
            contenders.run(spark, contest, signal)
        finally:
            # delivers the progress that the listener does not have yet
            spark.stop()
    if signal.is_set:
        raise JobError(f"contender {contender} was stopped before it had drained the topics")
    return steps.steps_of(world.unit.root / "progress", contest.timed)
