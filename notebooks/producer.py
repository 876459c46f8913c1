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
watch_s = 90  # how long to wait for the first flags when everything is sent; 0 where no job runs
faults = {}  # such as {"late_share": 0.01, "duplicate_share": 0.01, "corrupt_share": 0.01}

# %%
import os
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

from tqdm import tqdm

from consumer_viz.feed.consumer import KafkaFeed
from consumer_viz.plot.attack import WARM_UP_POINTS
from consumer_viz.plot.frontends import notebook
from consumer_viz.plot.view import HISTORY_S
from consumer_viz.plot.viewer import Viewer
from runtime.settings import Settings
from producer.replay.background import Background, attack_batches, next_batch, position_in_pass, total_batches
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
attack, position = attack_batches(place, "farm"), position_in_pass(place)
print(f"{total_batches(place):,} batches, {position.sent:,} of them sent; a farm plays in {attack.start:,} to {attack.stop - 1:,}")
if min(lead_in, attack.start) < 2 * WARM_UP_POINTS:
    print(f"Few quiet batches before the attack: the plot needs {2 * WARM_UP_POINTS} to learn what is usual. Take more users.")


# %%
def send_and_watch(pace: Pace, pause_at: int, watch_s: float = 0.0) -> Background:
    """Replay in the background; show a progress bar and the live plot until it pauses and, for at most `watch_s`, until
    sessions are flagged. Interrupt to look away."""
    replay = Background(settings, pace, Faults(**faults), pause_at)
    with (
        KafkaFeed(settings.kafka(), since_s=HISTORY_S) as feed,
        tqdm(total=max(pause_at - next_batch(place), 0), unit="batch") as bar,
    ):
        replay.start()
        began, sent_at = time.time(), None

        def is_done() -> bool:
            nonlocal sent_at
            bar.update(replay.batches - bar.n)
            if not replay.is_done:
                return False
            sent_at = sent_at or time.monotonic()
            return time.monotonic() - sent_at >= watch_s or any(
                window.flagged for window in feed.snapshot().windows if window.end > began
            )

        notebook.show(Viewer(feed, ZoneInfo(settings.time_zone)), is_done)
    return replay


# %% [markdown]
# **Start.** What lies long before the attack goes as fast as possible, then a while of quiet listening at your pace. Where the
# attack of this world was sent already, the rest of its day is sent first, and the day is played again, on later dates.

# %%
if position.sent > attack.start - min(lead_in, attack.start):
    print("This day's attack was sent before. The rest of the day is sent now; then the day is played again, on a later date.")
    Background(settings, Pace(speed=0), Faults(**faults)).start().wait()
    position = position_in_pass(place)
first = position.first_batch
Background(settings, Pace(speed=0), Faults(**faults), pause_at=first + max(attack.start - lead_in, 1)).start().wait()
quiet = send_and_watch(Pace(interval_s=interval_s), pause_at=first + attack.start)

# %% [markdown]
# **Inject the attack.** The farm's accounts join in: streams per batch rise, activity does not. The flags follow when
# sessions close, half an hour of listeners' time later.

# %%
until = first + min(attack.stop + after, total_batches(place))
attacked = send_and_watch(Pace(interval_s=interval_s), pause_at=until, watch_s=watch_s)

# %% [markdown]
# **Stop.** Ends after the batch in flight. `make produce` sends the rest of the day. The cells above, run again, play a new day.

# %%
for replay in (quiet, attacked):
    outcome = replay.stop()
    print(f"{outcome.batches:,} batches, {sum(outcome.rows.values()):,} rows, every one acknowledged")
