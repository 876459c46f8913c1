"""Which commands there are, by what a user wants to do."""

from typing import NamedTuple

from consumer_viz.commands import actions, desk, plot
from models.commands import drift, lab, registry, reports, rules, training
from ops.commands import arena, audit, checks, days, demo, fusion, lake, rejected, setup, stack, tools
from producer.commands import histories, sending, worlds
from runtime.command_line import Command
from spark_app.commands import alerts, batch, job
from spark_app.commands import shop as spark_shop


class Group(NamedTuple):
    """Commands under one name, as `playproof model train`."""

    name: str
    help: str
    commands: tuple[Command, ...]


PANELS: dict[str, tuple[Command | Group, ...]] = {
    "Try it": (demo.DEMO, checks.DOCTOR),
    "Get listening": (worlds.SIMULATE, histories.IMPORT, histories.EXPORT, sending.REPLAY),
    "Detect while it happens": (
        *stack.COMMANDS,
        Group(
            "job", "The Spark job in the foreground, and its stages in batch.",
            (job.RUN, job.SHOW, rejected.REPLAY_REJECTED, batch.BASELINES, batch.SCORE_HISTORY),
        ),
        Group("plot", "The live plot of the topics.", plot.COMMANDS),
        Group("lake", "The tables: now and earlier, their upkeep, plain folders of them.", lake.COMMANDS),
        desk.DESK,
        Group("rules", "Rules at run time: draft, test, run in the shadow, make active.", rules.COMMANDS),
        Group("actions", "Holds of streams: what verdicts do to the money.", actions.COMMANDS),
    ),
    "Detect day by day": (
        Group(
            "days",
            "Suspected user-days, campaigns, tracks and accounts.",
            (
                batch.USER_DAYS, days.RUN, reports.CAMPAIGNS, batch.WINDOWS, training.TRAIN_DAYS,
                training.TRAIN_DAY_CATEGORIES, batch.TRAIN_WINDOWS, fusion.TRAIN_FUSION, days.STUDY,
            ),
        ),
    ),
    "Models": (
        Group(
            "model",
            "Train a model, compare it with the one that scores, and let it take over.",
            (
                batch.TRAINING_TABLE, training.TRAIN, alerts.TRAIN_ALERTS, alerts.MEASURE_ALERTS, alerts.ALERT_LIMITS,
                spark_shop.TRAIN_SHOP,
                training.VERIFY, reports.EVALUATE,
                *registry.COMMANDS, *drift.COMMANDS,
            ),
        ),
        Group("lab", "Which technique finds the bots best?", lab.COMMANDS),
    ),
    "Check and measure": (
        audit.AUDIT, arena.ARENA, arena.EVADE, checks.RECONCILE, checks.BENCH, checks.BENCH_DESK, checks.LATENCY,
        checks.SOAK, checks.SOAK_PLOT, checks.CHAOS, checks.CLUSTER_TEST, worlds.CALIBRATE, worlds.LEAKSCAN,
    ),
    "Parts": (
        sending.TOPICS,
        stack.BROKER,
        Group("setup", "What the JVM side needs.", setup.COMMANDS),
        Group("tools", "Files of the documentation.", tools.COMMANDS),
        job.BENCH_ONE,
    ),
}  # fmt: skip
"""Heading on the help page -> commands and groups, in the order in which they are listed."""
