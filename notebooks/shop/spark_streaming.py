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
# # The shop's Spark job, step by step
# From two topics to predictions and reports, every step in view. Before this, a broker must be up and a shop simulated or
# imported; send its rows with `producer.ipynb`, before or meanwhile. `playproof job run --world shop` runs the same
# steps as a program: do not run both on one world.

# %% tags=["parameters"]
world = "shop"
memory = "1g"
wait_s = 420  # for the first predictions
report_s = 130  # how long to watch the reports

# %%
import os
import sys
import time
from pathlib import Path

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

from contracts.shop import TOPICS
from runtime.lake import committed_files
from runtime.parquet import count_rows
from runtime.settings import Settings
from spark_app.monitoring.progress import ProgressListener
from spark_app.runner import stop_queries
from spark_app.session import run_in_utc
from spark_app.shop import predictions, reports, tables
from spark_app.shop.features import add_features, join_static
from spark_app.shop.heartbeat import with_heartbeats
from spark_app.shop.pipeline import heartbeats, read_tables
from spark_app.shop.rows import add_cart, cast_rows, parse_messages
from spark_app.shop.session import shop_conf, start_session
from spark_app.shop.sessions import browsing_sessions, drop_late, join_carts, session_carts
from spark_app.sources import stream_topic
from spark_app.shop.start import Monitor

settings = Settings(world=world)
unit = settings.the_world().unit
run_in_utc()

# %% [markdown]
# **2.1 SparkSession** from a SparkConf: four cores, a name, the zone of `PLAYPROOF_TIME_ZONE`, where checkpoints go.

# %%
spark = start_session(settings, unit, memory)
spark.streams.addListener(ProgressListener(unit))
for key, value in shop_conf(unit, settings.time_zone).getAll():
    print(key, "=", value)

# %% [markdown]
# **2.2 Schemas and static tables.** The types are those of the metadata (`contracts/shop.py`).

# %%
static = read_tables(spark, settings.the_world())
for name, table in static.items():
    print(name)
    table.printSchema()

# %% [markdown]
# **2.3 Ingest.** A message is a JSON list of rows, every field a string, `ts` an int: parse it, then explode it.

# %%
parsed = {
    topic: stream_topic(spark, topic, settings.kafka(), 500).transform(parse_messages, topic) for topic in TOPICS
}
for rows in parsed.values():
    rows.select("fields.*").printSchema()

# %% [markdown]
# **2.4 Types, event time, watermark.** `ts` becomes `sent_at`, the event time; rows more than 1 minute late are dropped.
# The job's heartbeats are rows too: they move the watermark when nothing is sent. `product_metadata` becomes an array.

# %%
browsing, transactions = (
    parsed[topic].transform(cast_rows, topic).transform(with_heartbeats, spark, heartbeats(unit, topic)).transform(drop_late)
    for topic in TOPICS
)
transactions = transactions.transform(add_cart)
transactions.printSchema()

# %% [markdown]
# **2.5 Features.** Sessions by `session_id` on both sides, a stream-stream join with watermarks and a time bound,
# stream-static joins with customers, products and categories, then the features.

# %%
joined = browsing.transform(browsing_sessions).transform(join_carts, transactions.transform(session_carts))
features = joined.transform(join_static, **static).transform(add_features)
features.printSchema()

# %% [markdown]
# **2.6 Model and predictions.** A saved PipelineModel, verified by its hash; `.transform` on the stream; parquet, read back.
# The first sessions come out about 1 minute and 40 s after their last row: then they are complete.

# %%
scored = features.transform(predictions.predict, predictions.load_model())
queries = [tables.append(scored, tables.PREDICTIONS, unit).start()]
monitor = Monitor(unit, None, lambda: None)
deadline = time.monotonic() + wait_s
while not count_rows(committed_files(unit.table(tables.PREDICTIONS))) and time.monotonic() < deadline:
    monitor.is_done()
    time.sleep(1)
predictions.show(spark, unit)

# %% [markdown]
# **2.7 Reports** by `foreachBatch`: frauds of the last 2 minutes every 10 s, quantity of products not flagged every 30 s,
# top 20 products every minute. They come in silence too.

# %%
queries += [report.start() for report in reports.build_reports(spark, unit, static["products"]).values()]
until = time.monotonic() + report_s
while time.monotonic() < until and all(query.isActive for query in queries):
    monitor.is_done()
    time.sleep(1)

# %%
stop_queries(queries)  # between two micro-batches
spark.stop()
print("stopped; the next run continues from here")
