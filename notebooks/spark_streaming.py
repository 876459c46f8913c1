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
# # The Spark job
# Start the streaming job, see what it scores, 20 of its predictions, and its reports.
# Send something first, or meanwhile: `producer.ipynb`, or `make produce`.

# %% tags=["parameters"]
world = ""  # "" is PLAYPROOF_WORLD, or main
n_predictions = 20
wait_s = 180  # for the first scored sessions

# %%
import os
import subprocess
import sys
import time
from pathlib import Path

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

import pandas as pd

from contracts.features import SESSION_FEATURES
from contracts.lake import committed_files
from contracts.settings import Settings
from contracts.tables import SESSIONS
from producer import stack

settings = Settings(**({"world": world} if world else {}))
lake = settings.the_world().unit.lake

# %% [markdown]
# **Start the job**, unless `make up` has: two jobs must not share a checkpoint.

# %%
is_up = any(p["name"] == stack.JOB and p["state"] == "RUNNING" for p in stack.status(settings)["processes"])
log = Path(settings.data, settings.world, "notebook-job.log")
job = None
if not is_up:
    command = [sys.executable, "-u", "-m", "spark_app", "run", "--world", settings.world]
    job = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True)
print("make up's job is running" if is_up else f"started; it writes to {log}")

# %% [markdown]
# **The scoring schema**: one row per session, its features, then what the model says.

# %%
pd.DataFrame([(c.name, c.type, c.meaning) for c in SESSIONS], columns=["column", "type", "meaning"])

# %%
pd.DataFrame([(f.name, f.unit, f.words) for f in SESSION_FEATURES], columns=["feature", "unit", "in a reason's words"])

# %% [markdown]
# **Predictions.** `rawPrediction` has the margins of honest and bot, `probability` the same as shares, `prediction` is 1
# where the score reaches the review threshold.


# %%
def table(name: str) -> pd.DataFrame:
    """Read what is committed of a table."""
    files = committed_files(lake / name)
    return pd.concat([pd.read_parquet(f) for f in files], ignore_index=True) if files else pd.DataFrame()


deadline = time.monotonic() + wait_s
while len(scored := table("sessions")) < n_predictions and time.monotonic() < deadline:
    if job is not None and job.poll() is not None:
        raise SystemExit(f"the job has ended: {log.read_text().splitlines()[-1]}")
    time.sleep(1)
columns = ["user_id", "started_at", "plays", "streams", "rawPrediction", "probability", "prediction", "score"]
scored.sort_values("score", ascending=False)[columns].head(n_predictions)

# %% [markdown]
# **The reports**, as they stand: flagged sessions by window, all that is genuine so far, the top tracks.


# %%
def newest(name: str) -> pd.DataFrame:
    """Return the last version that a report has written."""
    reported = table(name)
    return reported[reported["as_of"] == reported["as_of"].max()] if len(reported) else reported


for report in (table("fraud_counts").tail(5), newest("genuine_totals"), newest("top_tracks")):
    display(report)  # noqa: F821 (IPython's)

# %%
if job is not None:
    job.terminate()
    job.wait()
    print(log.read_text().splitlines()[-1])
