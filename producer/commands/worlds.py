"""Commands that make worlds, and measure how they were made: simulate, calibrate, leakscan."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import MAX_SEED, Command, WorldName, seed_option, settings_for
from runtime.settings import Settings


def simulate(
    world: WorldName = None,
    scenario: Annotated[
        str,
        typer.Option(help="A shipped scenario, a TOML file, shop: an online shop, or markov_small: a log of sessions."),
    ] = "default",
    users: Annotated[int | None, typer.Option(help="Accounts; customers of a shop.")] = None,
    days: Annotated[int | None, typer.Option(help="Days.")] = None,
    seed: Annotated[int | None, seed_option("The same seed gives the same bytes.")] = None,
    prevalence: Annotated[
        float | None, typer.Option(help="Share of accounts, or of streams, that are bots', 0 to 1.")
    ] = None,
    difficulty: Annotated[float | None, typer.Option(help="0 blatant to 1 adaptive; default the scenario's.")] = None,
    profile: Annotated[str | None, typer.Option(help="Honest listening: spotify, kkbox or field.")] = None,
    chains: Annotated[
        Path | None,
        typer.Option(help="Chains of your own by role, in the form of producer/simulator/listeners/chains.toml."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write here instead of data/<world>.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result does not depend on it.")] = 1,
    shards: Annotated[
        int | None, typer.Option(min=1, help="Portions of the work; the result does not depend on it.")
    ] = None,
    spark: Annotated[bool, typer.Option("--spark", help="Work on Spark (PLAYPROOF_SPARK_MASTER): same bytes.")] = False,
) -> None:
    """Simulate listening and bots, an online shop, or a log of sessions, into the tables of a world."""
    from contracts.domain import MUSIC, SHOP
    from producer.replay.ledger import require_no_replay
    from producer.simulator.command import simulate as run
    from producer.simulator.scenario import ScenarioError, load_scenario
    from producer.simulator.session_log.settings import is_session_log, load_session_log
    from runtime.world import World

    settings = settings_for(world)
    target = World(out.resolve()) if out else settings.the_world()
    require_no_replay(target)
    is_given = {
        "prevalence": prevalence is not None, "difficulty": difficulty is not None, "profile": bool(profile),
        "chains": bool(chains), "workers": workers > 1, "shards": bool(shards), "spark": spark,
    }  # fmt: skip
    if scenario == SHOP.scenario:
        from producer.commands.shop import simulate_shop

        simulate_shop(target, is_given, users, days, seed)
        return
    target.require_domain(MUSIC, f"simulate --scenario {scenario}")
    if is_session_log(scenario):
        from producer.simulator.session_log.write import simulate_session_log

        if used := [name for name, value in is_given.items() if value and name != "chains"]:
            raise ScenarioError(f"scenario {scenario} is a log of sessions and has no --{used[0]}: leave it out")
        log = load_session_log(scenario, chains, users=users, days=days, seed=seed)
        print("\n".join(simulate_session_log(target, log)))
        return
    chosen = load_scenario(
        scenario, users=users, days=days, seed=seed, prevalence=prevalence, difficulty=difficulty, profile=profile,
        chains=str(chains.resolve()) if chains else None,
    )  # fmt: skip
    if not spark:
        run(target, chosen, workers=workers, shards=shards)
        return
    from producer.simulator.sharded import on_spark, spark_session

    with spark_session(settings.spark_master, settings.spark_jvm_flags) as session:
        cores = session.sparkContext.defaultParallelism
        run(target, chosen, workers=cores, shards=shards, elsewhere=on_spark(session))


def calibrate(
    users: Annotated[int, typer.Option(min=200, help="Accounts of each world.")] = 4000,
    days: Annotated[int, typer.Option(min=14, help="Days of each world.")] = 42,
    seeds: Annotated[str, typer.Option(help="Seeds, with commas: a world for each.")] = "1,2,3",
    profiles: Annotated[str, typer.Option(help="Profiles of honest listening, with commas.")] = "spotify,kkbox,field",
    scenario: Annotated[
        str, typer.Option(help="Scenario that the worlds follow, but those of profile field.")
    ] = "default",
) -> None:
    """Hold simulated honest listening against published numbers and real people; exit 1 where a line is not met."""
    from producer.simulator.measure.calibration.calibrate import calibrate as run
    from producer.simulator.scenario import ScenarioError

    words = seeds.replace(" ", "").split(",")
    if not all(word.isascii() and word.isdecimal() and int(word[:11]) <= MAX_SEED for word in words):
        raise ScenarioError(f"--seeds: {seeds!r}: expected whole numbers with commas, like 1,2,3")
    folder = Settings().data.resolve() / "calibration"
    run(folder, scenario, profiles.split(","), [int(word) for word in words], users, days, print)


def leakscan(
    users: Annotated[int, typer.Option(help="Accounts of the world.")] = 4000,
    days: Annotated[int, typer.Option(help="Days of the world.")] = 28,
    prevalence: Annotated[float, typer.Option(help="Share of bot accounts: high, so each family has labels.")] = 0.12,
    scenario: Annotated[str, typer.Option(help="Scenario that the world follows.")] = "field",
    profile: Annotated[str | None, typer.Option(help="Profile of honest listening; default the scenario's.")] = None,
    difficulty: Annotated[float | None, typer.Option(help="0 blatant to 1 adaptive; default the scenario's.")] = None,
    seed: Annotated[int, seed_option("Seed of the world.")] = 1,
) -> None:
    """Scan every column and feature for give-aways, and print the ceiling of each family; exit 1 where one is found."""
    from producer.simulator.measure.leakscan import leakscan as run
    from producer.simulator.scenario import load_scenario

    sizes = {"users": users, "days": days, "prevalence": prevalence, "seed": seed}
    # at one difficulty: among campaigns of all difficulties there are blatant ones
    chosen = load_scenario(scenario, **sizes, profile=profile, difficulty=difficulty, difficulty_spread=0.0)
    run(Settings().data.resolve() / "leakscan", chosen, print)


SIMULATE = Command("simulate", simulate, "playproof simulate --world w --scenario demo --users 2000 --days 1")
CALIBRATE = Command("calibrate", calibrate, "playproof calibrate --users 2000 --days 14 --seeds 1")
LEAKSCAN = Command("leakscan", leakscan, "playproof leakscan --users 2000 --days 7")
