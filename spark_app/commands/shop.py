"""The command that trains the shop's model on simulated worlds."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, seed_option, settings_for, short_path


def train_shop(
    world: Annotated[list[str], typer.Option(help="A simulated shop; repeat the option for more of them.")],
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default data/models/shop.")] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
    trees: Annotated[int, typer.Option(min=1, help="Number of trees.")] = 40,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "2g",
) -> None:
    """Train the shop's model, a plain MLlib pipeline, and write zip, manifest and model card."""
    from models.shop.train import train
    from spark_app.session import BATCH, build_session, run_in_utc
    from spark_app.shop.session import PLANNING
    from spark_app.shop.training import training_table

    settings = [settings_for(name) for name in world]
    worlds = [each.existing_world() for each in settings]
    target = out or settings[0].data / "models" / "shop"
    run_in_utc()
    spark = build_session(
        "playproof-train-shop",
        master=settings[0].spark_master,
        memory=memory,
        with_kafka=False,
        settings_of_run=BATCH | PLANNING,
        jvm_flags=settings[0].spark_jvm_flags,
    )
    try:
        table = training_table(spark, worlds)
        given = " ".join(f"--world {each.name}" for each in worlds)
        command = f"playproof model train-shop {given} --seed {seed} --trees {trees}"
        sha256 = train(spark, table, target, seed=seed, command=command, trees=trees)
    finally:
        spark.stop()
    print((target / "MODEL_CARD.md").read_text())
    print(f"{len(table):,} sessions; {short_path(target)}, SHA-256 of its manifest.json: {sha256}")
    print(f"run it:  playproof job run --world SHOP --model {short_path(target)} --sha256 {sha256}")


TRAIN_SHOP = Command(
    "train-shop",
    train_shop,
    "playproof model train-shop --world shop-1 --world shop-2 --out data/models/shop --seed 1",
    needs_jvm=True,
)
