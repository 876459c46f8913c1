# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The shop's producer
# Batches of 200 browsing rows, and with each the transactions of its time span; one `ts` a batch, one batch a second. Before
# this, `playproof up` in a terminal starts a broker. A world that does not exist yet is simulated.

# %% tags=["parameters"]
world = "shop"
customers, days, seed = 2000, 1, 5  # of a new world
interval_s = 1.0

# %%
import os
import sys
import time
from pathlib import Path

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

from tqdm import tqdm

from contracts.domain import SHOP
from contracts.shop import BROWSING, TOPICS, TRANSACTIONS
from producer.commands.shop import simulate_shop
from producer.replay.background import Background, next_batch, total_batches
from producer.replay.batch_messages import make_messages
from producer.replay.batches import RowReader, cut
from producer.replay.pace import Pace
from runtime.settings import Settings

settings = Settings(world=world)
place = settings.the_world()

# %% [markdown]
# **The rows.** Every field is the untouched string of its file.

# %%
if not place.raw(BROWSING).exists():
    simulate_shop(place, {}, customers, days, seed)
print(f"{total_batches(place):,} batches; next is {next_batch(place):,}")

# %% [markdown]
# **One batch.** 200 browsing rows, the start and end of their `event_time`, and the transactions in between.

# %%
with RowReader(BROWSING, place.raw_files(BROWSING)) as browsing, RowReader(TRANSACTIONS, place.raw_files(TRANSACTIONS)) as bought:
    batch = next(cut(browsing, bought, 0, SHOP))
for topic in TOPICS:
    print(f"{len(batch.rows[topic])} rows of {topic}")

# %% [markdown]
# **Its messages.** A list of dictionaries for each topic; `ts` is an integer, the same in all rows.

# %%
for message in make_messages(batch, int(time.time())):
    print(f"{message.topic}: {message.rows} rows", f"{message.value[:420].decode()} …", sep="\n")

# %% [markdown]
# **Send them all**, a batch a second. Interrupt the kernel (■) to look away; the next run goes on where this one stopped.

# %%
replay = Background(settings, Pace(interval_s=interval_s)).start()
with tqdm(total=max(total_batches(place) - next_batch(place), 0), unit="batch") as bar:
    while not replay.is_done:
        bar.update(replay.batches - bar.n)
        time.sleep(0.2)
outcome = replay.stop()
print(f"{outcome.batches:,} batches, {sum(outcome.rows.values()):,} rows, every one acknowledged")
