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
# # The shop's live plot
# A plain Kafka consumer, without Spark: the successful payments of each batch of transactions, by its `ts`.

# %% tags=["parameters"]
seconds = None  # None: until you interrupt the kernel

# %%
import os
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

import json

from kafka import KafkaConsumer

from consumer_viz.feed.consumer import KafkaFeed
from consumer_viz.plot.frontends import notebook
from consumer_viz.plot.view import HISTORY_S
from consumer_viz.plot.viewer import Viewer
from contracts.domain import SHOP
from contracts.shop import SUCCESS, TRANSACTIONS
from runtime.settings import Settings

settings = Settings()

# %% [markdown]
# **Count by hand.** Read the topic from its beginning: the successful payments of each `ts`, the second of sending.

# %%
successes = {}
consumer = KafkaConsumer(
    TRANSACTIONS, **settings.kafka().python(), auto_offset_reset="earliest", consumer_timeout_ms=3000
)
for message in consumer:
    for row in json.loads(message.value):
        successes[row["ts"]] = successes.get(row["ts"], 0) + (row["payment_status"] == SUCCESS)
consumer.close()
print(f"{sum(successes.values()):,} successful payments at {len(successes):,} times of sending")

# %% [markdown]
# **Watch.** Interrupt the kernel (■) to stop; nothing else stops with it.

# %%
with KafkaFeed(settings.kafka(), since_s=HISTORY_S, domain=SHOP) as feed:
    feed.wait_until_read(within_s=10)
    notebook.show(Viewer(feed, ZoneInfo(settings.time_zone), seconds=seconds))
