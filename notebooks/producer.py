# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Send listening, then attack
# The way in: choose the traffic, start it, watch the live plot, inject an attack, stop.
# Before this, `make up` in a terminal starts the broker and the Spark job; `make console` follows what the job reports.

# %% tags=["parameters"]
world = ""  # "" is PLAYPROOF_WORLD, or main
scenario = "demo"  # only for a world that does not exist yet: a day of listeners with a farm in it
users, seed = 2000, 7
interval_s = 0.25  # from batch to batch (200 plays each)
lead_in = 80  # batches at this pace before the attack
after = 80  # and after it
faults = {}  # such as {"late_share": 0.01, "duplicate_share": 0.01, "corrupt_share": 0.01}

# %%
import os
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

from tqdm import tqdm

from consumer_viz.feed.consumer import KafkaFeed
from consumer_viz.plot.frontends import notebook
from consumer_viz.plot.view import HISTORY_S
from consumer_viz.plot.viewer import Viewer
from runtime.settings import Settings
from producer.replay.background import Background, attack_batches, next_batch, total_batches
from producer.replay.faults.settings import Faults
from producer.replay.pace import Pace
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario

settings = Settings(**({"world": world} if world else {}))
place = settings.the_world()

# %% [markdown]
# **Choose the traffic.** A world that exists is used as it is; a new one is simulated from the scenario.

# %%
if not (place.root / "static").exists():
    print(build(load_scenario(scenario, users=users, seed=seed), place))
attack = attack_batches(place, "farm")
print(f"{total_batches(place):,} batches; a farm plays in {attack.start:,}–{attack.stop - 1:,}; next is {next_batch(place):,}")


# %%
def send_and_watch(pace: Pace, pause_at: int | None = None) -> Background:
    """Replay in the background; show a progress bar and the live plot until it pauses. Interrupt to look away."""
    replay = Background(settings, pace, Faults(**faults), pause_at)
    until = total_batches(place) if pause_at is None else pause_at
    with (
        KafkaFeed(settings.kafka(), since_s=HISTORY_S) as feed,
        tqdm(total=max(until - next_batch(place), 0), unit="batch") as bar,
    ):
        replay.start()

        def is_done() -> bool:
            bar.update(replay.batches - bar.n)
            return replay.is_done

        notebook.show(Viewer(feed, ZoneInfo(settings.time_zone)), is_done)
    return replay


# %% [markdown]
# **Start.** What lies long before the attack goes as fast as possible, then a while of quiet listening at your pace.

# %%
Background(settings, Pace(speed=0), Faults(**faults), pause_at=max(attack.start - lead_in, 1)).start().wait()
quiet = send_and_watch(Pace(interval_s=interval_s), pause_at=attack.start)

# %% [markdown]
# **Inject the attack.** The farm's accounts join in: streams per batch rise, activity does not. The flags follow when
# sessions close, half an hour of listeners' time later.

# %%
attacked = send_and_watch(Pace(interval_s=interval_s), pause_at=min(attack.stop + after, total_batches(place)))

# %% [markdown]
# **Stop.** Ends after the batch in flight. Run the cells above again, or `make produce`, to go on from there.

# %%
for replay in (quiet, attacked):
    outcome = replay.stop()
    print(f"{outcome.batches:,} batches, {sum(outcome.rows.values()):,} rows, every one acknowledged")
