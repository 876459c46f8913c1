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
# # The live plot
# A plain Kafka consumer, without Spark. It shows the last ten minutes of
# - **streams per batch**: plays of at least 30 s per 200 plays;
# - **activity per batch**: everything else that clients report, per 200 plays;
# - **flagged sessions**: sessions that the Spark job suspects, per window of two minutes.
#
# Bots play what earns and touch little: streams rise while activity stays or falls. The plot marks where that starts
# and when the flags rise. It shows where to look; a flag is not proof.

# %% tags=["parameters"]
seconds = None  # None: until you interrupt the kernel
record_to = ""  # a file, to keep the whole run as a picture

# %%
import os
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

from consumer_viz.feed.consumer import KafkaFeed
from consumer_viz.plot.frontends import notebook
from consumer_viz.plot.frontends.image import write_png
from consumer_viz.feed.counts import RUN_BATCHES
from consumer_viz.plot.view import HISTORY_S, run_view
from consumer_viz.plot.viewer import Viewer
from runtime.settings import Settings

settings = Settings()
zone = ZoneInfo(settings.time_zone)

# %% [markdown]
# **Watch.** Interrupt the kernel (■) to stop; nothing else stops with it.

# %%
with KafkaFeed(settings.kafka(), since_s=HISTORY_S) as feed:
    feed.wait_until_read(within_s=10)
    notebook.show(Viewer(feed, zone, seconds=seconds))

# %% [markdown]
# **Keep it.** The whole run, from the first message in the topics.

# %%
if record_to:
    with KafkaFeed(settings.kafka(), since_s=None, max_batches=RUN_BATCHES) as feed:
        feed.wait_until_read(within_s=60)
        write_png(run_view(feed.snapshot(), zone), Path(record_to))
    print(record_to)
