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

pd.set_option("display.max_rows", None, "display.max_colwidth", None)  # all columns of the schema, all of their meaning

from contracts.features import SESSION_FEATURES
from runtime.lake import committed_files
from runtime.settings import Settings
from contracts.tables import SESSIONS
from ops.stack import lifecycle

settings = Settings(**({"world": world} if world else {}))
lake = settings.the_world().unit.lake

# %% [markdown]
# **Start the job**, unless `make up` has: two jobs must not share a checkpoint.

# %%
is_up = any(p["name"] == lifecycle.JOB and p["state"] == "RUNNING" for p in lifecycle.status(settings)["processes"])
log = Path(settings.data, settings.world, "notebook-job.log")
job = None
if not is_up:
    command = [sys.executable, "-u", "-m", "ops", "job", "run", "--world", settings.world]
    job = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True)
print("make up's job is running" if is_up else f"started; it writes to {log}")

# %% [markdown]
# **The scoring schema**: one row per session, its features, then what the model says.

# %%
pd.DataFrame([(c.name, c.type, c.meaning) for c in SESSIONS], columns=["column", "type", "meaning"])

# %%
pd.DataFrame([(f.name, f.unit, f.display_name) for f in SESSION_FEATURES], columns=["feature", "unit", "in a reason's words"])

# %% [markdown]
# **Predictions.** `rawPrediction` has the margins of honest and bot, `probability` the same as shares, `prediction` is 1
# where the score reaches the review threshold. Shown: half of them with the highest scores, the others around the threshold.


# %%
def table(name: str) -> pd.DataFrame:
    """Read what is committed of a table; a report's versions have the number of the micro-batch that wrote them."""
    parts = [pd.read_parquet(f) for f in committed_files(lake / name)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def wait_for(name: str, rows: int = 1) -> pd.DataFrame:
    """Wait until a table has rows, and return what it has when the time is up."""
    deadline = time.monotonic() + wait_s
    while len(found := table(name)) < rows and time.monotonic() < deadline:
        if job is not None and job.poll() is not None:
            raise SystemExit(f"the job has ended: {log.read_text().splitlines()[-1]}")
        time.sleep(1)
    if found.empty:
        raise SystemExit(f"nothing is in {name} after {wait_s} s: send something first (docs/guides/why-empty.md)")
    return found


columns = ["user_id", "started_at", "plays", "streams", "rawPrediction", "probability", "prediction", "score"]
scored = wait_for("sessions", n_predictions).drop_duplicates("session_key").sort_values("score", ascending=False)
threshold = scored.loc[scored["prediction"] == 1, "score"].min()
others = scored.iloc[n_predictions // 2 :]
near = others.loc[(others["score"] - threshold).abs().sort_values().index[: n_predictions - n_predictions // 2]]
pd.concat([scored.head(n_predictions // 2), near])[columns].sort_values("score", ascending=False)

# %% [markdown]
# **The reports**, as they stand: flagged sessions by window, all that is genuine so far, the top tracks.

# %%
windows = wait_for("fraud_counts").sort_values("batch_id").drop_duplicates("window_start", keep="last")
windows[windows["sessions"] > 0].sort_values("window_start").tail(10)

# %%
for report in (wait_for("genuine_totals"), wait_for("top_tracks")):
    display(report[report["batch_id"] == report["batch_id"].max()])  # noqa: F821 (IPython's)

# %%
if job is not None:
    job.terminate()
    job.wait()
    print(log.read_text().splitlines()[-1])
