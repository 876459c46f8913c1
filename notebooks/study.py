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
# # Which techniques pick the bots out best, and whom do they accuse wrongly?
# **Abstract.** Bots play tracks to draw royalties away from real artists. We compare trivial baselines, rules, novelty
# detectors, supervised models, models of action sequences, the session scorer of the stream, and fusions of them, on
# simulated account-days whose truth is known. Each is tested two weeks after its training, on accounts and campaigns it
# never saw, at natural prevalence, and once more with the tested family taken out of training. The headline is the
# ranking: how hard the bots are to tell is the simulator's choice.
#
# This notebook only reads what `make lab` wrote to `data/lab`.

# %% tags=["parameters"]
folder = "data/lab"

# %%
import os
import sys
from pathlib import Path

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

import orjson
from IPython.display import Image, Markdown, display

from models.lab.report import tables

lab = Path(folder)
if not (lab / "results.json").exists():
    raise SystemExit(f"there are no results in {lab} yet: run  make lab  (hours), then this notebook again")
results = orjson.loads((lab / "results.json").read_bytes())


def show(name: str) -> None:
    file = lab / "figures" / f"{name}.png"
    if file.exists():
        display(Image(filename=str(file)))


# %% [markdown]
# ## 1. Data and method
# An account-day is positive from ten paid-for streams. Days with fewer, and days of a bot's account without any, are
# neither positive nor negative: they are reported separately. Training takes a week; labels come a week late; the
# third week is tested. Accounts and campaigns are split as well. Bots are oversampled and weighted back.

# %%
display(Markdown(tables.sizes(results)))

# %% [markdown]
# ## 2. The techniques
# Filled: the tested family was among the training families. Hollow: it was left out, which is what a new kind of bot
# looks like. Techniques that learn from no bot have both at one place. The ceiling is a model that knows the test week.

# %%
show("ranking")
display(Markdown(tables.techniques(results)))

# %% [markdown]
# ## 3. By family
# What is easy for everybody is no merit. The column of a family says what kind of technique it takes.

# %%
show("families")
display(Markdown(tables.families(results)))

# %% [markdown]
# ## 4. Whom it accuses wrongly
# One honest day in a thousand may be flagged. That allowance is not spread evenly: here is who pays it.

# %%
show("cohorts")
display(Markdown(tables.cohorts(results)))

# %% [markdown]
# ## 5. Does a fusion help?
# The fusion was named before the study. Right of zero it is better than the technique, with paired intervals.

# %%
show("fusion")
display(Markdown(tables.fusion(results)))

# %% [markdown]
# ## 6. In use
# Precision within what analysts can look at, the time until an account is caught and what it draws until then, and
# whether a stated probability means what it says.

# %%
display(Markdown(tables.use(results)))
show("reliability")
show("prevalence")

# %% [markdown]
# ## 7. What the features are worth, and how far the ranking holds

# %%
show("ablation")
display(Markdown(tables.ablation(results)))
display(Markdown(tables.stability(results)))

# %% [markdown]
# ## 8. Limits
# The data is simulated, and the simulator is ours: absolute numbers are a choice, the ranking less so. Cohorts under 30
# days print "too few". Euros are an assumption (`models/risk/money.py`). A flag is a suspicion, not proof.
