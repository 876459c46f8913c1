"""The whole job on one screen: every step from two topics to the tables and topics that the job writes, in order.

A step is a function of `stages/`, from DataFrame to DataFrame; a query of `queries/` returns an unstarted writer. The
batch commands and the bench build from the same functions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.events import ACTIVITY, CLOCK_AHEAD_MINUTES, PLAYS
from contracts.tables import SESSIONS
from models.registry.artefact import Artefact
from runtime.kafka.connection import KafkaConnection
from runtime.settings import Settings
from runtime.units import MINUTE_MS
from runtime.world import World
from spark_app import sources
from spark_app.queries import (
    alerts,
    archive,
    fraud_counts,
    genuine_totals,
    rule_hits,
    scores,
    sessions,
    shadow,
    top_tracks,
)
from spark_app.stages.alerts.account_lookup import OpenAccounts, add_accounts
from spark_app.stages.alerts.raise_alerts import AlertRaiser
from spark_app.stages.alerts.split_alerts import Publish, score_and_publish
from spark_app.stages.arrow_pass import BatchStep, BeforeLastPass, run_steps
from spark_app.stages.scoring.load import Scorer, load_scorer
from spark_app.stages.scoring.pipeline_model import PipelineScorer, describe_sessions, transform_sessions
from spark_app.stages.scoring.score import SessionScorer, score_batch
from spark_app.stages.scoring.unknown import scorer_of_source
from spark_app.stages.session_step.operator import (
    ALERT_COLUMNS,
    LookAtSessions,
    Tracks,
    broadcast_tracks,
    pack_messages,
    step_sessions,
)
from spark_app.stages.sessions.account_baselines import AccountBaselines, join_account_baselines
from spark_app.stages.sessions.compute_features import FEATURE_COLUMNS, SESSION_INPUT, compute_features, join_users
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

REPORTS = (scores.NAME, fraud_counts.NAME, genuine_totals.NAME, top_tracks.NAME, rule_hits.NAME, shadow.NAME)
"""Queries that read the sessions that query `sessions` has committed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the queries of the job are built from. `max_messages` bounds a micro-batch, by topic."""

    world: World
    kafka: KafkaConnection
    champion: Artefact
    time_zone: str
    max_messages: Mapping[str, int] = field(default_factory=lambda: sources.balance(sources.TYPICAL_MESSAGES, 3000))
    hash_key: str = ""
    clock_ahead_ms: int = CLOCK_AHEAD_MINUTES * MINUTE_MS
    """How far a message's clock and rows may be ahead of the broker's clock."""
    challenger: Artefact | None = None
    """The model that scores in the shadow; None without one."""
    alerts: SessionScorer | None = None
    """The model that scores open sessions; None for no alerts."""


def build_job(
    settings: Settings,
    champion: Artefact,
    max_messages: Mapping[str, int],
    challenger: Artefact | None = None,
    alerts: SessionScorer | None = None,
) -> Job:
    """Return the job of the settings' world, broker and display zone."""
    return Job(
        world=settings.the_world(),
        kafka=settings.kafka(),
        champion=champion,
        time_zone=settings.time_zone,
        max_messages=max_messages,
        hash_key=settings.hash_key.get_secret_value(),
        clock_ahead_ms=settings.clock_ahead * MINUTE_MS,
        challenger=challenger,
        alerts=alerts,
    )


def read_messages(spark: SparkSession, job: Job, topic: str) -> DataFrame:
    """Stream a topic's messages: topic, partition, offset, value, headers, limit_ms."""
    return sources.read_topic(spark, topic, job.kafka, job.max_messages[topic], job.clock_ahead_ms)


def read_rows(spark: SparkSession, job: Job, topic: str, tracks: Tracks) -> DataFrame:
    """Stream a topic into its good rows, packed by bucket of accounts, with a watermark.

    The slower topic is then the clock, and loses no row.
    """
    return (
        read_messages(spark, job, topic)
        # one row per message
        .transform(pack_messages, topic, tracks)
        # one row per (Arrow batch, bucket)
        .withWatermark("event_time", WATERMARK_DELAY)
    )


def build_sessions(
    plays: DataFrame,
    activity: DataFrame,
    users: DataFrame,
    baselines: AccountBaselines | None = None,
    look: LookAtSessions | None = None,
) -> DataFrame:
    """Turn packed rows, streamed or in batch, into sessions: SESSION_INPUT.

    Without `baselines`, no own history is known. With `look`, in a stream, ALERT_COLUMNS and a row per alert are added.
    The job has no joins: its workers look accounts up (`prepare_scoring`).
    """
    return (
        plays.unionByName(activity)
        .transform(step_sessions, look)
        # one row per session, and per alert
        .transform(join_users, users)
        .transform(join_account_baselines, baselines)
        .select(*SESSION_INPUT, *(ALERT_COLUMNS if look else ()))
    )


def score_sessions(session_input: DataFrame, unmeasurable: Collection[str], scorer: Scorer | None) -> DataFrame:
    """Turn SESSION_INPUT into SESSIONS, or into FEATURE_COLUMNS where there is no scorer."""
    return prepare_scoring(session_input, unmeasurable, scorer).run()


def prepare_scoring(
    session_input: DataFrame,
    unmeasurable: Collection[str],
    scorer: Scorer | None,
    publish: Publish | None = None,
    accounts: OpenAccounts | None = None,
) -> BeforeLastPass:
    """Return what `score_sessions` does, before its pass over Arrow batches: the model that ships is called in it.

    Any other takes `.transform`, and leaves nothing to that pass.

    `unmeasurable`: features that the world's source cannot tell. `publish`: takes the alerts, where there are some.
    `accounts`: looks up what sessions lack that were not joined with their accounts.
    """
    found = (partial(add_accounts, open_accounts=accounts),) if accounts else ()
    if isinstance(scorer, PipelineScorer):
        described = session_input.transform(describe_sessions, unmeasurable, *found)
        return BeforeLastPass(described.transform(transform_sessions, scorer), iter, SESSIONS)
    steps: tuple[BatchStep, ...] = (*found, compute_features, partial(mask_unmeasurable, names=unmeasurable))
    if scorer is None:
        return BeforeLastPass(session_input, partial(run_steps, steps=steps), FEATURE_COLUMNS)
    steps = *steps, partial(score_batch, scorer=scorer_of_source(scorer, unmeasurable))
    if publish is not None:
        return BeforeLastPass(session_input, partial(score_and_publish, steps=steps, publish=publish), SESSIONS)
    return BeforeLastPass(session_input, partial(run_steps, steps=steps), SESSIONS)


def streamed_sessions(spark: SparkSession, job: Job, scorer: Scorer | None) -> BeforeLastPass:
    """Stream both topics into sessions: what `prepare_scoring` returns."""
    tracks = broadcast_tracks(sources.read_static(spark, job.world, "tracks"))
    accounts = sources.send_accounts_of(spark, job.world)
    plays, activity = (read_rows(spark, job, topic, tracks) for topic in (PLAYS, ACTIVITY))
    look, publish = alert_steps(job, accounts) if isinstance(scorer, SessionScorer) else (None, None)
    # one row per session, and per alert
    stepped = plays.unionByName(activity).transform(step_sessions, look)
    return prepare_scoring(stepped, job.world.not_measurable, scorer, publish, accounts)


def alert_steps(job: Job, accounts: OpenAccounts) -> tuple[LookAtSessions, Publish] | tuple[None, None]:
    """Return what raises alerts and what publishes them; neither where no model scores this source's open sessions."""
    if job.alerts is None:
        return None, None
    unknown = job.world.not_measurable
    scorer = scorer_of_source(job.alerts, unknown)
    if scorer.review_threshold > 1:
        return None, None
    return AlertRaiser(scorer, unknown, accounts), alerts.AlertPublisher(job.world.unit.table(alerts.NAME), job.kafka)


def scored_sessions(spark: SparkSession, job: Job) -> BeforeLastPass:
    """Stream both topics into sessions that the champion has scored: SESSIONS. Raises ModelError."""
    return streamed_sessions(spark, job, load_scorer(job.champion))


def build_queries(spark: SparkSession, job: Job, scored: BeforeLastPass) -> dict[str, DataStreamWriter]:
    """Return every query of the job by name, unstarted, in the order they start; `scored` as `scored_sessions` gives.

    The reports read the sessions that query `sessions` has committed, so no state is kept twice.
    """
    unit, zone = job.world.unit, job.time_zone
    plays, activity = (read_messages(spark, job, topic) for topic in (PLAYS, ACTIVITY))
    tracks = sources.read_static(spark, job.world, "tracks")

    def committed(query: str, columns: Sequence[str]) -> DataFrame:
        return sources.stream_sessions(spark, unit, columns, unit.checkpoints / query)

    return {
        "sessions": sessions.write(scored, unit),
        "archive": archive.write(plays.unionByName(activity), unit, job.hash_key),
        "scores": scores.write(committed(scores.NAME, scores.COLUMNS), unit, job.kafka),
        "fraud_counts": fraud_counts.write(committed(fraud_counts.NAME, fraud_counts.COLUMNS), unit, job.kafka, zone),
        "genuine_totals": genuine_totals.write(committed(genuine_totals.NAME, genuine_totals.COLUMNS), unit, zone),
        "top_tracks": top_tracks.write(committed(top_tracks.NAME, top_tracks.COLUMNS), unit, tracks, zone),
        "rule_hits": rule_hits.write(spark, unit, job.kafka),
        **shadow.optional_query(spark, unit, job.challenger),
    }
