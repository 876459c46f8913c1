"""Commands that write to Kafka: replay, topics."""

from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, seed_option, settings_for
from runtime.settings import Settings


def replay(
    world: WorldName = None,
    interval: Annotated[float | None, typer.Option(help="Seconds from batch to batch; default 1.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="Listener-seconds per second: 60 is sixty times real time, 0 is unpaced.")
    ] = None,
    batches: Annotated[int | None, typer.Option(min=1, help="Stop after this many batches; default all.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin a new version of the world first.")] = False,
    late_share: Annotated[float, typer.Option(help="Share of rows that come late.")] = 0.0,
    late_by: Annotated[float, typer.Option(help="How late they come, in minutes of event time.")] = 10.0,
    duplicate_share: Annotated[float, typer.Option(help="Share of batches sent twice.")] = 0.0,
    corrupt_share: Annotated[float, typer.Option(help="Share of rows made bad.")] = 0.0,
    seed: Annotated[int, seed_option("Seed of these faults.")] = 0,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve Prometheus metrics on PLAYPROOF_METRICS_PORT + 1.")
    ] = False,
) -> None:
    """Send a world's rows in batches of 200 plays, or of 200 browsing rows of a shop; go on where it stopped before."""
    from producer.replay.command import run
    from producer.replay.faults.settings import Faults

    settings = settings_for(world)
    settings.existing_world()
    faults = Faults(late_share, late_by, duplicate_share, corrupt_share, seed)
    run(settings, faults, interval=interval, speed=speed, batches=batches, is_fresh=fresh, is_measured=metrics)


def topics() -> None:
    """Create the topics that are missing, with their explicit settings."""
    from producer.kafka.topics import create

    created = create(Settings().kafka())
    print(f"topics created: {', '.join(created)}" if created else "topics: all there")


REPLAY = Command("replay", replay, "playproof replay --speed 60 --late-share 0.01")
TOPICS = Command("topics", topics, "playproof topics")
