"""The whole job on one screen: from two topics to scored sessions, and which queries run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.events import ACTIVITY, PLAYS
from models.registry.artefact import Artefact
from runtime.kafka.connection import KafkaConnection
from runtime.settings import Settings
from runtime.world import World
from spark_app import sources
from spark_app.queries import archive, fraud_counts, genuine_totals, scores, sessions, shadow, top_tracks
from spark_app.stages.parsing.parse import parse_good_rows
from spark_app.stages.scoring.score import judge_of, score
from spark_app.stages.sessions import rows
from spark_app.stages.sessions.account_baselines import OwnBaselines, with_own
from spark_app.stages.sessions.compute_features import with_user
from spark_app.stages.sessions.sessionize import WATERMARK_DELAY, deduplicate, drop_heartbeats, sessionize


@dataclass(frozen=True, slots=True)
class Job:
    """What the queries of the job are built from. `max_messages` bounds a micro-batch, by topic."""

    world: World
    kafka: KafkaConnection
    champion: Artefact
    time_zone: str
    max_messages: Mapping[str, int] = field(default_factory=lambda: sources.balanced(sources.USUAL_MESSAGES, 3000))
    hash_key: str = ""
    challenger: Artefact | None = None
    """The model that scores in the shadow; None without one."""


def build_job(
    settings: Settings, champion: Artefact, max_messages: Mapping[str, int], challenger: Artefact | None = None
) -> Job:
    """Return the job of the settings' world, broker and display zone."""
    return Job(
        world=settings.the_world(),
        kafka=settings.kafka(),
        champion=champion,
        time_zone=settings.time_zone,
        max_messages=max_messages,
        hash_key=settings.hash_key.get_secret_value(),
        challenger=challenger,
    )


def session_rows(plays: DataFrame, activity: DataFrame, tracks: DataFrame) -> DataFrame:
    """Union the typed rows of both topics in the narrow shape of a session, each row once, heartbeats dropped."""
    narrow = rows.plays_to_session_rows(plays, tracks).unionByName(rows.activity_to_session_rows(activity))
    # one row per play or activity row
    return narrow.transform(deduplicate).transform(drop_heartbeats)


def gathered_sessions(
    plays: DataFrame, activity: DataFrame, tracks: DataFrame, users: DataFrame, own: OwnBaselines | None = None
) -> DataFrame:
    """Turn typed rows into sessions to be described; batch and stream alike. Without `own`, no own history is known."""
    return (
        session_rows(plays, activity, tracks)
        .transform(sessionize)
        # one row per session
        .transform(with_user, users)
        .transform(with_own, own)
    )


def streamed_sessions(spark: SparkSession, job: Job) -> DataFrame:
    """Stream both topics into gathered sessions."""
    used = {PLAYS: rows.PLAY_FIELDS, ACTIVITY: rows.ACTIVITY_FIELDS}
    # a watermark per topic makes the slower topic the clock: nothing of it is lost while the other is ahead
    plays, activity = (
        sources.read_topic(spark, topic, job.kafka, job.max_messages[topic])
        .transform(parse_good_rows, topic, used[topic])
        .withWatermark("event_time", WATERMARK_DELAY)
        for topic in (PLAYS, ACTIVITY)
    )
    tracks, users = (sources.read_static(spark, job.world, table) for table in ("tracks", "users"))
    return gathered_sessions(plays, activity, tracks, users, sources.read_baselines(spark, job.world))


def scored_sessions(spark: SparkSession, job: Job) -> DataFrame:
    """Stream both topics into scored sessions."""
    return streamed_sessions(spark, job).transform(score, judge_of(job.champion), job.world.not_measurable)


def all_queries(spark: SparkSession, job: Job) -> dict[str, DataStreamWriter]:
    """Return every query of the job by name, unstarted, in the order they start."""
    unit = job.world.unit
    messages = [sources.read_topic(spark, topic, job.kafka, job.max_messages[topic]) for topic in (PLAYS, ACTIVITY)]
    scored = sources.stream_sessions(spark, unit)
    tracks = sources.read_static(spark, job.world, "tracks")
    return {
        "sessions": sessions.write(scored_sessions(spark, job), unit),
        "archive": archive.write(messages[0].unionByName(messages[1]), unit, job.hash_key),
        "scores": scores.write(scored, unit, job.kafka),
        "fraud_counts": fraud_counts.write(scored, unit, job.kafka, job.time_zone),
        "genuine_totals": genuine_totals.write(scored, unit, job.time_zone),
        "top_tracks": top_tracks.write(scored, unit, tracks, job.time_zone),
        **shadow.optional_query(spark, unit, job.challenger),
    }
